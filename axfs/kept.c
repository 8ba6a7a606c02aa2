/* SPDX-License-Identifier: MIT */
/* kept.c - see kept.h */
#include "kept.h"

#include "store.h"
#include "util.h"

#include <string.h>

enum { PART_OF_DESCRIPTORS = 16 };

void kept_init(struct kept *kept, struct passthrough *passthrough, unsigned descriptors) {
        unsigned each = descriptors / PART_OF_DESCRIPTORS / KEPT_QUARTERS;

        memset(kept, 0, sizeof(*kept));
        kept->passthrough = passthrough;
        kept->each = each < KEPT_EACH ? each : KEPT_EACH;
        pthread_mutex_init(&kept->lock, NULL);
}

void kept_deinit(struct kept *kept) {
        pthread_mutex_destroy(&kept->lock);
}

bool kept_offer(struct kept *kept, struct node *node, int fd) {
        /* One who opens the file while another closes it may find a kept one afterwards. */
        if (node->kept_fd >= 0 || kept->each == 0 || node->io != IO_PASSTHROUGH || !node->backing_reads ||
            !node->store->local || atomic_load(&node->removed))
                return false;
        node->kept_fd = fd;
        node->kept_id = passthrough_keep(kept->passthrough, node);
        atomic_store_explicit(&node->kept_used, true, memory_order_relaxed);
        return true;
}

int kept_take(struct node *node, int32_t *ret_id) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);

        *ret_id = node->kept_id;
        node->kept_id = 0;
        return take_fd(&node->kept_fd);
}

void kept_drop(struct kept *kept, struct node *node) {
        int32_t id;
        int fd = kept_take(node, &id);

        if (fd < 0)
                return;
        passthrough_forget(kept->passthrough, id);
        close(fd);
}

/* It has lost its place; whoever keeps it anew from now on finds it a new one. */
static void let_go(struct kept *kept, struct node *node) {
        if (!node)
                return;
        atomic_store(&node->kept_listed, false);
        kept_drop(kept, node);
        node_unref(node);
}

void kept_list(struct kept *kept, struct node *node, uid_t uid) {
        unsigned quarter = (uid * UINT32_C(2654435761) >> 24) % KEPT_QUARTERS, place;
        struct node *displaced;

        if (atomic_exchange(&node->kept_listed, true))
                return;
        pthread_mutex_lock(&kept->lock);
        place = kept->next[quarter]++ % kept->each;
        displaced = kept->nodes[quarter][place];
        kept->nodes[quarter][place] = node_ref(node);
        pthread_mutex_unlock(&kept->lock);
        let_go(kept, displaced);
}

/* Returns the node if it has to go, and frees its place. */
static struct node *take_idle(struct kept *kept, struct node **place, bool idle_only) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&kept->lock);
        struct node *node = *place;

        if (node && idle_only && atomic_exchange_explicit(&node->kept_used, false, memory_order_relaxed))
                return NULL;
        *place = NULL;
        return node;
}

static void sweep(struct kept *kept, bool idle_only) {
        for (unsigned quarter = 0; quarter < KEPT_QUARTERS; quarter++)
                for (unsigned i = 0; i < kept->each; i++)
                        let_go(kept, take_idle(kept, &kept->nodes[quarter][i], idle_only));
}

bool kept_sweep(struct kept *kept) {
        _cleanup_unlock_ pthread_mutex_t *l = NULL;

        sweep(kept, true);
        l = lock_until_return(&kept->lock);
        for (unsigned quarter = 0; quarter < KEPT_QUARTERS; quarter++)
                for (unsigned i = 0; i < kept->each; i++)
                        if (kept->nodes[quarter][i])
                                return true;
        return false;
}

void kept_clear(struct kept *kept) {
        sweep(kept, false);
}
