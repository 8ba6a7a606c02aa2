/* SPDX-License-Identifier: MIT */
#include "selection.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "accounts.h"
#include "numbers.h"

/* ---- lists on the command line --------------------------------------------------------------- */

/* Copies the next item of a comma-separated list, and advances. Returns false at the end. */
static bool next_item(const char **list, char *item, size_t size) {
        size_t length;

        if (!*list)
                return false;
        length = strcspn(*list, ",");
        snprintf(item, size, "%.*s", (int) length, *list);
        *list = (*list)[length] ? *list + length + 1 : NULL;
        return true;
}

static int ids_parse(struct ids *ids, const struct axctl *axctl, int key, bool (*parse)(const char *, uint32_t *),
                     const char *complaint) {
        const char *list = axctl->values[key];
        char item[64];

        while (next_item(&list, item, sizeof(item))) {
                uint32_t *grown = reallocarray(ids->values, ids->count + 1, sizeof(*grown));

                if (!grown)
                        return complain(axctl, "the list", -AX_ENOMEM);
                ids->values = grown;
                if (!parse(item, &grown[ids->count]))
                        return complain_usage(axctl, item, complaint);
                ids->count++;
        }
        return STATUS_OK;
}

static bool ids_have(const struct ids *ids, uint32_t id) {
        for (size_t i = 0; i < ids->count; i++)
                if (ids->values[i] == id)
                        return true;
        return false;
}

static bool list_has(const char *list, const char *word, int (*compare)(const char *, const char *)) {
        char item[64];

        while (next_item(&list, item, sizeof(item)))
                if (compare(item, word) == 0)
                        return true;
        return false;
}

static int check_states(const struct axctl *axctl, const char *list) {
        char item[64];

        while (next_item(&list, item, sizeof(item)))
                if (!list_has("Running,Sleeping,Stopped,Zombie", item, strcasecmp))
                        return complain_usage(axctl, item, "not a state (Running, Sleeping, Stopped, Zombie)");
        return STATUS_OK;
}

/* ---- order ----------------------------------------------------------------------------------- */

struct sort_key {
        const char *name;
        int (*compare)(const struct ax_process *a, const struct ax_process *b);
};

#define COMPARE_NUMBERS(member)                                                                                        \
        static int compare_##member(const struct ax_process *a, const struct ax_process *b) {                          \
                return (a->member > b->member) - (a->member < b->member);                                              \
        }

COMPARE_NUMBERS(pid)
COMPARE_NUMBERS(ppid)
COMPARE_NUMBERS(group)
COMPARE_NUMBERS(uid)
COMPARE_NUMBERS(age_usec)
COMPARE_NUMBERS(open_files)
COMPARE_NUMBERS(memory)
COMPARE_NUMBERS(calls)
COMPARE_NUMBERS(host_pid)

static int compare_states(const struct ax_process *a, const struct ax_process *b) {
        return strcmp(a->state, b->state);
}

static int compare_commands(const struct ax_process *a, const struct ax_process *b) {
        return strcmp(a->command, b->command);
}

static const struct sort_key keys[] = {
        { "pid", compare_pid },          { "ppid", compare_ppid },        { "group", compare_group },
        { "uid", compare_uid },          { "state", compare_states },     { "age", compare_age_usec },
        { "fds", compare_open_files },   { "memory", compare_memory },    { "calls", compare_calls },
        { "hostpid", compare_host_pid }, { "command", compare_commands },
};

static int parse_sort(struct selection *selection, const struct axctl *axctl, const char *text) {
        const char *name = text + strspn(text, "-+");

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                if (name - text < 2 && strcmp(keys[i].name, name) == 0) {
                        selection->key = &keys[i];
                        selection->descending = *text == '-';
                        return STATUS_OK;
                }
        return complain_usage(
                axctl, text,
                "not a sort key (pid, ppid, group, uid, state, age, fds, memory, calls, hostpid, command)");
}

int selection_compare(const struct selection *selection, const struct ax_process *a, const struct ax_process *b) {
        int r = selection->key ? selection->key->compare(a, b) : 0;

        if (selection->descending)
                r = -r;
        return r ? r : compare_pid(a, b);
}

/* ---- selection ------------------------------------------------------------------------------- */

int selection_init(struct selection *selection, const struct axctl *axctl) {
        int r = STATUS_OK;

        *selection = (struct selection){
                .commands = axctl->values['C'],
                .states = axctl->values[OPTION_STATE],
        };
        if (axctl->flags[OPTION_SORT])
                r = parse_sort(selection, axctl, axctl->values[OPTION_SORT]);
        if (r == STATUS_OK)
                r = check_states(axctl, selection->states);
        if (r == STATUS_OK)
                r = ids_parse(&selection->pids, axctl, 'p', parse_id, "not a process");
        if (r == STATUS_OK)
                r = ids_parse(&selection->parents, axctl, OPTION_PPID, parse_id, "not a process");
        if (r == STATUS_OK)
                r = ids_parse(&selection->users, axctl, 'u', find_uid, "no such user");
        return r;
}

void selection_deinit(struct selection *selection) {
        free(selection->pids.values);
        free(selection->parents.values);
        free(selection->users.values);
}

static bool names_any(const struct selection *selection) {
        return selection->pids.count > 0 || selection->parents.count > 0 || selection->users.count > 0 ||
               selection->commands;
}

bool selection_is_narrow(const struct selection *selection) {
        return names_any(selection) || selection->states;
}

bool selection_has(const struct selection *selection, const struct ax_process *process) {
        bool is_named = ids_have(&selection->pids, (uint32_t) process->pid) ||
                        ids_have(&selection->parents, (uint32_t) process->ppid) ||
                        ids_have(&selection->users, process->uid) ||
                        list_has(selection->commands, process->command, strcmp);

        return (is_named || !names_any(selection)) &&
               (!selection->states || list_has(selection->states, process->state, strcasecmp));
}
