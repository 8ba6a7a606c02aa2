/* SPDX-License-Identifier: MIT */
/* identity.c - see identity.h */
#include "identity.h"

#include "util.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct capabilities {
        struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
};

static struct capabilities capabilities; /* what root's requests get; fixed once threads run */
static bool privileged;

/* A new thread starts with whatever its creator had just then, so its state counts as unknown. */
static _Thread_local struct {
        bool own_umask, known, kills_setid, has_groups;
        uid_t uid;
        gid_t gid;
        mode_t umask;
} self;

static int capabilities_get(struct capabilities *ret) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

        return syscall(SYS_capget, &header, ret->set) < 0 ? negative_errno() : 0;
}

static int capabilities_set(const struct capabilities *wanted) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

        return syscall(SYS_capset, &header, wanted->set) < 0 ? negative_errno() : 0;
}

static void capability_drop(struct capabilities *from, unsigned capability) {
        from->set[capability / 32].effective &= ~(1U << capability % 32);
}

void identity_prepare(void) {
        if (capabilities_get(&capabilities) < 0)
                return;
        capability_drop(&capabilities, CAP_SYS_RESOURCE);
        if (capabilities_set(&capabilities) < 0)
                (void) capabilities_get(&capabilities);
        privileged = geteuid() == 0 && (capabilities.set[0].effective & (1U << CAP_SETUID));
        if (privileged)
                (void) setgroups(0, NULL);
}

int identity_umask(mode_t mask) {
        if (!self.own_umask) {
                /*
                 * A umask belongs to the process unless the thread has a filesystem context of its
                 * own.
                 */
                if (unshare(CLONE_FS) < 0)
                        return negative_errno();
                self.own_umask = true;
                self.umask = mask;
                umask(mask);
        }
        if (self.umask != mask) {
                umask(mask);
                self.umask = mask;
        }
        return 0;
}

/*
 * setfsuid(2) and setfsgid(2) report no error. Asking again with an impossible id returns the
 * present one.
 */
static bool switch_id(long call, unsigned id) {
        syscall(call, id);
        return (unsigned) syscall(call, -1) == id;
}

/* The C library's setgroups() is for all threads. */
static int switch_groups(size_t count, const gid_t *groups) {
        return syscall(SYS_setgroups, count, groups) < 0 ? negative_errno() : 0;
}

static struct capabilities capabilities_of(uid_t uid, bool kills_setid) {
        struct capabilities wanted = capabilities;

        if (uid != 0) {
                capability_drop(&wanted, CAP_CHOWN);
                capability_drop(&wanted, CAP_FOWNER);
        }
        if (uid != 0 || kills_setid)
                capability_drop(&wanted, CAP_FSETID);
        return wanted;
}

int identity_assume(uid_t uid, gid_t gid, bool kills_setid) {
        struct capabilities wanted;
        int r;

        if (!privileged ||
            (self.known && self.uid == uid && self.gid == gid && self.kills_setid == kills_setid && !self.has_groups))
                return 0;
        /* A new thread may have its creator's groups, too. */
        if (!self.known || self.has_groups) {
                r = switch_groups(0, NULL);
                if (r < 0)
                        return r;
                self.has_groups = false;
        }
        self.known = false;
        if (!switch_id(SYS_setfsgid, gid) || !switch_id(SYS_setfsuid, uid))
                return -EPERM;
        /*
         * Leaving fsuid 0 took the capabilities of file systems along, and coming back to it
         * brought all.
         */
        wanted = capabilities_of(uid, kills_setid);
        r = capabilities_set(&wanted);
        if (r < 0)
                return r;
        self.known = true;
        self.uid = uid;
        self.gid = gid;
        self.kills_setid = kills_setid;
        return 0;
}

/*
 * ---- what a request does not tell of its caller -----------------------------------------------
 */

struct status {
        bool same_uid, same_gid;
        gid_t *groups;
        size_t n_groups;
        unsigned long long effective; /* capabilities */
};

static void status_deinit(struct status *status) {
        free(status->groups);
}

