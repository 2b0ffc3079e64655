// SPDX-License-Identifier: Apache-2.0
#include "vmm/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534 /* where there is no entry of that name */
#define FIRST_UNPRIVILEGED_PORT 1024

static bool wants_low_ports(const struct machine *machine)
{
	for (size_t i = 0; i < machine->port_count; i++)
		if (machine->ports[i].host < FIRST_UNPRIVILEGED_PORT)
			return true;
	return false;
}

/* /dev/kvm is opened by the monitor itself: by its group, or, where that has no rights, as root,
 * who is left without a capability then. */
static void allow_kvm(struct privileges *privileges)
{
	struct stat status;

	if (stat("/dev/kvm", &status) < 0 || (status.st_mode & 06) == 06)
		return;
	if ((status.st_mode & 060) == 060)
		privileges->gid = status.st_gid;
	else
		privileges->uid = status.st_uid;
}

void privileges_choose(const struct machine *machine, const struct accel *accel,
					   struct privileges *ret)
{
	const struct passwd *nobody = getpwnam("nobody");

	*ret = (struct privileges){.drop = geteuid() == 0,
							   .uid = nobody ? nobody->pw_uid : NOBODY,
							   .gid = nobody ? nobody->pw_gid : NOBODY,
							   .low_ports = wants_low_ports(machine)};
	if (ret->drop && accel_kind(accel) == ACCEL_KVM)
		allow_kvm(ret);
}

/* Leaves exactly the capabilities of `mask`, across exec too. */
static int set_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = mask, .permitted = mask, .inheritable = mask}};

	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	if (mask && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) < 0)
		return -errno;
	return 0;
}

static int become(const struct privileges *privileges)
{
	/* An exec of user 0 gives back no capability, and nothing changes that any more. */
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS;

	if (prctl(PR_SET_SECUREBITS, bits) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(privileges->gid, privileges->gid, privileges->gid) < 0)
		return -errno;
	/* In a user namespace nobody may not exist. User 0 is an ordinary user there, and has no
	 * capability left below. */
	if (setresuid(privileges->uid, privileges->uid, privileges->uid) < 0 && errno != EINVAL)
		return -errno;
	return set_capabilities(privileges->low_ports ? 1u << CAP_NET_BIND_SERVICE : 0);
}

int privileges_apply(const struct privileges *privileges)
{
	/* A core dump would hold the guest's memory. */
	const struct rlimit no_core = {0};

	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	int error = privileges->drop ? become(privileges) : 0;
	if (error < 0)
		return error;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
