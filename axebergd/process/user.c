#include "process/user.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "process/holders.h"
#include "util/log.h"

static const char *const resource_names[USER_RESOURCES] = {
        [USER_CONNECTIONS] = "connections",
        [USER_PROCESSES] = "processes",
        [USER_FDS] = "descriptors",
        [USER_PIPES] = "pipes",
        [USER_TASKS] = "tasks",
        [USER_TIMERS] = "timers",
        [USER_REGIONS] = "memory regions",
        [USER_WINDOWS] = "windows",
        [USER_MEMORY] = "bytes of memory",
};

int user_from_uid(struct user_table *table, uid_t uid, struct user **ret) {
        struct user *user;

        HASH_FIND(hh, table->users, &uid, sizeof(uid), user);
        if (user) {
                *ret = user_ref(user);
                return 0;
        }
        user = calloc(1, sizeof(*user));
        if (!user)
                return -ENOMEM;
        user->table = table;
        user->refs = 1;
        user->uid = uid;
        HASH_ADD(hh, table->users, uid, sizeof(uid), user);
        *ret = user;
        return 0;
}

size_t user_table_list(const struct user_table *table, const uid_t *after, const struct user **ret, size_t most,
                       bool *ret_more) {
        struct user *user, *next;
        size_t count = 0, above = 0;

        HASH_ITER (hh, table->users, user, next) {
                size_t i = count < most ? count : most - 1;

                if (after && user->uid <= *after)
                        continue;
                above++;
                if (count == most && ret[most - 1]->uid < user->uid)
                        continue;
                for (; i > 0 && ret[i - 1]->uid > user->uid; i--)
                        ret[i] = ret[i - 1];
                ret[i] = user;
                count += count < most;
        }
        *ret_more = above > count;
        return count;
}

struct user *user_ref(struct user *user) {
        user->refs++;
        return user;
}

struct user *user_unref(struct user *user) {
        if (!user || --user->refs > 0)
                return NULL;
        for (unsigned i = 0; i < USER_RESOURCES; i++)
                assert(user->charged[i] == 0);
        HASH_DEL(user->table->users, user);
        free(user);
        return NULL;
}

/* Logs the first refusal and then every power of two, so that a client in a loop cannot fill the log. */
static void log_refusal(struct user *user, enum user_resource resource) {
        uint64_t refused = ++user->refused[resource];
        char holders[256];

        if ((refused & (refused - 1)) != 0)
                return;
        holders_describe(user->table->kernel, user, resource, holders, sizeof(holders));
        log_client(LOG_WARNING, 0, 0, user->uid, "uid %u is at its limit of %llu %s; refused %llu times%s%s",
                   (unsigned) user->uid, (unsigned long long) user->table->limits[resource], resource_names[resource],
                   (unsigned long long) refused, *holders ? "; largest holders: " : "", holders);
}

int user_charge(struct user *user, struct user_charge *charge, enum user_resource resource, uint64_t amount) {
        uint64_t limit = user->table->limits[resource];

        assert(charge->amount == 0);
        if (limit > 0 && (amount > limit || user->charged[resource] > limit - amount)) {
                log_refusal(user, resource);
                return -EDQUOT;
        }
        user->charged[resource] += amount;
        *charge = (struct user_charge){ .user = user_ref(user), .resource = resource, .amount = amount };
        return 0;
}

void user_charge_deinit(struct user_charge *charge) {
        if (!charge->user)
                return;
        charge->user->charged[charge->resource] -= charge->amount;
        user_unref(charge->user);
        *charge = (struct user_charge){ 0 };
}
