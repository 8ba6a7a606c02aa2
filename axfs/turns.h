/* SPDX-License-Identifier: MIT */
/*
 * turns.h - no user has all of the threads that serve requests
 *
 * A request can block in the host for as long as a user likes. For example he holds an inode's lock
 * by a write whose memory does not come, and asks for something that needs the lock. So one user
 * has at most half of the threads, and ordinary users together leave some to root. Requests beyond
 * that wait as the bytes that they came in, without a thread, until one of the user's requests is
 * done.
 *
 * Users are told apart by a hash of their uid, so counting takes no lock. Two users with the same
 * hash share what one has.
 */
#pragma once

#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct turn;

enum { TURNS_SLOTS = 256 };

struct turns {
        unsigned each, all; /* how many a user, and ordinary users together, may have */
        atomic_uint running, running_of[TURNS_SLOTS];
        atomic_uint n_waiting;
        pthread_mutex_t lock; /* for what follows */
        struct turn *waiting; /* in the order they came */
        unsigned waiting_of[TURNS_SLOTS];
};

/** turns_init() - @threads: how many serve requests */
void turns_init(struct turns *turns, unsigned threads);
void turns_deinit(struct turns *turns);

/**
 * turns_begin() - a request has come to this thread
 *
 * Returns true if the thread is to serve it now. Else it was put off, or, if too many of the user's
 * wait already, answered with ENOMEM on @fd; the thread looks for the next one.
 */
bool turns_begin(struct turns *turns, int fd, const struct fuse_in_header *header, size_t size);

/** turns_end() - the request that this thread has served is done; harmless if there was none */
void turns_end(struct turns *turns);

/**
 * turns_take() - take a request that was put off and that this thread is to serve now
 *
 * Returns its size, or 0 if there is none.
 */
size_t turns_take(struct turns *turns, void *buffer, size_t size);
