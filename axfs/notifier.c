/* SPDX-License-Identifier: MIT */
/* notifier.c - see notifier.h */
#include "notifier.h"

#include "util.h"

int notifier_init(struct notifier *notifier, struct caching *caching) {
        *notifier = (struct notifier){ .caching = caching, .fd = -1 };
        pthread_mutex_init(&notifier->lock, NULL);
        pthread_cond_init(&notifier->wake, NULL);
        return ax_cancel_new(&notifier->cancel) < 0 ? -ENOMEM : 0;
}

void notifier_deinit(struct notifier *notifier) {
        connection_unref(notifier->connection);
        ax_cancel_free(notifier->cancel);
        pthread_cond_destroy(&notifier->wake);
        pthread_mutex_destroy(&notifier->lock);
}

void notifier_join(struct notifier *notifier, struct connection *connection) {
        int page_fd, fd = ax_mount_cache(connection->ax, &page_fd), r;
        struct connection *old;

        if (fd < 0)
                return;
        /* The daemon before has gone, and tells of no more changes. */
        caching_set_allowed(notifier->caching, false);
        r = caching_set_page(notifier->caching, page_fd);
        close(page_fd);
        if (r < 0) {
                ax_close(connection->ax, fd);
                return;
        }
        pthread_mutex_lock(&notifier->lock);
        old = notifier->connection;
        notifier->connection = connection_ref(connection);
        notifier->fd = fd;
        pthread_cond_signal(&notifier->wake);
        pthread_mutex_unlock(&notifier->lock);
        connection_unref(old);
}

static void forget(struct caching *caching, const struct ax_mount_changes *changes) {
        bool names = false;

        if (changes->everything) {
                caching_forget_all(caching);
                return;
        }
        for (size_t i = 0; i < changes->count; i++)
                if (changes->changes[i].kind == AX_MOUNT_CHANGE_ATTRIBUTES)
                        caching_forget_file(caching, changes->changes[i].dev, changes->changes[i].ino);
                else
                        names = true;
        if (names)
                caching_forget_names(caching);
}

/* Until the daemon ends or notifier_stop() is called. */
static void fetch(struct notifier *notifier, struct connection *connection, int fd) {
        struct ax_mount_changes changes;
        int r;

        while ((r = ax_mount_changes(connection->ax, fd, &changes)) == 0) {
                forget(notifier->caching, &changes);
                caching_set_allowed(notifier->caching, changes.caching);
        }
        caching_set_allowed(notifier->caching, false);
}

/* Returns the connection to fetch from, whose reference is handed over; NULL: the end. */
static struct connection *next_connection(struct notifier *notifier, int *ret_fd) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&notifier->lock);
        struct connection *connection;

        while (!notifier->connection && !notifier->stopping)
                pthread_cond_wait(&notifier->wake, &notifier->lock);
        if (notifier->stopping)
                return NULL;
        connection = notifier->connection;
        notifier->connection = NULL;
        *ret_fd = notifier->fd;
        return connection;
}

static void *notifier_thread(void *data) {
        struct notifier *notifier = data;
        struct connection *connection;
        int fd;

        ax_cancel_use(notifier->cancel);
        while ((connection = next_connection(notifier, &fd))) {
                fetch(notifier, connection, fd);
                connection_unref(connection);
        }
        ax_cancel_use(NULL);
        return NULL;
}

int notifier_start(struct notifier *notifier) {
        int r = thread_start(&notifier->thread, notifier_thread, notifier);

        notifier->started = r == 0;
        return r;
}

void notifier_stop(struct notifier *notifier) {
        if (!notifier->started)
                return;
        pthread_mutex_lock(&notifier->lock);
        notifier->stopping = true;
        pthread_cond_signal(&notifier->wake);
        pthread_mutex_unlock(&notifier->lock);
        ax_cancel_fire(notifier->cancel);
        pthread_join(notifier->thread, NULL);
        notifier->started = false;
}
