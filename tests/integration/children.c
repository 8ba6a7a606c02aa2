/* SPDX-License-Identifier: MIT */
/*
 * Children, and the process list as a way to wait for them.
 */
#include "children.h"

#include <stdlib.h>
#include <string.h>

ax_client *spawn_child(ax_client *ax, ax_pid *ret_pid) {
        ax_client *child = NULL;

        *ret_pid = ax_spawn_client(ax, NULL, &child);
        ck_assert_int_gt(*ret_pid, 1);
        return child;
}

bool find_process(ax_client *ax, ax_pid pid, struct ax_process *ret) {
        struct ax_process *list;
        int n = ax_process_list(ax, &list);
        bool found = false;

        for (int i = 0; i < n; i++)
                if (list[i].pid == pid) {
                        *ret = list[i];
                        found = true;
                }
        if (n >= 0)
                free(list);
        return found;
}

void assert_state(ax_client *ax, ax_pid pid, const char *state) {
        struct ax_process process;

        ck_assert_str_eq(find_process(ax, pid, &process) ? process.state : "gone", state);
}

struct look {
        ax_client *ax;
        ax_pid pid;
        const char *state;
};

static bool is_in_state(void *userdata) {
        const struct look *look = userdata;
        struct ax_process process;

        return strcmp(find_process(look->ax, look->pid, &process) ? process.state : "gone", look->state) == 0;
}

void wait_state(ax_client *ax, ax_pid pid, const char *state) {
        fixture_wait(is_in_state, &(struct look){ ax, pid, state }, state);
}

void wait_sleeping(ax_client *ax, ax_client *sleeper) {
        wait_state(ax, ax_getpid(sleeper), "Sleeping");
}

static bool is_any_sleeping(void *userdata) {
        struct ax_process *list;
        int n = ax_process_list(userdata, &list);
        bool found = false;

        for (int i = 0; i < n; i++)
                found |= strcmp(list[i].state, "Sleeping") == 0;
        if (n >= 0)
                free(list);
        return found;
}

void wait_any_sleeping(ax_client *ax, const char *what) {
        fixture_wait(is_any_sleeping, ax, what);
}

void assert_wait(ax_client *ax, ax_pid pid, enum ax_wait_kind kind, int code) {
        struct ax_wait_status status = { 0 };

        assert_result(ax_wait(ax, pid, &status, 0), pid);
        ck_assert_msg(status.kind == kind && status.code == code, "kind %d, code %d; expected %d, %d", status.kind,
                      status.code, kind, code);
}
