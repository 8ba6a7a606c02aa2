/* SPDX-License-Identifier: MIT */
/*
 * Many host programs at once, and pipelines of them: all ends are seen, and nothing is left.
 */
#include "children.h"
#include "fixture.h"
#include "programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_host_gone(void *userdata) {
        return host_state(*(pid_t *) userdata) == 0;
}

/* Its parent on the host may not reap it: that of an orphan is the test's. */
static bool is_host_ended(void *userdata) {
        return host_state(*(pid_t *) userdata) == 'Z' || is_host_gone(userdata);
}

/* ---- many ------------------------------------------------------------------------------------ */

/* Start sleeping programs; their pids, and those of the host. */
static void spawn_many(ax_client *ax, ax_pid *pids, pid_t *hosts, int count) {
        static const char *const argv[] = { "sleep", "1000", NULL };

        for (int i = 0; i < count; i++) {
                pids[i] = ax_spawn(ax, argv, NULL);
                ck_assert_msg(pids[i] > 1, "spawn %d: %s", i, ax_error_name(pids[i]));
                hosts[i] = host_pid_of(ax, pids[i]);
        }
}

START_TEST(test_a_thousand_processes_leave_nothing_behind) {
        enum { ROUNDS = 4, COUNT = 250 };
        _connected_ ax_client *ax = fixture_connect();
        static ax_pid pids[COUNT];
        static pid_t hosts[COUNT];
        struct daemon_state before, after;
        struct ax_status status;
        uint64_t random = fixture_seed();

        ck_assert_int_eq(ax_getppid(ax), 1); /* what came with the reply before has been closed */
        assert_result(daemon_observe(&the_daemon, &before), 0);
        for (int round = 0; round < ROUNDS; round++) {
                int alive = COUNT;

                spawn_many(ax, pids, hosts, COUNT);
                while (alive > 0) {
                        static const int signals[] = { AX_SIGSTOP, AX_SIGCONT, AX_SIGSTOP, AX_SIGKILL, AX_SIGTERM };
                        ax_pid ended;
                        int i;

                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        i = (int) (random % COUNT);
                        if (pids[i] > 0)
                                assert_result(ax_kill(ax, pids[i], signals[random / 1000 % 5]), 0);
                        while ((ended = ax_wait(ax, -1, NULL, AX_WAIT_NOHANG | AX_WAIT_ENDED)) > 0)
                                for (int j = 0; j < COUNT; j++)
                                        if (pids[j] == ended) {
                                                pids[j] = 0;
                                                alive--;
                                        }
                }
                for (int i = 0; i < COUNT; i++)
                        fixture_wait(is_host_gone, &hosts[i], "the end of a host program");
        }
        assert_error(ax_wait(ax, -1, NULL, 0), AX_ECHILD);
        fixture_wait_sessions(ax, 1);
        assert_result(ax_status(ax, &status), 0);
        ck_assert_uint_eq(status.processes, 2);
        ck_assert_uint_eq(status.open_files, 3);
        assert_result(daemon_observe(&the_daemon, &after), 0);
        ck_assert_uint_eq(after.descriptors, before.descriptors);
}
END_TEST

static void spawn_and_wait(void *userdata) {
        ax_client *ax = fixture_connect();
        ax_task_id task;

        (void) userdata;
        for (int i = 0; i < 5; i++)
                spawn_program(ax, NULL, "wait", NULL);
        assert_result(ax_task_create(ax, &task), 0);
        ax_task_wait(ax, task, -1);
}

static bool has_six_waiting(void *userdata) {
        struct ax_process *list;
        int n = ax_process_list(userdata, &list), count = 0;

        for (int i = 0; i < n; i++)
                count += strcmp(list[i].state, "Sleeping") == 0;
        free(list);
        return count == 6;
}

