/*
 * Who a request acts as on the host's filesystems.
 *
 * An identity is immutable and counted. A thread takes one on for the length of a filesystem operation: file-system uid,
 * file-system gid and supplementary groups are attributes of a thread in Linux, so the kernel itself decides access as the caller.
 * setfsuid(2) also takes away the capabilities that override file permissions, and gives them back.
 *
 * A daemon without privileges serves its own user only, and has nothing to take on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct identity {
        unsigned refs; /* changed by the kernel's thread only */
        uid_t uid;
        gid_t gid;
        size_t n_groups;
        gid_t groups[];
};

/* Finds out whether this process can act as others, and proves it. Return: 0, negative errno. Call once, before threads. */
int identity_init(void);
bool identity_is_privileged(void);

int identity_new(struct identity **ret, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);
struct identity *identity_ref(struct identity *identity);
struct identity *identity_unref(struct identity *identity);

/* Takes the identity on for the calling thread. Return: 0, negative errno; on error the thread is as it was. */
int identity_assume(const struct identity *identity);
/* Gives the calling thread the daemon's own identity back. Cannot fail: a thread that could not would be dangerous, and aborts. */
void identity_restore(void);

/* Whether mode bits of an object of uid:gid grant all of `want` (4 read, 2 write, 1 search); root is granted all. */
bool identity_may(const struct identity *identity, uid_t uid, gid_t gid, mode_t mode, unsigned want);
