/* SPDX-License-Identifier: MIT */
/*
 * What a uid may take, and what it has taken.
 *
 * Every resource is charged to its user before it is taken and given back by the end of the object
 * that it pays for. A user exists while anybody refers to it, and owes nothing when it goes.
 *
 * Two bounds hold: a limit for each user, and a ceiling for all users together. Only administrators
 * (root and the daemon's own user) pass the ceiling: the rest is their reserve, so that they can
 * still connect and look when ordinary users have taken everything they can get.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "util/cleanup.h"
#include "util/lane.h"

/* As enum ax_resource has them. */
enum user_resource {
        USER_CONNECTIONS,
        USER_PROCESSES,
        USER_FDS,
        USER_PIPES,
        USER_TASKS,
        USER_TIMERS,
        USER_REGIONS,
        USER_WINDOWS,
        USER_MEMORY, /* bytes */
        USER_SEGMENTS,
        USER_BUFFERS,  /* bytes that the daemon holds: data of parked writes, unread replies, lists, texts */
        USER_HOST_FDS, /* descriptors of the daemon that the user's things occupy */
        USER_MAPPINGS, /* parts of the daemon's address space that they occupy */
        USER_RESOURCES,
};

struct identity;
struct user;

struct user_table {
        /*
         * Called after the first refusal of a resource to a user and then after every power of two
         * of them, so that a client in a loop cannot fill the log. `reserved`: the user is not at a
         * limit of its own; the rest is for administrators. NULL: nobody wants to know.
         */
        void (*refused)(const struct user_table *table, const struct user *user, enum user_resource resource,
                        bool reserved);
        struct user *users;
        struct lanes lanes;
        uint64_t limits[USER_RESOURCES];   /* of each user; 0: none */
        uint64_t ceilings[USER_RESOURCES]; /* of all users together, administrators excepted; 0: none */
        uint64_t totals[USER_RESOURCES];   /* what all users have */
};

struct user {
        struct lane lane;
        struct user_table *table;
        unsigned refs;
        uid_t uid;
        struct identity *identity; /* the latest connection's, which the next one mostly has, too; or NULL */
        uint64_t window_pace_usec; /* when its windows' next process may start, see screen_host.c */
        uint64_t charged[USER_RESOURCES];
        uint64_t refused[USER_RESOURCES];
        UT_hash_handle hh;
};

/* A charge is embedded in what it pays for; zeroed, it charges nothing. */
struct user_charge {
        struct user *user;
        enum user_resource resource;
        uint64_t amount;
};

/* Returns 0, -ENOMEM or -EMFILE. */
int user_from_uid(struct user_table *table, uid_t uid, struct user **ret);
/*
 * The users with the lowest uids, in order, at most `max` of them, and only those above `*after`
 * unless that is NULL. Returns how many; `*ret_more`: whether there are others.
 */
size_t user_table_list(const struct user_table *table, const uid_t *after, const struct user **ret, size_t max,
                       bool *ret_more);
struct user *user_ref(struct user *user);
struct user *user_unref(struct user *user);
DEFINE_CLEANUP(user, user_unref)
/* Whether it is root, or the user that the daemon runs as. For any thread. */
bool user_is_administrator(const struct user *user);

/* Returns 0 or -EDQUOT: then nothing has changed. */
int user_charge(struct user *user, struct user_charge *charge, enum user_resource resource, uint64_t amount);
void user_charge_deinit(struct user_charge *charge);
/* From now on `to`, which pays for nothing yet, pays for what `from` paid for. */
void user_charge_move(struct user_charge *to, struct user_charge *from);
