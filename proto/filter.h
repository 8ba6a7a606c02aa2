/* SPDX-License-Identifier: MIT */
/*
 * The filter page: what a mount has let the host's kernel remember.
 *
 * axfs marks a name or a file's attributes here before it looks at the store, and the kernel may
 * keep the answer. The daemon changes the store first, and looks here afterwards. So one of the two
 * always sees the other: either axfs has seen the change, or the daemon sees the mark and tells
 * axfs, before it answers whoever made the change. Between its two steps each side has a full
 * barrier (filter_mark(), filter_has()).
 *
 * A mark is a tag: a hash with a key that no user knows, so nobody can make two names collide. A
 * tag that is there although the kernel remembers nothing costs a message in vain, no more. Tags
 * lie in buckets of a cache line each; if one is full the kernel may remember nothing of what has
 * no room. Names are marked for a generation: the next one makes all their tags void.
 *
 * The daemon makes the page and reads it; only axfs writes it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FILTER_BUCKET = 8, FILTER_BUCKETS = 16384, FILTER_TAGS = FILTER_BUCKET * FILTER_BUCKETS };

/* The low bits of a tag. Names are those of the page's generation, attributes always of 1. */
#define FILTER_GENERATION UINT64_C(0xffff)
#define FILTER_ATTRIBUTES UINT64_C(1)
#define FILTER_LEAVING UINT64_C(0x10000) /* the kernel is being told to forget this */

struct filter {
        uint64_t key[2];
        _Atomic uint32_t generation;     /* of names: from 1 to FILTER_GENERATION */
        _Atomic uint32_t all_names;      /* every name counts as marked */
        _Atomic uint32_t all_attributes; /* so do all attributes */
        uint32_t unused[9];
        _Atomic uint64_t names[FILTER_TAGS], attributes[FILTER_TAGS];
};

#define FILTER_ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))

static inline void filter_round(uint64_t v[4]) {
        v[0] += v[1];
        v[1] = FILTER_ROTATE(v[1], 13) ^ v[0];
        v[0] = FILTER_ROTATE(v[0], 32);
        v[2] += v[3];
        v[3] = FILTER_ROTATE(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = FILTER_ROTATE(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = FILTER_ROTATE(v[1], 17) ^ v[2];
        v[2] = FILTER_ROTATE(v[2], 32);
}

static inline void filter_word(uint64_t v[4], uint64_t word) {
        v[3] ^= word;
        filter_round(v);
        filter_round(v);
        v[0] ^= word;
}

/* SipHash-2-4 of a file and a name in it ("": the file's attributes). */
static inline uint64_t filter_hash(const struct filter *filter, uint64_t dev, uint64_t ino, const char *name) {
        const uint64_t k0 = filter->key[0], k1 = filter->key[1];
        uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                          k1 ^ 0x7465646279746573 };
        size_t size = strlen(name);
        uint64_t last = (uint64_t) (size + 16) << 56, word;

        filter_word(v, dev);
        filter_word(v, ino);
        for (; size >= 8; size -= 8, name += 8) {
                memcpy(&word, name, 8);
                filter_word(v, word);
        }
        word = 0;
        memcpy(&word, name, size);
        filter_word(v, last | word);
        v[2] ^= 0xff;
        for (int i = 0; i < 4; i++)
                filter_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline uint64_t filter_tag(uint64_t hash, uint64_t generation) {
        return (hash & ~(FILTER_GENERATION | FILTER_LEAVING)) | generation;
}

static inline size_t filter_bucket(uint64_t hash) {
        return (hash * UINT64_C(0x9e3779b97f4a7c15) >> 50) * FILTER_BUCKET;
}

/**
 * filter_mark() - mark, before looking at the store
 * @tags: the names or the attributes
 * @generation: the page's, or FILTER_ATTRIBUTES
 *
 * Returns false if there is no room.
 */
static inline bool filter_mark(_Atomic uint64_t *tags, uint64_t hash, uint64_t generation) {
        uint64_t tag = filter_tag(hash, generation), seen;
        _Atomic uint64_t *bucket = tags + filter_bucket(hash);
        bool marked = false;

        for (int i = 0; i < FILTER_BUCKET && !marked; i++) {
                seen = atomic_load_explicit(&bucket[i], memory_order_relaxed);
                marked = seen == tag ||
                         (seen == (tag | FILTER_LEAVING) && atomic_compare_exchange_strong(&bucket[i], &seen, tag));
        }
        for (int i = 0; i < FILTER_BUCKET && !marked; i++) {
                seen = atomic_load_explicit(&bucket[i], memory_order_relaxed);
                if ((seen & FILTER_GENERATION) != generation)
                        marked = atomic_compare_exchange_strong(&bucket[i], &seen, tag);
        }
        atomic_thread_fence(memory_order_seq_cst);
        return marked;
}

/** filter_has() - look for a mark, after the store was changed */
static inline bool filter_has(const _Atomic uint64_t *tags, uint64_t hash, uint64_t generation) {
        uint64_t tag = filter_tag(hash, generation);
        const _Atomic uint64_t *bucket = tags + filter_bucket(hash);

        atomic_thread_fence(memory_order_seq_cst);
        for (int i = 0; i < FILTER_BUCKET; i++)
                if ((atomic_load_explicit(&bucket[i], memory_order_relaxed) & ~FILTER_LEAVING) == tag)
                        return true;
        return false;
}

/**
 * filter_leave() - the kernel is about to be told to forget
 *
 * The mark stays until filter_left(), unless it is made anew meanwhile: then it stays after that.
 */
static inline void filter_leave(_Atomic uint64_t *tags, uint64_t hash, uint64_t generation) {
        uint64_t tag = filter_tag(hash, generation);
        _Atomic uint64_t *bucket = tags + filter_bucket(hash);

        for (int i = 0; i < FILTER_BUCKET; i++) {
                uint64_t seen = tag;

                atomic_compare_exchange_strong(&bucket[i], &seen, tag | FILTER_LEAVING);
        }
        atomic_thread_fence(memory_order_seq_cst);
}

/** filter_left() - the kernel has forgotten */
static inline void filter_left(_Atomic uint64_t *tags, uint64_t hash, uint64_t generation) {
        uint64_t tag = filter_tag(hash, generation);
        _Atomic uint64_t *bucket = tags + filter_bucket(hash);

        for (int i = 0; i < FILTER_BUCKET; i++) {
                uint64_t seen = tag | FILTER_LEAVING;

                atomic_compare_exchange_strong(&bucket[i], &seen, 0);
        }
}

/* What either side asks of the page as a whole. */
static inline bool filter_has_name(const struct filter *filter, uint64_t dev, uint64_t ino, const char *name) {
        uint64_t hash = filter_hash(filter, dev, ino, name);

        atomic_thread_fence(memory_order_seq_cst);
        return filter_has(filter->names, hash, atomic_load(&filter->generation)) || atomic_load(&filter->all_names);
}

static inline bool filter_has_attributes(const struct filter *filter, uint64_t dev, uint64_t ino) {
        uint64_t hash = filter_hash(filter, dev, ino, "");

        return filter_has(filter->attributes, hash, FILTER_ATTRIBUTES) || atomic_load(&filter->all_attributes);
}
