// SPDX-License-Identifier: Apache-2.0
/* What help and man pages say beside the table of verbs. */
#include "cli/help.h"

const char help_about[] = "Lupine runs a container image, a root directory or a single program "
						  "as a unikernel: a virtual machine whose Linux kernel has what that "
						  "one application needs and little else.";

const struct term help_references[] = {
	{"oci:DIR[:TAG]", "an OCI image layout"},
	{"oci-archive:FILE[:TAG]", "the same in a tar file"},
	{"docker-archive:FILE[:NAME:TAG]", "what docker save or podman save wrote"},
	{"dir:ROOT", "a root directory"},
	{"./PROGRAM", "a program of yours, with the libraries it needs"},
	{"BUILT.lupine", "what lupine build made"},
	{NULL, NULL},
};

const struct term help_statuses[] = {
	{"125", "lupine itself failed, or the guest's kernel or the monitor did"},
	{"126", "the application is there but cannot be executed"},
	{"127", "the application was not found"},
	{"128+N", "the application was killed by signal N"},
	{"other", "is the application's own status"},
	{NULL, NULL},
};

const struct term help_variables[] = {
	{"LUPINE_HOME", "directory that holds cache and state, in place of the XDG directories"},
	{"XDG_CACHE_HOME", "kernels, layers and disks are kept in its lupine/, by default ~/.cache"},
	{"XDG_STATE_HOME", "machines are kept in its lupine/, by default ~/.local/state"},
	{"LUPINE_DATA", "directory of lupine's own data, in place of the installed one"},
	{NULL, NULL},
};

struct term *help_verb_terms(const struct verb *const *table)
{
	struct term *terms = xcalloc(64, sizeof(*terms));
	size_t count = 0;

	for (size_t i = 0; table[i] && count < 63; i++)
		if (!table[i]->hidden)
			terms[count++] = (struct term){verb_own_name(table[i]), table[i]->summary};
	return terms;
}
