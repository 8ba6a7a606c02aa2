/* SPDX-License-Identifier: MIT */
#include "vfs/changes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <utlist.h>

#include "filter.h"
#include "memory/memfd.h"
#include "util/clock.h"
#include "util/container.h"

/* A mount that is not stopped takes a thousandth of it, if the host is not busy. */
enum { MAX_DELAY_MS = 500 };

struct change_cache {
        struct object object;
        struct changes *changes;
        struct filter *filter;
        int page_fd;
        struct change_batch queued;
        bool is_told;                 /* what it may do is what it was told last */
        bool is_stopping;             /* it was told to stop, and has not said that it did */
        bool is_late;                 /* nobody waits for it */
        struct wait_queue fetching;   /* the mount's own call */
        struct wait_queue waiting[2]; /* those that wait for what is queued, and for what was fetched last */
        unsigned filling;             /* the first of these */
        struct timer_entry timer;
        struct change_cache *prev, *next;
};

void changes_init(struct changes *changes, struct timer_queue *timers) {
        *changes = (struct changes){ .timers = timers };
}

static void let_go(struct change_cache *cache) {
        wait_queue_wake(&cache->waiting[0]);
        wait_queue_wake(&cache->waiting[1]);
}

void changes_deinit(struct changes *changes) {
        struct change_cache *cache;

        DL_FOREACH (changes->caches, cache) {
                timer_queue_remove(changes->timers, &cache->timer);
                cache->changes = NULL;
                let_go(cache);
        }
        changes->caches = NULL;
}

static bool may_cache(const struct changes *changes) {
        return changes->n_caches == 1 && !changes->traced;
}

/* Every cache is told if what it may do has changed. */
static void update(struct changes *changes) {
        bool caching = may_cache(changes);
        struct change_cache *cache;

        DL_FOREACH (changes->caches, cache) {
                if (cache->queued.caching == caching)
                        continue;
                cache->queued.caching = caching;
                cache->is_told = false;
                wait_queue_wake(&cache->fetching);
        }
}

void changes_set_traced(struct changes *changes, bool traced) {
        changes->traced = traced;
        update(changes);
}

/*
 * ---- a mount's cache ---------------------------------------------------------------------------
 */

static void cache_free(struct object *object) {
        struct change_cache *cache = container_of(object, struct change_cache, object);
        struct changes *changes = cache->changes;

        let_go(cache);
        if (changes) {
                timer_queue_remove(changes->timers, &cache->timer);
                DL_DELETE(changes->caches, cache);
                changes->n_caches--;
                update(changes);
        }
        munmap(cache->filter, sizeof(*cache->filter));
        close(cache->page_fd);
        free(cache);
}

static const struct object_ops cache_ops = { .name = "mount-cache", .free = cache_free };

struct change_cache *change_cache_from_object(struct object *object) {
        return object->ops == &cache_ops ? container_of(object, struct change_cache, object) : NULL;
}

static void cache_on_late(struct timer_entry *entry, uint64_t now_usec) {
        struct change_cache *cache = container_of(entry, struct change_cache, timer);

        (void) now_usec;
        cache->is_late = true;
        let_go(cache);
}

/* Returns 0 or a negative errno. */
static int make_page(struct change_cache *cache) {
        void *map;

        cache->page_fd = memfd_make(sizeof(*cache->filter), MEMFD_SHARED, &map);
        if (cache->page_fd < 0)
                return -ENOMEM;
        cache->filter = map;
        if (getrandom(cache->filter->key, sizeof(cache->filter->key), 0) == sizeof(cache->filter->key)) {
                cache->filter->generation = 1;
                return 0;
        }
        munmap(map, sizeof(*cache->filter));
        close(cache->page_fd);
        return -EIO;
}

int change_cache_new(struct object **ret, struct changes *changes) {
        struct change_cache *cache = calloc(1, sizeof(*cache));
        int r = cache ? make_page(cache) : -ENOMEM;

        if (r < 0) {
                free(cache);
                return r;
        }
        cache->changes = changes;
        cache->timer.fire = cache_on_late;
        cache->is_told = true;
        object_init(&cache->object, &cache_ops, 0);
        DL_APPEND(changes->caches, cache);
        changes->n_caches++;
        update(changes);
        *ret = &cache->object;
        return 0;
}

