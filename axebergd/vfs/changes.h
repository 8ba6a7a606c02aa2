/* SPDX-License-Identifier: MIT */
/*
 * What the host's kernel may remember of the stores, and how it learns that it changed.
 *
 * A mount (axfs) lets the host's kernel keep names and attributes. Each has a cache here: a filter
 * page (filter.h), in which it marks what it lets the kernel keep, and a queue of changes to tell
 * it. A request that has changed something looks at the page; if that has a mark, its answer waits
 * until the mount has made the kernel forget. Nothing else waits: the request is done, and its
 * thread goes on.
 *
 * The mount fetches what is queued, and by fetching again says that it has dealt with it. If it
 * does not for MAX_DELAY_MS, it is stopped: then nobody waits for it until it fetches again. If too
 * much is queued it is told that everything has changed.
 *
 * What a mount changes by itself is not known here. So if there are several, none caches. None
 * caches either while the trace records the requests of mounts.
 *
 * A cache is an object, held by a descriptor of the mount's process, and ends with it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "object/object.h"
#include "util/timer_queue.h"
#include "util/wait_queue.h"

struct change_cache;
struct lane;

enum { CHANGES_PER_REQUEST = 8, CHANGES_QUEUED = 32 };

enum change_kind { CHANGE_NAME, CHANGE_ATTRIBUTES };

struct change {
        enum change_kind kind;
        uint64_t dev, ino; /* of the directory that has the name, or of the file */
        const char *name;
};

/* For the mount to deal with. */
struct queued_change {
        enum change_kind kind;
        uint64_t dev, ino;
        char name[256];
};

struct changes {
        struct change_cache *caches;
        struct timer_queue *timers;
        unsigned n_caches;
        bool traced; /* the trace records what mounts do */
};

void changes_init(struct changes *changes, struct timer_queue *timers);
/* Lets everything go on that waits. */
void changes_deinit(struct changes *changes);

/* Whether somebody may have to be told: requests that begin now note what they change. */
static inline bool changes_are_noted(const struct changes *changes) {
        return changes->caches != NULL;
}

/* The trace records the requests of mounts from now on, or no longer. */
void changes_set_traced(struct changes *changes, bool traced);

/*
 * Something was changed. `noted`: what; else everything counts as changed. Returns true if the
 * waiter has to wait: it is woken when it may go on.
 */
bool changes_announce(struct changes *changes, const struct change *list, size_t count, bool noted,
                      struct waiter *waiter);
/* Where to wait until a mount has stopped that has to; NULL: none has. */
struct wait_queue *changes_stop_queue(struct changes *changes);

/* Makes a cache. Returns 0 or a negative errno. */
int change_cache_new(struct object **ret, struct changes *changes);
int change_cache_page(const struct change_cache *cache); /* the page's descriptor */
/* NULL: the object is something else. */
struct change_cache *change_cache_from_object(struct object *object);

/* What a mount is told. */
struct change_batch {
        bool caching;    /* the kernel may keep what it learns from now on; else it has to forget everything */
        bool everything; /* all may have changed */
        unsigned count;
        struct queued_change changes[CHANGES_QUEUED];
};

/* The mount has dealt with what it fetched last. */
void change_cache_acknowledge(struct change_cache *cache);
/* Takes what is queued. Returns false if there is nothing: wait on change_cache_queue(). */
bool change_cache_take(struct change_cache *cache, struct change_batch *ret);
struct wait_queue *change_cache_queue(struct change_cache *cache);
