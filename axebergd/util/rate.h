/* SPDX-License-Identifier: MIT */
/*
 * How often something may happen: buckets of tokens.
 *
 * Each event takes a token; one comes back each interval, up to the burst. An event that finds none
 * is refused, and counted until that is reported. A table has a bucket for each user, the latest
 * RATE_USERS of them: so it needs a bound on all users together beside it, as a user can have many
 * uids (subuid(5)).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rate {
        unsigned burst;
        uint64_t interval_usec;
};

/* Zeroed it is full. */
struct bucket {
        unsigned tokens;
        uint64_t filled_usec; /* when the latest token came */
        uint64_t refused;     /* not reported yet */
};

/* Returns true if it may happen now. */
bool bucket_take(struct bucket *bucket, const struct rate *rate, uint64_t now_usec);
/* Returns true if the next one may happen. */
bool bucket_is_open(struct bucket *bucket, const struct rate *rate, uint64_t now_usec);

enum { RATE_USERS = 64 };

struct rate_user {
        uid_t uid;
        uint64_t used_usec;
        struct bucket bucket;
};

/* Zeroed it is empty. */
struct rate_table {
        struct rate_user users[RATE_USERS];
        size_t count;
};

/*
 * The user's bucket. If there is no room, that of the user seen longest ago is given up;
 * `*ret_forgotten` gets what was refused of it.
 */
struct bucket *rate_table_find(struct rate_table *table, uid_t uid, uint64_t now_usec, uint64_t *ret_forgotten);
