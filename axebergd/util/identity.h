/* SPDX-License-Identifier: MIT */
/*
 * The identity that a request acts as on the host's filesystems.
 *
 * An identity is immutable and counted. A thread takes one on for the length of a filesystem
 * operation: file-system uid, file-system gid and supplementary groups are attributes of a thread
 * in Linux, so the kernel itself decides access as the caller. setfsuid(2) also takes away the
 * capabilities that override file permissions, and gives them back.
 *
 * A daemon without privileges serves its own user only, and has nothing to take on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"

struct identity {
        unsigned refs;   /* changed by the kernel's thread only */
        uint64_t serial; /* no two have the same */
        uid_t uid;
        gid_t gid;
        size_t n_groups;
        gid_t groups[];
};

/*
 * Finds out whether this process can act as others, and proves it; gives up CAP_SYS_RESOURCE. Call
 * it once, before there are threads that act as others. Returns 0 or a negative errno.
 */
int identity_init(void);
bool identity_is_privileged(void);

int identity_new(struct identity **ret, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);
struct identity *identity_ref(struct identity *identity);
struct identity *identity_unref(struct identity *identity);
DEFINE_CLEANUP(identity, identity_unref)
/* Whether taking it on may take so long that the kernel's thread must not do it. */
bool identity_is_slow(const struct identity *identity);
/* Whether it is root's, or that of the user that the daemon runs as. */
bool identity_is_administrator(const struct identity *identity);
bool identity_equal(const struct identity *a, const struct identity *b);

/*
 * Makes the calling thread act as the identity. Returns 0, or a negative errno: then nothing has
 * changed.
 */
int identity_assume(const struct identity *identity);
/*
 * Gives the calling thread the daemon's own identity back. A thread that cannot do that would be
 * dangerous, so it aborts.
 */
void identity_restore(void);
/* The supplementary groups stay what they were: to be called before a thread executes a program. */
void identity_restore_groups(void);

/*
 * Whether mode bits of an object of uid:gid grant all of `want` (4 read, 2 write, 1 search); root
 * is granted all.
 */
bool identity_may(const struct identity *identity, uid_t uid, gid_t gid, mode_t mode, unsigned want);
