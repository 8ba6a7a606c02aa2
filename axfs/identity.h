/*
 * identity.h - create files as the caller
 *
 * New files must belong to the caller, inherit from set-group-id directories and default ACLs, and be charged to the caller's
 * quota; the host does all that by itself if the creating thread has the caller's fsuid, fsgid and umask. Access has been
 * checked by the kernel already (default_permissions), so the thread keeps its capabilities. Each thread remembers whom it impersonates: as long
 * as the same user calls, nothing is switched.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * identity_prepare() - once, before the first thread starts
 *
 * Gives up CAP_SYS_RESOURCE, which would let everybody's files pass quotas and reserved blocks.
 */
void identity_prepare(void);

/** identity_assume() - make the calling thread create files for this caller. Return: 0, or a negative errno. */
int identity_assume(uid_t uid, gid_t gid, mode_t umask);

/** identity_without_setid() - whether the thread's next writes clear set-user-id and set-group-id bits, as an ordinary user's do */
void identity_without_setid(bool on);
