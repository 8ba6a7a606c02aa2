/* SPDX-License-Identifier: MIT */
#include "util/rate.h"

static void fill(struct bucket *bucket, const struct rate *rate, uint64_t now_usec) {
        uint64_t came = (now_usec - bucket->filled_usec) / rate->interval_usec;

        if (bucket->filled_usec == 0 || came >= rate->burst - bucket->tokens) {
                bucket->tokens = rate->burst;
                bucket->filled_usec = now_usec;
        } else if (came > 0) {
                bucket->tokens += (unsigned) came;
                bucket->filled_usec += came * rate->interval_usec;
        }
}

bool bucket_is_open(struct bucket *bucket, const struct rate *rate, uint64_t now_usec) {
        fill(bucket, rate, now_usec);
        return bucket->tokens > 0;
}

bool bucket_take(struct bucket *bucket, const struct rate *rate, uint64_t now_usec) {
        if (!bucket_is_open(bucket, rate, now_usec)) {
                bucket->refused++;
                return false;
        }
        bucket->tokens--;
        return true;
}

static struct rate_user *find_user(struct rate_table *table, uid_t uid) {
        for (size_t i = 0; i < table->count; i++)
                if (table->users[i].uid == uid)
                        return &table->users[i];
        return NULL;
}

static struct rate_user *oldest_user(struct rate_table *table) {
        struct rate_user *oldest = &table->users[0];

        for (size_t i = 1; i < table->count; i++)
                if (table->users[i].used_usec < oldest->used_usec)
                        oldest = &table->users[i];
        return oldest;
}

struct bucket *rate_table_find(struct rate_table *table, uid_t uid, uint64_t now_usec, uint64_t *ret_forgotten) {
        struct rate_user *user = find_user(table, uid);

        *ret_forgotten = 0;
        if (!user) {
                user = table->count < RATE_USERS ? &table->users[table->count++] : oldest_user(table);
                *ret_forgotten = user->bucket.refused;
                *user = (struct rate_user){ .uid = uid };
        }
        user->used_usec = now_usec;
        return &user->bucket;
}
