#include "util/identity.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/log.h"

static bool privileged;
static struct identity *own; /* what threads start with */

/* What the calling thread acts as; NULL: as the daemon. */
static _Thread_local const struct identity *assumed;

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

static bool identity_equal(const struct identity *a, const struct identity *b) {
        return a->uid == b->uid && a->gid == b->gid && a->n_groups == b->n_groups &&
               (a->n_groups == 0 || memcmp(a->groups, b->groups, a->n_groups * sizeof(gid_t)) == 0);
}

int identity_init(void) {
        gid_t groups[1024];
        int n = getgroups((int) (sizeof(groups) / sizeof(groups[0])), groups);
        struct identity nobody = { .uid = 65534, .gid = 65534 };
        int r;

        if (n < 0)
                return -errno;
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
        return thread_setgroups(own->n_groups, own->groups);
}

bool identity_is_privileged(void) {
        return privileged;
}

int identity_new(struct identity **ret, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups) {
        struct identity *identity = malloc(sizeof(*identity) + n_groups * sizeof(gid_t));

        if (!identity)
                return -ENOMEM;
        *identity = (struct identity){ .refs = 1, .uid = uid, .gid = gid, .n_groups = n_groups };
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
        int r;

        if (!privileged || identity_equal(identity, own))
                return 0;
        r = thread_setgroups(identity->n_groups, identity->groups);
        if (r < 0)
                return r;
        assumed = identity;
        thread_set(identity);
        return 0;
}

void identity_restore(void) {
        if (!assumed)
                return;
        thread_set(own);
        if (thread_setgroups(own->n_groups, own->groups) < 0) {
                log_error("cannot take the daemon's own groups back");
                abort();
        }
        assumed = NULL;
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
