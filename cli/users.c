/* SPDX-License-Identifier: MIT */
/*
 * users: what each user uses of each limited resource. The text lists resources in use, JSON lists
 * all of them.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "axctl.h"
#include "table.h"
#include "text.h"

enum { USERS_UID, USERS_USER, USERS_RESOURCE, USERS_USED, USERS_LIMIT, USERS_REFUSED, USERS_BAR, USERS_COLUMNS };

static const struct column text_columns[USERS_COLUMNS] = {
        [USERS_UID] = { .name = "UID", .number = true },     [USERS_USER] = { .name = "USER", .spare = 1 },
        [USERS_RESOURCE] = { .name = "RESOURCE" },           [USERS_USED] = { .name = "USED", .number = true },
        [USERS_LIMIT] = { .name = "LIMIT", .number = true }, [USERS_REFUSED] = { .name = "REFUSED", .number = true },
        [USERS_BAR] = { .name = "OF LIMIT", .spare = 2 },
};
static const struct column json_columns[USERS_COLUMNS] = {
        [USERS_UID] = { .name = "uid", .number = true },     [USERS_USER] = { .name = "user" },
        [USERS_RESOURCE] = { .name = "resource" },           [USERS_USED] = { .name = "used", .number = true },
        [USERS_LIMIT] = { .name = "limit", .number = true }, [USERS_REFUSED] = { .name = "refused", .number = true },
};

/* A plain figure, or bytes in a form for people. */
static const char *amount(uint64_t value, bool bytes, char text[static BYTES_SIZE]) {
        if (bytes)
                return bytes_text(value, text);
        snprintf(text, BYTES_SIZE, "%" PRIu64, value);
        return text;
}

static void add_row(const struct axctl *axctl, struct libscols_table *table, const struct ax_user *user, int resource,
                    bool bars) {
        const struct passwd *known = getpwuid(user->uid);
        struct libscols_line *row = table_row(table, NULL);
        uint64_t used = user->resources[resource].used, limit = user->resources[resource].limit;
        bool bytes = (resource == AX_RESOURCE_MEMORY || resource == AX_RESOURCE_BUFFERS) && !axctl->json;
        char text[BYTES_SIZE], picture[BAR_SIZE];

        table_set(row, USERS_UID, "%" PRIu32, user->uid);
        if (known || !axctl->json)
                table_set(row, USERS_USER, "%s", known ? known->pw_name : "-");
        table_set(row, USERS_RESOURCE, "%s", ax_resource_name((enum ax_resource) resource));
        table_set(row, USERS_USED, "%s", amount(used, bytes, text));
        table_set(row, USERS_LIMIT, "%s", limit || axctl->json ? amount(limit, bytes, text) : "-");
        table_set(row, USERS_REFUSED, "%" PRIu64, user->resources[resource].refused);
        if (bars)
                table_set(row, USERS_BAR, "%s", bar_text(used, limit, picture));
}

int users_run(struct axctl *axctl) {
        bool bars = !axctl->json && isatty(STDOUT_FILENO);
        struct libscols_table *table;
        struct ax_user *users;
        int n = ax_user_list(axctl->ax, &users);

        if (n < 0)
                return complain(axctl, "the daemon", n);
        table = table_new("users", axctl->json ? json_columns : text_columns, USERS_COLUMNS - (bars ? 0 : 1),
                          axctl->json);
        for (int i = 0; table && i < n; i++)
                for (int resource = 0; resource < AX_RESOURCES; resource++)
                        if (axctl->json || users[i].resources[resource].used > 0 ||
                            users[i].resources[resource].refused > 0)
                                add_row(axctl, table, &users[i], resource, bars);
        free(users);
        return table ? table_print(table) : complain(axctl, "the list", -AX_ENOMEM);
}
