/* SPDX-License-Identifier: MIT */
#include "account/user.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/container.h"
#include "util/identity.h"

static void hold(struct lane *lane, bool hold) {
        struct user *user = container_of(lane, struct user, lane);

        if (hold)
                user_ref(user);
        else
                user_unref(user);
}

int user_from_uid(struct user_table *table, uid_t uid, struct user **ret) {
        struct user *user;
        int r;

        HASH_FIND(hh, table->users, &uid, sizeof(uid), user);
        if (user) {
                *ret = user_ref(user);
                return 0;
        }
        user = calloc(1, sizeof(*user));
        if (!user)
                return -ENOMEM;
        r = lane_init(&user->lane, &table->lanes, hold);
        if (r < 0) {
                free(user);
                return r;
        }
        user->table = table;
        user->refs = 1;
        user->uid = uid;
        HASH_ADD(hh, table->users, uid, sizeof(uid), user);
        *ret = user;
        return 0;
}

size_t user_table_list(const struct user_table *table, const uid_t *after, const struct user **ret, size_t max,
                       bool *ret_more) {
        struct user *user, *next;
        size_t count = 0, above = 0;

        HASH_ITER (hh, table->users, user, next) {
                size_t i = count < max ? count : max - 1;

                if (after && user->uid <= *after)
                        continue;
                above++;
                if (count == max && ret[max - 1]->uid < user->uid)
                        continue;
                for (; i > 0 && ret[i - 1]->uid > user->uid; i--)
                        ret[i] = ret[i - 1];
                ret[i] = user;
                count += count < max;
        }
        *ret_more = above > count;
        return count;
}

struct user *user_ref(struct user *user) {
        assert(user->refs > 0);
        user->refs++;
        return user;
}

struct user *user_unref(struct user *user) {
        if (!user)
                return NULL;
        assert(user->refs > 0);
        if (--user->refs > 0)
                return NULL;
        for (unsigned i = 0; i < USER_RESOURCES; i++)
                assert(user->charged[i] == 0);
        HASH_DEL(user->table->users, user);
        lane_deinit(&user->lane);
        identity_unref(user->identity);
        free(user);
        return NULL;
}

bool user_is_administrator(const struct user *user) {
        return user->uid == 0 || user->uid == geteuid();
}

static void count_refusal(struct user *user, enum user_resource resource, bool reserved) {
        const struct user_table *table = user->table;
        uint64_t refused = ++user->refused[resource];

        if (table->refused && (refused & (refused - 1)) == 0)
                table->refused(table, user, resource, reserved);
}

/* A bound of 0 is none; one may have been lowered below what is in use. */
static bool has_room(uint64_t used, uint64_t bound, uint64_t amount) {
        return bound == 0 || (used <= bound && amount <= bound - used);
}

int user_charge(struct user *user, struct user_charge *charge, enum user_resource resource, uint64_t amount) {
        struct user_table *table = user->table;
        bool fits = has_room(user->charged[resource], table->limits[resource], amount);
        bool reserved = fits && !has_room(table->totals[resource], table->ceilings[resource], amount) &&
                        !user_is_administrator(user);

        assert(!charge->user);
        if (!fits || reserved) {
                count_refusal(user, resource, reserved);
                return -EDQUOT;
        }
        user->charged[resource] += amount;
        table->totals[resource] += amount;
        *charge = (struct user_charge){ .user = user_ref(user), .resource = resource, .amount = amount };
        return 0;
}

void user_charge_deinit(struct user_charge *charge) {
        struct user *user = charge->user;

        if (!user)
                return;
        assert(user->charged[charge->resource] >= charge->amount);
        user->charged[charge->resource] -= charge->amount;
        assert(user->table->totals[charge->resource] >= charge->amount);
        user->table->totals[charge->resource] -= charge->amount;
        user_unref(user);
        *charge = (struct user_charge){ 0 };
}

void user_charge_move(struct user_charge *to, struct user_charge *from) {
        assert(!to->user);
        *to = *from;
        *from = (struct user_charge){ 0 };
}
