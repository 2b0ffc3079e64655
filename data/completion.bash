# SPDX-License-Identifier: Apache-2.0
# bash completion for lupine. The program itself knows what may come next: `lupine completion
# words -- WORD...` prints lines of "WORD<TAB>MEANING", and ":files" or ":directories" where the
# shell has to look.

_lupine() {
	local line=${COMP_LINE:0:COMP_POINT} current prefix='' files='' candidate words
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	current=${words[${#words[@]} - 1]}
	# Bash takes "oci:dir:tag" and "--name=value" for several words: what lies before the last
	# break is on the line already, and must not be in the answers.
	[[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && prefix=${current%:*}:
	[[ $COMP_WORDBREAKS == *=* && ${current#"$prefix"} == *=* ]] && prefix=${current%=*}=

	COMPREPLY=()
	while IFS=$'\t' read -r candidate _; do
		case $candidate in
		:files) files=-f ;;
		:directories) files=-d ;;
		"$current"*) COMPREPLY+=("${candidate#"$prefix"}") ;;
		esac
	done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
	if [[ $files ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$files" -- "${current#"$prefix"}")
	fi
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
	return 0
}
complete -F _lupine lupine
