/* SPDX-License-Identifier: MIT */
/* opened.c - see opened.h */
#include "opened.h"

#include "util.h"

#include <stdio.h>
#include <time.h>

#include <utlist.h>

enum {
        LOG_SECONDS = 60,

        /*
         * By default the daemon lets a process have so many open (DescriptorsPerProcess), less a
         * reserve.
         */
        AT_DAEMON_ALL = 896,
        AT_DAEMON_EACH = 128,
};

static unsigned lesser(unsigned a, unsigned b) {
        return a < b ? a : b;
}

/* Exists while the user holds something. */
struct opened_user {
        uid_t uid;
        unsigned counts[OPENED_KINDS];
        UT_hash_handle hh;
};

void opened_init(struct opened_list *list, struct axfs *fs) {
        *list = (struct opened_list){ .fs = fs };
        pthread_mutex_init(&list->lock, NULL);
}

void opened_deinit(struct opened_list *list) {
        pthread_mutex_destroy(&list->lock);
}

void opened_set_limits(struct opened_list *list, unsigned descriptors, unsigned each) {
        unsigned all = descriptors - descriptors / 8;

        if (each == 0)
                each = all / 4;
        list->limits[OPENED_HERE] = (struct opened_limit){ .each = lesser(each, all), .all = all };
        list->limits[OPENED_AT_DAEMON] =
                (struct opened_limit){ .each = lesser(each, AT_DAEMON_EACH), .all = AT_DAEMON_ALL };
}

static struct opened_user *user_find_or_add(struct opened_list *list, uid_t uid) {
        struct opened_user *user;

        HASH_FIND(hh, list->users, &uid, sizeof(uid), user);
        if (user)
                return user;
        user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->uid = uid;
        HASH_ADD(hh, list->users, uid, sizeof(user->uid), user);
        if (user->hh.tbl)
                return user;
        free(user);
        return NULL;
}

static void user_drop_if_idle(struct opened_list *list, struct opened_user *user) {
        for (unsigned kind = 0; kind < OPENED_KINDS; kind++)
                if (user->counts[kind] > 0)
                        return;
        HASH_DEL(list->users, user);
        free(user);
}

/* Root is not bounded: the reserve is there for it. */
static bool may_open(const struct opened_list *list, enum opened_kind kind, const struct opened_user *user) {
        const struct opened_limit *limit = &list->limits[kind];

        return user->uid == 0 || (user->counts[kind] < limit->each && list->counts[kind] < limit->all);
}

static void log_refusal(struct opened_list *list, enum opened_kind kind, const struct opened_user *user) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        if (list->logged != 0 && now.tv_sec < list->logged + LOG_SECONDS)
                return;
        list->logged = now.tv_sec;
        fprintf(stderr, "axfs: user %u may open no more %s: holds %u of %u, all users %u of %u\n", (unsigned) user->uid,
                kind == OPENED_HERE ? "files" : "files of /dev and /proc", user->counts[kind], list->limits[kind].each,
                list->counts[kind], list->limits[kind].all);
}

static int charge(struct opened_list *list, enum opened_kind kind, uid_t uid, struct opened_user **ret) {
        struct opened_user *user = user_find_or_add(list, uid);

        if (!user)
                return -ENOMEM;
        if (!may_open(list, kind, user)) {
                log_refusal(list, kind, user);
                user_drop_if_idle(list, user);
                return -ENFILE;
        }
        user->counts[kind]++;
        list->counts[kind] += uid != 0;
        *ret = user;
        return 0;
}

static void discharge(struct opened_list *list, enum opened_kind kind, struct opened_user *user) {
        list->counts[kind] -= user->uid != 0;
        user->counts[kind]--;
        user_drop_if_idle(list, user);
}

int opened_add(struct opened_list *list, struct opened *opened, enum opened_kind kind, uid_t uid,
               void (*end)(struct axfs *fs, struct opened *opened)) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&list->lock);
        int r = charge(list, kind, uid, &opened->user);

        if (r < 0)
                return r;
        opened->list = list;
        opened->kind = kind;
        opened->end = end;
        DL_APPEND(list->first, opened);
        return 0;
}

uid_t opened_uid(const struct opened *opened) {
        return opened->user->uid;
}

void opened_close(struct opened *opened) {
        struct opened_list *list = opened->list;
        struct opened_user *user = opened->user;
        enum opened_kind kind = opened->kind;

        pthread_mutex_lock(&list->lock);
        DL_DELETE(list->first, opened);
        pthread_mutex_unlock(&list->lock);
        opened->end(list->fs, opened);
        /* The charge lasts as long as the descriptor. */
        pthread_mutex_lock(&list->lock);
        discharge(list, kind, user);
        pthread_mutex_unlock(&list->lock);
}

void opened_end_all(struct opened_list *list) {
        list->ending = true;
        while (list->first)
                opened_close(list->first);
}
