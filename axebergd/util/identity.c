/* SPDX-License-Identifier: MIT */
#include "util/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/log.h"

enum { MANY_GROUPS = 1024 };

static bool privileged;
static struct identity *own; /* what threads start with */

/* What the calling thread acts as; NULL: as the daemon. */
static _Thread_local const struct identity *assumed;
/*
 * Whose supplementary groups it has. Setting them takes the host 10 ms for somebody who is in
 * 65,536 of them, so they stay until somebody else's are needed: they add nothing to the daemon's
 * own rights.
 */
static _Thread_local uint64_t groups_serial;

static uint64_t last_serial;

/* glibc's setgroups() changes every thread; the system call changes the calling one. */
static int thread_setgroups(size_t n_groups, const gid_t *groups) {
        return syscall(SYS_setgroups, n_groups, groups) < 0 ? -errno : 0;
}

static void thread_set(const struct identity *identity) {
        setfsgid(identity->gid);
        setfsuid(identity->uid);
}

static bool thread_is(const struct identity *identity) {
        return (uid_t) setfsuid((uid_t) -1) == identity->uid && (gid_t) setfsgid((gid_t) -1) == identity->gid;
}

bool identity_equal(const struct identity *a, const struct identity *b) {
        return a->uid == b->uid && a->gid == b->gid && a->n_groups == b->n_groups &&
               (a->n_groups == 0 || memcmp(a->groups, b->groups, a->n_groups * sizeof(gid_t)) == 0);
}

bool identity_is_slow(const struct identity *identity) {
        return identity->n_groups > MANY_GROUPS;
}

static int take_groups(const struct identity *identity) {
        int r = 0;

        if (groups_serial != identity->serial)
                r = thread_setgroups(identity->n_groups, identity->groups);
        if (r == 0)
                groups_serial = identity->serial;
        return r;
}

/*
 * With this capability the host would let a user have its reserved blocks and exceed his quotas,
 * because we write for him. What needs it, raising our own limits, has been done. A program that we
 * execute gets it back.
 */
static void drop_overriding_limits(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

        if (syscall(SYS_capget, &header, sets) < 0)
                return;
        sets[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
        if (syscall(SYS_capset, &header, sets) < 0)
                log_errno(LOG_WARNING, errno, "cannot give up overriding quotas");
}

int identity_init(void) {
        gid_t groups[1024];
        int n = getgroups((int) (sizeof(groups) / sizeof(groups[0])), groups);
        struct identity nobody = { .uid = 65534, .gid = 65534 };
        int r;

        if (n < 0)
                return -errno;
        drop_overriding_limits();
        r = identity_new(&own, geteuid(), getegid(), groups, (size_t) n);
        if (r < 0)
                return r;
        if (geteuid() != 0)
                return 0;

        r = thread_setgroups(0, NULL);
        if (r < 0)
                return r == -EPERM ? 0 : r;
        thread_set(&nobody);
        privileged = thread_is(&nobody);
        thread_set(own);
        groups_serial = 0;
        return take_groups(own);
}

bool identity_is_privileged(void) {
        return privileged;
}

int identity_new(struct identity **ret, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups) {
        struct identity *identity = malloc(sizeof(*identity) + n_groups * sizeof(gid_t));

        if (!identity)
                return -ENOMEM;
        *identity =
                (struct identity){ .refs = 1, .serial = ++last_serial, .uid = uid, .gid = gid, .n_groups = n_groups };
        if (n_groups > 0)
                memcpy(identity->groups, groups, n_groups * sizeof(gid_t));
        *ret = identity;
        return 0;
}

struct identity *identity_ref(struct identity *identity) {
        identity->refs++;
        return identity;
}

struct identity *identity_unref(struct identity *identity) {
        if (identity && --identity->refs == 0)
                free(identity);
        return NULL;
}

int identity_assume(const struct identity *identity) {
        bool is_own = identity_equal(identity, own);
        int r;

        if (!privileged)
                return 0;
        r = take_groups(is_own ? own : identity);
        if (r < 0 || is_own)
                return r;
        assumed = identity;
        thread_set(identity);
        return 0;
}

void identity_restore(void) {
        if (!assumed)
                return;
        thread_set(own);
        assumed = NULL;
}

void identity_restore_groups(void) {
        if (!privileged || take_groups(own) == 0)
                return;
        log_line(LOG_CRIT, "cannot take the daemon's own groups back");
        abort();
}

bool identity_is_administrator(const struct identity *identity) {
        return identity->uid == 0 || identity->uid == geteuid();
}

static bool in_group(const struct identity *identity, gid_t gid) {
        if (identity->gid == gid)
                return true;
        for (size_t i = 0; i < identity->n_groups; i++)
                if (identity->groups[i] == gid)
                        return true;
        return false;
}

bool identity_may(const struct identity *identity, uid_t uid, gid_t gid, mode_t mode, unsigned want) {
        if (identity->uid == 0)
                return true;
        if (identity->uid == uid)
                mode >>= 6;
        else if (in_group(identity, gid))
                mode >>= 3;
        return (mode & want) == want;
}
