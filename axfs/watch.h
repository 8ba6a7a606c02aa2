/* SPDX-License-Identifier: MIT */
/*
 * watch.h - wake programs that poll the console
 *
 * A poll that finds nothing leaves a handle, by which the kernel is told later that something has
 * changed. The daemon does not announce input of the console, so while handles are left one thread
 * asks every tenth of a second, once for all of them. Without handles it sleeps.
 *
 * An open file leaves one handle at most: it is charged with the file.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct connection;
struct fuse_pollhandle;

/** What an open file keeps here; { 0 } at first. */
struct watched {
        struct fuse_pollhandle *handle; /* NULL: nobody waits */
        struct connection *connection;  /* lives as long as the file */
        int fd;                         /* at the daemon */
        struct watched *prev, *next;
};

struct watch {
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct watched *first;
        bool started, stopping;
};

void watch_init(struct watch *watch);
void watch_deinit(struct watch *watch);
void watch_stop(struct watch *watch);

/**
 * watch_add() - have the handle woken if there is input, or the daemon is gone
 * @handle: taken over; replaces what the file has left before
 */
void watch_add(struct watch *watch, struct watched *watched, struct fuse_pollhandle *handle);

/** watch_remove() - nobody waits any more: call it before the file ends. Harmless if nobody did. */
void watch_remove(struct watch *watch, struct watched *watched);

/**
 * watch_has_input() - ask the daemon. Returns 1 if a read would not wait, 0, or a negative error of
 * the library.
 */
int watch_has_input(struct connection *connection, int fd);
