/* SPDX-License-Identifier: MIT */
/*
 * opened.h - everything that the kernel holds open, and for which user
 *
 * What open() and opendir() make is known by the kernel's handle only. The kernel gives it back
 * with a release, but not if axfs ends first: axfs itself ends what is still listed then.
 *
 * Each costs a descriptor, of axfs or of its connection to the daemon, and these are few. So the
 * user who opens is charged before anything is taken. An ordinary user gets at most a share, and
 * all of them together leave a reserve for root.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct axfs;
struct opened_list;
struct opened_user;

/* What kind of descriptor it costs. */
enum opened_kind { OPENED_HERE, OPENED_AT_DAEMON, OPENED_KINDS };

struct opened {
        struct opened *prev, *next;
        struct opened_list *list;
        struct opened_user *user;
        enum opened_kind kind;
        /* frees what it is the first member of; it is not listed any more */
        void (*end)(struct axfs *fs, struct opened *opened);
};

struct opened_limit {
        unsigned each; /* an ordinary user */
        unsigned all;  /* ordinary users together */
};

struct opened_list {
        struct axfs *fs;
        pthread_mutex_t lock;
        struct opened *first;
        struct opened_user *users;
        struct opened_limit limits[OPENED_KINDS];
        unsigned counts[OPENED_KINDS]; /* of ordinary users */
        time_t logged;
        bool ending;
};

/** opened_init() - make an empty list; @fs goes to the functions that end what is listed */
void opened_init(struct opened_list *list, struct axfs *fs);

/**
 * opened_set_limits() - call once, before the first request
 * @descriptors: how many axfs may have for open files
 * @each: how many files an ordinary user may hold open; 0: a default, which follows from
 * @descriptors
 */
void opened_set_limits(struct opened_list *list, unsigned descriptors, unsigned each);

void opened_deinit(struct opened_list *list);

/**
 * opened_add() - charge a user and list it
 * @uid: the user who opens
 * @end: ends it
 *
 * Returns 0; -ENFILE if the user, or all users together, hold as many as they may; -ENOMEM.
 */
int opened_add(struct opened_list *list, struct opened *opened, enum opened_kind kind, uid_t uid,
               void (*end)(struct axfs *fs, struct opened *opened));

/** opened_uid() - returns the user who is charged */
uid_t opened_uid(const struct opened *opened);

/** opened_close() - end it: the kernel has given it back, or never got it */
void opened_close(struct opened *opened);

/** opened_end_all() - close what is left, once no request is being served */
void opened_end_all(struct opened_list *list);
