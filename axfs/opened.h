/*
 * opened.h - everything that the kernel holds open
 *
 * What open() and opendir() make is known by the kernel's handle only. The kernel gives it back with a release, but not where axfs ends first: what is
 * still listed then is ended by axfs itself.
 */
#pragma once

#include <pthread.h>

struct axfs;

struct opened {
        struct opened *prev, *next;
        void (*end)(struct axfs *fs,
                    struct opened *opened); /* frees what it is the first member of; it is not listed any more */
};

struct opened_list {
        pthread_mutex_t lock;
        struct opened *first;
};

void opened_init(struct opened_list *list);
void opened_deinit(struct opened_list *list);

/** opened_add() - list it, to be ended by @end */
void opened_add(struct axfs *fs, struct opened *opened, void (*end)(struct axfs *fs, struct opened *opened));
/** opened_close() - end it: the kernel has given it back, or never got it */
void opened_close(struct axfs *fs, struct opened *opened);
/** opened_end_all() - once no request is being served */
void opened_end_all(struct axfs *fs);
