#compdef lupine
# SPDX-License-Identifier: Apache-2.0
# zsh completion for lupine. The program itself knows what may come next: `lupine completion
# words -- WORD...` prints lines of "WORD<TAB>MEANING", and ":files" or ":directories" where the
# shell has to look.

_lupine() {
	local -a answers described unfinished
	local answer word files=
	answers=("${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	for answer in "${answers[@]}"; do
		case $answer in
		('') ;;
		(:files) files=yes ;;
		(:directories) files=-/ ;;
		(*)
			word=${answer%%$'\t'*}
			if [[ $word == *: ]]; then # a scheme: what it is of follows without a space
				unfinished+=("${word//:/\\:}:${answer#*$'\t'}")
			else
				described+=("${word//:/\\:}:${answer#*$'\t'}")
			fi ;;
		esac
	done
	(( ${#described} )) && _describe lupine described
	(( ${#unfinished} )) && _describe reference unfinished -S ''
	[[ -n $files ]] || return 0
	compset -P '*[:=]' # "oci:" and "--env-file=" are before the file's name
	_files ${files#yes}
}

if [[ $funcstack[1] == _lupine ]]; then
	_lupine "$@"
else
	compdef _lupine lupine
fi
