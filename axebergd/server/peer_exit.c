/* SPDX-License-Identifier: MIT */
#include "server/peer_exit.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "account/user.h"
#include "server/admission.h"
#include "util/container.h"
#include "util/lane.h"

struct peer_exit {
        struct peer_exits *peers; /* that it can be found in; NULL: in none */
        uint64_t key;
        struct user *user;
        struct user_charge charge;
        int pidfd;
        struct lane_source source;
        struct peer_watch *watches;
        UT_hash_handle hh;
};

static void peer_hide(struct peer_exit *peer) {
        if (peer->peers)
                HASH_DEL(peer->peers->all, peer);
        peer->peers = NULL;
}

static void peer_free(struct peer_exit *peer) {
        peer_hide(peer);
        lane_unwatch(&peer->source);
        if (peer->pidfd >= 0)
                close(peer->pidfd);
        user_charge_deinit(&peer->charge);
        user_unref(peer->user);
        free(peer);
}

/* One connection a step, however many the process has: the pidfd stays ready. */
static void peer_on_exit(struct lane_source *source, uint32_t events) {
        const struct peer_exit *peer = container_of(source, struct peer_exit, source);

        (void) events;
        peer->watches->on_exit(peer->watches);
}

static int peer_new(struct peer_exit **ret, struct user *user, int fd, int host_pid) {
        struct peer_exit *peer = calloc(1, sizeof(*peer));
        int r;

        if (!peer)
                return -ENOMEM;
        peer->user = user_ref(user);
        peer->pidfd = -1;
        r = user_charge(user, &peer->charge, USER_HOST_FDS, 1);
        if (r == 0)
                r = peer->pidfd = admission_open_pidfd(fd, host_pid);
        if (r >= 0)
                r = lane_watch(&user->lane, &peer->source, peer->pidfd, EPOLLIN, peer_on_exit);
        if (r < 0) {
                peer_free(peer);
                return r;
        }
        *ret = peer;
        return 0;
}

/* One that has not ended still has its number, so the number means no other process. */
static bool is_alive(const struct peer_exit *peer) {
        struct pollfd fd = { .fd = peer->pidfd, .events = POLLIN };

        return poll(&fd, 1, 0) == 0;
}

static struct peer_exit *find_alive(struct peer_exits *peers, uint64_t key) {
        struct peer_exit *peer;

        HASH_FIND(hh, peers->all, &key, sizeof(key), peer);
        if (!peer || is_alive(peer))
                return peer;
        peer_hide(peer);
        return NULL;
}

int peer_watch_add(struct peer_exits *peers, struct peer_watch *watch, struct user *user, int fd, int host_pid,
                   void (*on_exit)(struct peer_watch *watch)) {
        /* a process can change its uid between two connections */
        const uint64_t key = (uint64_t) user->uid << 32 | (uint32_t) host_pid;
        bool is_known = host_pid > 0; /* not one of a different pid namespace */
        struct peer_exit *peer = is_known ? find_alive(peers, key) : NULL;

        if (!peer) {
                int r = peer_new(&peer, user, fd, host_pid);

                if (r < 0)
                        return r;
                if (is_known) {
                        peer->peers = peers;
                        peer->key = key;
                        HASH_ADD(hh, peers->all, key, sizeof(peer->key), peer);
                }
        }
        *watch = (struct peer_watch){ .peer = peer, .on_exit = on_exit };
        DL_APPEND(peer->watches, watch);
        return 0;
}

void peer_watch_remove(struct peer_watch *watch) {
        struct peer_exit *peer = watch->peer;

        if (!peer)
                return;
        DL_DELETE(peer->watches, watch);
        watch->peer = NULL;
        if (!peer->watches)
                peer_free(peer);
}
