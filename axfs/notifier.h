/* SPDX-License-Identifier: MIT */
/*
 * notifier.h - the thread that makes the host's kernel forget what a client has changed
 *
 * It fetches changes from the daemon and tells the kernel. The client's answer waits for that, so
 * the thread holds no lock while it does, and nothing that it does waits for anybody.
 */
#pragma once

#include "caching.h"

struct notifier {
        struct caching *caching;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct connection *connection; /* whose changes are to be fetched; NULL: wait */
        int fd;                        /* of our cache at the daemon */
        pthread_t thread;
        ax_cancel *cancel;
        bool started, stopping;
};

/** notifier_init() - Returns 0 or a negative errno. */
int notifier_init(struct notifier *notifier, struct caching *caching);
void notifier_deinit(struct notifier *notifier);

/**
 * notifier_join() - become one of those whom the daemon tells of changes; waits until a mount that
 * caches has stopped
 *
 * If the daemon does not know how, nothing is cached.
 */
void notifier_join(struct notifier *notifier, struct connection *connection);

/** notifier_start() - let the thread fetch. Returns 0 or a negative errno. */
int notifier_start(struct notifier *notifier);
void notifier_stop(struct notifier *notifier);