/* The id that file systems look at is the last of four. */
static bool last_id_is(const char *text, unsigned id) {
        unsigned ids[4];

        return sscanf(text, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4 && ids[3] == id;
}

static void parse_groups(struct status *status, const char *text) {
        char *end;

        free(status->groups);
        status->n_groups = 0;
        status->groups = calloc(strlen(text) / 2 + 1, sizeof(*status->groups));
        for (; status->groups && *text; text = end) {
                unsigned long group = strtoul(text, &end, 10);

                if (end == text)
                        break;
                status->groups[status->n_groups++] = (gid_t) group;
        }
}

/* proc_pid_status(5) */
static void parse_line(struct status *status, char *line, uid_t uid, gid_t gid) {
        char *text = strchr(line, ':');

        if (!text)
                return;
        *text++ = '\0';
        if (strcmp(line, "Uid") == 0)
                status->same_uid = last_id_is(text, uid);
        else if (strcmp(line, "Gid") == 0)
                status->same_gid = last_id_is(text, gid);
        else if (strcmp(line, "Groups") == 0)
                parse_groups(status, text);
        else if (strcmp(line, "CapEff") == 0)
                status->effective = strtoull(text, NULL, 16);
}

/*
 * The thread waits for the request, so its pid is not used again. But it may act as a user that it
 * is not (io_uring).
 */
static bool status_read(struct status *ret, pid_t pid, uid_t uid, gid_t gid) {
        _cleanup_free_ char *line = NULL;
        char path[32];
        size_t size = 0;
        FILE *file;

        if (!privileged || pid <= 0)
                return false;
        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        file = fopen(path, "re");
        if (!file)
                return false;
        while (getline(&line, &size, file) > 0)
                parse_line(ret, line, uid, gid);
        fclose(file);
        return ret->same_uid && ret->same_gid;
}

void identity_take_groups(pid_t pid, uid_t uid, gid_t gid) {
        _cleanup_(status_deinit) struct status status = { .groups = NULL };

        if (uid != 0 && status_read(&status, pid, uid, gid))
                self.has_groups = switch_groups(status.n_groups, status.groups) == 0;
}

int identity_drop_rights(pid_t pid, uid_t uid, gid_t gid) {
        struct capabilities wanted = capabilities_of(uid, self.kills_setid);

        if (!privileged || uid == 0)
                return 0;
        identity_take_groups(pid, uid, gid);
        capability_drop(&wanted, CAP_DAC_OVERRIDE);
        capability_drop(&wanted, CAP_DAC_READ_SEARCH);
        /* The next identity_assume() sets everything anew. */
        self.known = false;
        return capabilities_set(&wanted);
}

void identity_for_change(int fd, pid_t pid, uid_t uid, gid_t gid) {
        struct stat st;

        if (uid != 0 && fstat(fd, &st) == 0 && (st.st_mode & (S_ISGID | S_IXGRP)) == S_ISGID)
                identity_take_groups(pid, uid, gid);
}

/*
 * A capability over files counts if the caller's user namespace knows the file's owner. Here it
 * must know all owners.
 */
static bool namespace_has_all(pid_t pid, const char *map) {
        unsigned inside, outside, count;
        char path[32];
        bool all;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, map);
        file = fopen(path, "re");
        if (!file)
                return false;
        all = fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
              count == UINT32_MAX;
        fclose(file);
        return all;
}

bool identity_take_privileges(pid_t pid, uid_t uid, gid_t gid) {
        static const unsigned over_files[] = { CAP_CHOWN, CAP_FOWNER, CAP_FSETID };
        _cleanup_(status_deinit) struct status status = { .groups = NULL };
        struct capabilities wanted = capabilities;
        bool any = false;

        if (uid == 0 || !status_read(&status, pid, uid, gid))
                return false;
        for (size_t i = 0; i < sizeof(over_files) / sizeof(*over_files); i++) {
                if (status.effective & 1ULL << over_files[i])
                        any = true;
                else
                        capability_drop(&wanted, over_files[i]);
        }
        if (!any || !namespace_has_all(pid, "uid_map") || !namespace_has_all(pid, "gid_map"))
                return false;
        /* The next identity_assume() sets everything anew. */
        self.known = false;
        return capabilities_set(&wanted) == 0;
}

/*  ---------- */

void identity_without_setid(bool on) {
        struct capabilities wanted = capabilities_of(self.uid, on || self.kills_setid);

        /* Ordinary users have none to give up. */
        if (self.known && self.uid != 0)
                return;
        (void) capabilities_set(&wanted);
}
