/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

atomic_uint client_forks;

static void on_fork_in_child(void) {
        atomic_fetch_add_explicit(&client_forks, 1, memory_order_relaxed);
        ax_cancel_use(NULL);
}

static void register_fork_handler(void) {
        pthread_atfork(NULL, NULL, on_fork_in_child);
}

int client_new(ax_client **ret, int fd) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        ax_client *ax = malloc(sizeof(*ax));

        pthread_once(&once, register_fork_handler);
        if (!ax)
                return -AX_ENOMEM;
        memset(ax, 0, offsetof(ax_client, receive_buffer));
        ax->generation = client_fork_generation();
        ax->fd = fd;
        ax->event_fd = ax->epoll_fd = -1;
        published_init(&ax->published);
        ax->watch_flag = ax->published.trace_flag;
        pthread_mutex_init(&ax->lock, NULL);
        direct_table_init(&ax->direct);
        children_init(&ax->children);
        *ret = ax;
        return 0;
}

/*
 * The locks are not destroyed, which frees nothing: in a forked child they may be locked for
 * good, by a thread that only the parent has.
 */
void client_free(ax_client *ax) {
        if (ax->epoll_fd >= 0)
                close(ax->epoll_fd);
        if (ax->event_fd >= 0)
                close(ax->event_fd);
        close(ax->fd);
        region_map_deinit(&ax->regions);
        published_unmap(&ax->published);
        direct_table_deinit(&ax->direct);
        children_deinit(&ax->children);
        free(ax->socket_path);
        free(ax);
}
