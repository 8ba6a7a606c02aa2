/* SPDX-License-Identifier: MIT */
#include "server/rings.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <utlist.h>

#include "account/user.h"
#include "memory/memfd.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/log.h"
#include "util/workers.h"

struct rings {
        struct job job; /* that unmaps them */
        struct rings *prev, *next;
        struct workers *workers;
        struct ax_rings *map;
        int fd; /* until they are used */
        bool in_use, rest;
        struct ax_ring_receiver requests;
        struct ax_ring_sender replies;
        uint32_t sent_before; /* frames on the socket that the program does not count */
        struct user_charge fd_charge, map_charge, bytes_charge;
};

/* That could not be unmapped. */
static struct rings *kept;

int rings_new(struct rings **ret, struct workers *workers, struct user *user, uint32_t spin_nsec, int *ret_fd) {
        struct rings *rings = calloc(1, sizeof(*rings));
        void *map;
        int r;

        if (!rings)
                return -ENOMEM;
        rings->workers = workers;
        rings->fd = -1;
        r = user_charge(user, &rings->fd_charge, USER_HOST_FDS, 1);
        if (r == 0)
                r = user_charge(user, &rings->map_charge, USER_MAPPINGS, 1);
        if (r == 0)
                r = user_charge(user, &rings->bytes_charge, USER_BUFFERS, sizeof(*rings->map));
        if (r == 0)
                r = rings->fd = memfd_make(sizeof(*rings->map), MEMFD_SEALED_LATER, &map);
        if (r < 0) {
                rings_free(rings);
                return r;
        }
        rings->map = map;
        rings->map->spin_nsec = spin_nsec;
        atomic_store(&rings->map->requests.wants_bell, 1);
        atomic_store(&rings->map->replies.wants_bell, 1);
        rings->rest = true;
        rings->requests = (struct ax_ring_receiver){ .ring = &rings->map->requests, .data = rings->map->request_data };
        rings->replies = (struct ax_ring_sender){ .ring = &rings->map->replies, .data = rings->map->reply_data };
        *ret_fd = rings->fd;
        *ret = rings;
        return 0;
}

static void rings_destroy(struct rings *rings) {
        cleanup_close(&rings->fd);
        user_charge_deinit(&rings->fd_charge);
        user_charge_deinit(&rings->map_charge);
        user_charge_deinit(&rings->bytes_charge);
        free(rings);
}

static void unmap_run(struct job *job) {
        struct rings *rings = container_of(job, struct rings, job);

        if (!memfd_seal(rings->fd))
                return;
        munmap(rings->map, sizeof(*rings->map));
        rings->map = NULL;
}

/* What cannot be sealed stays mapped, and the user goes on paying for it. */
static void unmap_done(struct job *job) {
        struct rings *rings = container_of(job, struct rings, job);
        struct user *user = job->user;

        if (rings->map) {
                log_client(LOG_WARNING, 0, 0, user->uid, "uid %u holds up the freeing of its rings",
                           (unsigned) user->uid);
                cleanup_close(&rings->fd);
                rings->fd = -1;
                DL_APPEND(kept, rings);
                return;
        }
        rings_destroy(rings);
        user_unref(user);
}

void rings_forget_kept(void) {
        struct rings *rings, *next;

        DL_FOREACH_SAFE (kept, rings, next) {
                struct user *user = rings->job.user;

                DL_DELETE(kept, rings);
                rings_destroy(rings);
                user_unref(user);
        }
}

/* Whoever can punch the memory could make us wait where we unmap it; so a worker does. */
struct rings *rings_free(struct rings *rings) {
        if (!rings)
                return NULL;
        if (rings->map && !rings->in_use) {
                rings->job =
                        (struct job){ .run = unmap_run, .done = unmap_done, .user = user_ref(rings->map_charge.user) };
                if (workers_submit(rings->workers, &rings->job) == 0)
                        return NULL;
                user_unref(rings->map_charge.user);
                rings->map = NULL; /* the daemon ends */
        }
        if (rings->map)
                munmap(rings->map, sizeof(*rings->map));
        rings_destroy(rings);
        return NULL;
}

int rings_begin(struct rings *rings) {
        if (!rings || (!rings->in_use && !memfd_is_sealed(rings->fd)))
                return -EBADMSG;
        if (rings->in_use)
                return 0;
        rings->in_use = true;
        rings->rest = false;
        cleanup_close(&rings->fd);
        rings->fd = -1;
        user_charge_deinit(&rings->fd_charge);
        return 0;
}

bool rings_are_used(const struct rings *rings) {
        return rings && rings->in_use;
}

bool rings_have_input(const struct rings *rings) {
        return rings_are_used(rings) && ax_ring_has_input(&rings->requests);
}

enum ax_ring_next rings_next(const struct rings *rings) {
        return rings_are_used(rings) ? ax_ring_next(&rings->requests) : AX_RING_NOTHING;
}

size_t rings_pop(struct rings *rings, uint8_t bytes[static AX_RING_MAX_FRAME]) {
        return ax_ring_pop(&rings->requests, bytes);
}

void rings_count_received(struct rings *rings) {
        if (rings)
                rings->requests.socket_received++;
}

int rings_push(struct rings *rings, const void *head, size_t head_size, const void *trailer, size_t trailer_size,
               bool *ret_bell) {
        int r;

        *ret_bell = false;
        if (!rings_are_used(rings))
                return 0;
        r = ax_ring_push(&rings->replies, head, head_size, trailer, trailer_size);
        if (r > 0)
                *ret_bell = ax_ring_takes_bell(&rings->replies);
        return r < 0 ? -EBADMSG : r;
}

void rings_set_sent(struct rings *rings, uint32_t n_sent) {
        if (rings_are_used(rings))
                atomic_store_explicit(&rings->replies.ring->socket_sent, n_sent - rings->sent_before,
                                      memory_order_release);
}

void rings_count_from(struct rings *rings, uint32_t n_sent) {
        if (rings)
                rings->sent_before = n_sent;
}

bool rings_rest(struct rings *rings) {
        rings->rest = ax_ring_rest(&rings->requests);
        if (!rings->rest)
                ax_ring_rouse(&rings->requests);
        return rings->rest;
}

bool rings_rouse(struct rings *rings) {
        if (!rings_are_used(rings) || !rings->rest)
                return false;
        rings->rest = false;
        return !ax_ring_rouse(&rings->requests);
}

bool rings_do_rest(const struct rings *rings) {
        return rings->rest;
}
