/* SPDX-License-Identifier: MIT */
/*
 * identity.h - act as the caller
 *
 * The kernel checks what a caller may do (default_permissions) before it asks axfs. Until axfs
 * acts, that may have changed: a different file has got the name that is to be removed, or the file
 * that is to get a mode has got a different owner. So the thread that serves a request takes on the
 * caller's fsuid and fsgid and gives up the capabilities over files of others (CAP_FOWNER,
 * CAP_CHOWN, CAP_FSETID), and the host's kernel checks again, under its own locks: sticky
 * directories, ownership, set-id bits. This also makes new files belong to the caller, lets them
 * inherit from set-group-id directories and default ACLs, and charges them to the caller's quota.
 * Root keeps all capabilities.
 *
 * The capabilities that override permission bits (CAP_DAC_OVERRIDE) stay. Those bits belong to the
 * very directory or file that the kernel has checked, and axfs reaches it by descriptor, so the
 * result is what it would have been a moment earlier.
 *
 * A request tells neither the caller's supplementary groups nor its capabilities. The few
 * operations whose outcome depends on groups read them when they need them. If the host refuses an
 * operation, axfs looks whether the caller is privileged without being root. Privileges in a user
 * namespace that does not know all users count at the kernel's check only, and not at the host's.
 *
 * Each thread remembers which user it stands for: as long as the same user calls, nothing is
 * switched.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * identity_prepare() - call once, before the first thread starts
 *
 * Gives up axfs' own groups, and CAP_SYS_RESOURCE, which would let everybody's files exceed quotas
 * and use reserved blocks.
 */
void identity_prepare(void);

/**
 * identity_assume() - let the calling thread act as this caller, without supplementary groups
 * @kills_setid: changes clear set-user-id and set-group-id bits even if the caller is root
 *
 * Returns 0 or a negative errno.
 */
int identity_assume(uid_t uid, gid_t gid, bool kills_setid);

/**
 * identity_drop_rights() - let the host check permission bits, too, for what this request does next
 *
 * The thread gets the caller's supplementary groups and gives up the capabilities that override
 * permission bits, unless the caller is root. A caller that has these without being root gets less
 * than it could.
 *
 * Returns 0 or a negative errno.
 */
int identity_drop_rights(pid_t pid, uid_t uid, gid_t gid);

/**
 * identity_umask() - set the umask for what the thread creates next. Returns 0 or a negative errno.
 */
int identity_umask(mode_t mask);

/**
 * identity_for_change() - call before the contents of an open file change
 *
 * If the caller is in the file's group, the set-group-id bit stays on a file that the group may not
 * execute.
 */
void identity_for_change(int fd, pid_t pid, uid_t uid, gid_t gid);

/**
 * identity_take_groups() - give the thread the caller's supplementary groups until its next
 * identity_assume()
 * @pid: the thread that waits for the request; it must still be the user that the request names
 */
void identity_take_groups(pid_t pid, uid_t uid, gid_t gid);

/**
 * identity_take_privileges() - give the thread the caller's own capabilities over files of others,
 * until its next identity_assume()
 *
 * Returns false if the caller has none.
 */
bool identity_take_privileges(pid_t pid, uid_t uid, gid_t gid);

/**
 * identity_without_setid() - let the thread's changes clear set-id bits, until it is called with
 * false
 */
void identity_without_setid(bool on);