int change_cache_page(const struct change_cache *cache) {
        return cache->page_fd;
}

static void start_timer(struct change_cache *cache) {
        if (cache->timer.place == 0)
                (void) timer_queue_add(cache->changes->timers, &cache->timer,
                                       clock_usec() + (uint64_t) MAX_DELAY_MS * 1000);
}

void change_cache_acknowledge(struct change_cache *cache) {
        cache->is_late = cache->is_stopping = false;
        if (!cache->changes)
                return;
        timer_queue_remove(cache->changes->timers, &cache->timer);
        wait_queue_wake(&cache->waiting[!cache->filling]);
        if (cache->waiting[cache->filling].waiters)
                start_timer(cache);
}

bool change_cache_take(struct change_cache *cache, struct change_batch *ret) {
        if (cache->is_told && cache->queued.count == 0 && !cache->queued.everything)
                return false;
        *ret = cache->queued;
        cache->is_told = true;
        cache->is_stopping = !cache->queued.caching;
        cache->queued.count = 0;
        cache->queued.everything = false;
        cache->filling = !cache->filling; /* nobody waits for what was fetched before */
        return true;
}

struct wait_queue *change_cache_queue(struct change_cache *cache) {
        return &cache->fetching;
}

/*
 * ---- telling -----------------------------------------------------------------------------------
 */

static bool is_marked(const struct filter *filter, const struct change *change) {
        return change->kind == CHANGE_NAME ? filter_has_name(filter, change->dev, change->ino, change->name)
                                           : filter_has_attributes(filter, change->dev, change->ino);
}

static void queue_change(struct change_cache *cache, const struct change *change) {
        struct change_batch *queued = &cache->queued;
        struct queued_change *entry;

        if (queued->everything)
                return;
        if (queued->count == CHANGES_QUEUED) {
                queued->everything = true;
                queued->count = 0;
                return;
        }
        entry = &queued->changes[queued->count++];
        *entry = (struct queued_change){ .kind = change->kind, .dev = change->dev, .ino = change->ino };
        if (change->kind == CHANGE_NAME)
                strncpy(entry->name, change->name, sizeof(entry->name) - 1);
}

/*
 * Returns where to wait until it has dealt with what is queued, or with what it has fetched; NULL:
 * nobody waits for it.
 */
static struct wait_queue *queue_of(struct change_cache *cache, bool fetched) {
        if (cache->is_late)
                return NULL;
        start_timer(cache);
        return &cache->waiting[fetched ? !cache->filling : cache->filling];
}

/*
 * Only one mount caches, and the others have nothing marked. One that was told to stop may have
 * marks until it has done so; then its successor is told, too, if it has any.
 */
bool changes_announce(struct changes *changes, const struct change *list, size_t count, bool noted,
                      struct waiter *waiter) {
        struct wait_queue *queue = NULL;
        struct change_cache *cache;

        DL_FOREACH (changes->caches, cache) {
                bool marked = !noted;

                if (!noted)
                        cache->queued.everything = true;
                for (size_t i = 0; noted && i < count; i++)
                        if (is_marked(cache->filter, &list[i])) {
                                queue_change(cache, &list[i]);
                                marked = true;
                        }
                if (!marked)
                        continue;
                wait_queue_wake(&cache->fetching);
                if (!queue)
                        queue = queue_of(cache, false);
        }
        if (queue)
                wait_queue_add(queue, waiter);
        return queue != NULL;
}

struct wait_queue *changes_stop_queue(struct changes *changes) {
        struct change_cache *cache;

        DL_FOREACH (changes->caches, cache) {
                if (!cache->is_told && !cache->queued.caching)
                        return queue_of(cache, false);
                if (cache->is_stopping)
                        return queue_of(cache, true);
        }
        return NULL;
}
