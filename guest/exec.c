// SPDX-License-Identifier: Apache-2.0
/* Finding the program, and saying in clear words why it cannot be run. */
#include "guest/init.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define HEAD_SIZE 256 /* BINPRM_BUF_SIZE: all that the kernel reads of a "#!" line */

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OUR_MACHINE EM_RISCV
#endif

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {{EM_386, "i386"},      {EM_ARM, "arm"},     {EM_X86_64, "x86-64"},
				 {EM_AARCH64, "arm64"}, {EM_RISCV, "riscv"}, {EM_PPC64, "ppc64"},
				 {EM_S390, "s390x"},    {EM_MIPS, "mips"},   {258, "loongarch"}};
	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "another";
}

/* The path behind "#!", as fs/binfmt_script.c finds it. */
static bool script_interpreter(const char *head, char to[PATH_SIZE])
{
	const char *start = head + 2 + strspn(head + 2, " \t");
	size_t length = strcspn(start, " \t\n");
	memcpy(to, start, length);
	to[length] = 0;
	return length > 0;
}

static bool elf_interpreter(int fd, const char *head, char to[PATH_SIZE])
{
	Elf64_Ehdr header;
	memcpy(&header, head, sizeof(header));
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		off_t at = (off_t)(header.e_phoff + (uint64_t)i * sizeof(segment));
		if (pread(fd, &segment, sizeof(segment), at) != (ssize_t)sizeof(segment))
			return false;
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz == 0 || segment.p_filesz >= PATH_SIZE ||
			pread(fd, to, segment.p_filesz, (off_t)segment.p_offset) != (ssize_t)segment.p_filesz)
			return false;
		to[segment.p_filesz] = 0;
		return true;
	}
	return false;
}

/* What is needed to run `path`: false when that cannot be told. *ret_machine is the ELF
 * machine, 0 for what is no ELF file. */
static bool interpreter(const char *path, char to[PATH_SIZE], unsigned *ret_machine)
{
	char head[HEAD_SIZE + 1] = {0};
	bool found = false;
	*ret_machine = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (pread(fd, head, HEAD_SIZE, 0) > 0 && memcmp(head, "#!", 2) == 0) {
		found = script_interpreter(head, to);
	} else if (memcmp(head, ELFMAG, SELFMAG) == 0) {
		*ret_machine = (unsigned char)head[18] | (unsigned)(unsigned char)head[19] << 8;
		found = head[EI_CLASS] == ELFCLASS64 && elf_interpreter(fd, head, to);
	}
	close(fd);
	return found;
}

/* The file is there and yet the kernel said ENOENT: something that it names is not. */
static int explain_missing(const char *path, struct failure *failure)
{
	static char names[2][PATH_SIZE];
	const char *current = path;
	unsigned machine;
	/* A script's interpreter can be a script or lack its own loader; the kernel follows five. */
	for (int depth = 0; depth < 5 && interpreter(current, names[depth % 2], &machine); depth++) {
		const char *kind = machine ? "its ELF interpreter " : "its interpreter ";
		const char *wanted = names[depth % 2];
		if (access(wanted, F_OK) < 0 && current == path)
			return failure_set(failure, 127,
							   TEXT(path, ": ", kind, wanted, " is not in the image"));
		if (access(wanted, F_OK) < 0)
			return failure_set(
				failure, 127,
				TEXT(path, ": for ", current, ", ", kind, wanted, " is not in the image"));
		current = wanted;
	}
	return failure_set(failure, 127, TEXT(path, ": its interpreter is not in the image"));
}

static int explain_format(const char *path, struct failure *failure)
{
	char name[PATH_SIZE];
	unsigned machine;
	interpreter(path, name, &machine);
	if (machine && machine != OUR_MACHINE)
		return failure_set(failure, 126,
						   TEXT(path, ": is a program for ", machine_name(machine),
								" processors, this machine is ", machine_name(OUR_MACHINE)));
	if (machine)
		return failure_set(failure, 126, TEXT(path, ": is a damaged ELF file"));
	return failure_set(failure, 126,
					   TEXT(path, ": is neither an ELF program nor a script that begins with #!"));
}

static int explain(const char *path, int error, struct failure *failure)
{
	struct stat file;
	if (stat(path, &file) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return failure_set(failure, 127, TEXT(path, ": not found in the image"));
		return failure_set(failure, 126, TEXT(path, ": ", strerror(errno)));
	}
	if (S_ISDIR(file.st_mode))
		return failure_set(failure, 126, TEXT(path, ": is a directory"));
	if (!S_ISREG(file.st_mode))
		return failure_set(failure, 126, TEXT(path, ": is not a regular file"));
	if (error == EACCES) {
		char mode[NUMBER_SIZE];
		number_format(mode, file.st_mode & 07777, 8, 4);
		return failure_set(failure, 126,
						   TEXT(path, ": user ", NUMBER(geteuid()),
								" may not execute it (its mode is ", mode, ", its owner ",
								NUMBER(file.st_uid), ")"));
	}
	if (error == ENOENT)
		return explain_missing(path, failure);
	if (error == ENOEXEC)
		return explain_format(path, failure);
	return failure_set(failure, 126, TEXT(path, ": cannot be executed: ", strerror(error)));
}

static int try(const char *path, char *const *argv, char *const *envp, uint64_t *ticks)
{
	*ticks = ticks_now();
	execve(path, argv, envp);
	return errno;
}

int exec_search(char *const *argv, char *const *envp, uint64_t *ticks, struct failure *failure)
{
	static char candidate[PATH_SIZE], denied[PATH_SIZE];
	const char *name = argv[0], *path = "";
	if (strchr(name, '/'))
		return explain(name, try(name, argv, envp, ticks), failure);

	for (size_t i = 0; envp[i]; i++)
		if (strncmp(envp[i], "PATH=", 5) == 0)
			path = envp[i] + 5;
	for (const char *at = path; *at; at += *at == ':') {
		size_t length = strcspn(at, ":");
		if (length + 1 + strlen(name) < sizeof(candidate)) {
			memcpy(candidate, at, length);
			candidate[length] = 0;
			text_append(candidate, sizeof(candidate), TEXT(length ? "/" : "./", name));
			int error = try(candidate, argv, envp, ticks);
			if (error == EACCES)
				text_join(denied, sizeof(denied), TEXT(candidate));
			else if (access(candidate, F_OK) == 0)
				return explain(candidate, error, failure);
		}
		at += length;
	}
	if (denied[0])
		return explain(denied, EACCES, failure);
	return failure_set(failure, 127, TEXT(name, ": not found in the image (PATH is ", path, ")"));
}
