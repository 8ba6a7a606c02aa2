/*
 * What a uid may take, and what it has taken.
 *
 * Every resource is charged to its user before it is taken and given back by the end of the object that it pays for. A user exists
 * while anybody refers to it, and owes nothing when it goes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

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
        USER_RESOURCES,
};

struct kernel;

struct user_table {
        const struct kernel *kernel;
        struct user *users;
        uint64_t limits[USER_RESOURCES]; /* of each user; 0: none */
};

struct user {
        struct user_table *table;
        unsigned refs;
        uid_t uid;
        uint64_t charged[USER_RESOURCES];
        uint64_t refused[USER_RESOURCES];
        UT_hash_handle hh;
};

/* A charge is embedded in what it pays for; zeroed means nothing is charged. */
struct user_charge {
        struct user *user;
        enum user_resource resource;
        uint64_t amount;
};

/* Return: 0, -ENOMEM. */
int user_from_uid(struct user_table *table, uid_t uid, struct user **ret);
/* The users with the lowest uids, those above `*after` where that is not NULL, in order, `most` of them. Return: how many. */
size_t user_table_list(const struct user_table *table, const uid_t *after, const struct user **ret, size_t most,
                       bool *ret_more);
struct user *user_ref(struct user *user);
struct user *user_unref(struct user *user);

/* Return: 0, -EDQUOT; a refusal is logged and changes nothing. */
int user_charge(struct user *user, struct user_charge *charge, enum user_resource resource, uint64_t amount);
void user_charge_deinit(struct user_charge *charge);
