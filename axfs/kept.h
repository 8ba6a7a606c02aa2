/* SPDX-License-Identifier: MIT */
/*
 * kept.h - files that were closed a moment ago, ready for their next open
 *
 * Programs open the same files again and again. If a file was open for reading only, and the
 * kernel reads it by itself (passthrough.h), its descriptor and its backing id stay when the
 * last open file is closed, and the next open for reading takes them over: that saves seven
 * system calls. The kernel has checked permissions before it asks axfs, as at every open.
 *
 * What is kept must not be noticed. So it is only ever open for reading: nobody's lease for
 * reading, or look for writers, meets it. A file that is removed on the mount is let go at once,
 * and what was not opened again within a second or two is, too: then somebody else may have
 * removed it. Files on network filesystems, and those with locks or other flags, are not kept.
 *
 * There are few places, and a user reaches a quarter of them: whoever opens many files displaces
 * what others have kept there, which costs them what an open costs without it.
 */
#pragma once

#include "nodes.h"
#include "passthrough.h"

#include <sys/types.h>

enum { KEPT_QUARTERS = 4, KEPT_EACH = 32 };

struct kept {
        struct passthrough *passthrough;
        unsigned each; /* places of a quarter that are used */
        pthread_mutex_t lock;
        struct node *nodes[KEPT_QUARTERS][KEPT_EACH]; /* referenced; NULL: free */
        unsigned next[KEPT_QUARTERS];
};

/** kept_init() - @descriptors: how many axfs may have */
void kept_init(struct kept *kept, struct passthrough *passthrough, unsigned descriptors);
void kept_deinit(struct kept *kept);

/**
 * kept_offer() - the last open file of the node goes; under the node's lock
 * @fd: its descriptor
 *
 * Returns true if it was taken over. Then call kept_list() without the lock.
 */
bool kept_offer(struct kept *kept, struct node *node, int fd);

/** kept_list() - give what was taken over a place; @uid: the user who had opened it */
void kept_list(struct kept *kept, struct node *node, uid_t uid);

/**
 * kept_take() - take back what is kept for a node
 * @ret_id: the backing id
 *
 * Returns the descriptor, or -1 if there is none.
 */
int kept_take(struct node *node, int32_t *ret_id);

/** kept_drop() - let go of what is kept for a node, if anything */
void kept_drop(struct kept *kept, struct node *node);

/**
 * kept_sweep() - let go of what was not used since the previous sweep
 *
 * Returns true if something is still kept.
 */
bool kept_sweep(struct kept *kept);

/** kept_clear() - let go of everything: descriptors are short, or axfs ends */
void kept_clear(struct kept *kept);