/* Its children are orphans then, and go on; nothing of it is left. */
START_TEST(test_a_parent_that_is_killed_leaves_orphans) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_process *list;
        pid_t parent = fixture_fork(spawn_and_wait, NULL);
        int n;

        fixture_wait(has_six_waiting, ax, "children that wait");
        fixture_kill(parent);
        fixture_wait_sessions(ax, 6);
        n = ax_process_list(ax, &list);
        ck_assert_int_eq(n, 2 + 5);
        for (int i = 2; i < n; i++) {
                ck_assert_int_eq(list[i].ppid, 1);
                assert_result(ax_kill(ax, list[i].pid, AX_SIGKILL), 0);
                fixture_wait(is_host_ended, &list[i].host_pid, "the end of a host program");
        }
        free(list);
        fixture_wait_sessions(ax, 1);
}
END_TEST

START_TEST(test_owned_programs_end_with_the_daemon) {
        static const char *const argv[] = { "sleep", "1000", NULL };
        ax_client *ax = fixture_connect();
        ax_pid pid = ax_spawn(ax, argv, NULL);
        pid_t host = host_pid_of(ax, pid);

        assert_result(daemon_stop(&the_daemon), 0);
        assert_error(ax_getppid(ax), AX_ESRCH);
        ax_disconnect(ax);
        while (host_state(host) != 'Z' && host_state(host) != 0)
                ;
        assert_result(daemon_restart(&the_daemon), 0);
}
END_TEST

/* ---- a pipeline ------------------------------------------------------------------------------ */

static void spawn_pipeline(ax_client *ax, ax_pid pids[3], uint64_t size) {
        static const char *const stages[] = { "source", "filter", "sink" };
        int first[2], second[2];
        char text[32];

        snprintf(text, sizeof(text), "%llu", (unsigned long long) size);
        assert_result(ax_pipe(ax, first), 0);
        assert_result(ax_pipe(ax, second), 0);
        for (int i = 0; i < 3; i++) {
                struct ax_spawn_fd fds[] = { { 0, i == 0   ? 0
                                                  : i == 1 ? first[0]
                                                           : second[0] },
                                             { 1, i == 0   ? first[1]
                                                  : i == 1 ? second[1]
                                                           : 1 } };
                struct ax_spawn_options options = { .fds = fds, .n_fds = 2, .close_others = true };

                pids[i] = spawn_program(ax, &options, stages[i], text);
        }
        for (int i = 0; i < 2; i++) {
                assert_result(ax_close(ax, first[i]), 0);
                assert_result(ax_close(ax, second[i]), 0);
        }
}

/* AXEBERG_PIPELINE_SIZE sets the size; with a sanitizer it is a sixteenth. */
START_TEST(test_a_pipeline_moves_a_GiB_without_loss) {
        const char *text = getenv("AXEBERG_PIPELINE_SIZE");
        uint64_t size = text ? strtoull(text, NULL, 10) : (UINT64_C(1) << 30) / (slowness() > 1 ? 16 : 1);
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pids[3];

        spawn_pipeline(ax, pids, size);
        for (int i = 0; i < 3; i++)
                assert_wait(ax, pids[i], AX_EXITED, 0);
}
END_TEST

START_TEST(test_the_death_of_the_middle_ends_the_others_as_posix_says) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_process process;
        ax_pid pids[3];

        spawn_pipeline(ax, pids, UINT64_C(1) << 50);
        do /* until it is in the middle of it */
                ck_assert(find_process(ax, pids[2], &process));
        while (process.calls < 20);
        assert_result(ax_kill(ax, pids[1], AX_SIGKILL), 0);
        assert_wait(ax, pids[1], AX_SIGNALED, AX_SIGKILL);
        assert_wait(ax, pids[0], AX_SIGNALED, AX_SIGPIPE);
        assert_wait(ax, pids[2], AX_EXITED, 3); /* SHORT: the end of the file, and what came before it was right */
}
END_TEST

int main(void) {
        Suite *suite = suite_create("many programs");

        fixture_add(suite, test_a_thousand_processes_leave_nothing_behind, 0);
        fixture_add(suite, test_a_parent_that_is_killed_leaves_orphans, 0);
        fixture_add(suite, test_owned_programs_end_with_the_daemon, 0);
        fixture_add(suite, test_a_pipeline_moves_a_GiB_without_loss, 0);
        fixture_add(suite, test_the_death_of_the_middle_ends_the_others_as_posix_says, 0);
        return fixture_main(suite);
}
