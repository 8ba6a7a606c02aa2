/*
 * Spawning host programs, and waiting for children: P1 to P3, what is inherited, how an end is told.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ax_pid spawn_program(ax_client *ax, const struct ax_spawn_options *options, const char *what,
                            const char *argument) {
        const char *argv[] = { PROGRAM_PATH, what, argument, NULL };
        ax_pid pid = ax_spawn(ax, argv, options);

        ck_assert_msg(pid > 1, "ax_spawn: %s", ax_error_name(pid));
        return pid;
}

static ax_client *spawn_child(ax_client *ax, ax_pid *ret_pid) {
        ax_client *child = NULL;

        *ret_pid = ax_spawn_client(ax, NULL, &child);
        ck_assert_int_gt(*ret_pid, 1);
        return child;
}

static void assert_wait(ax_client *ax, ax_pid pid, enum ax_wait_kind kind, int code) {
        struct ax_wait_status status = { 0 };

        assert_result(ax_wait(ax, pid, &status, 0), pid);
        ck_assert_msg(status.kind == kind && status.code == code, "kind %d, code %d; expected %d, %d", status.kind,
                      status.code, kind, code);
}

struct look {
        ax_client *ax;
        ax_pid pid;
        const char *state;
};

static bool find_process(ax_client *ax, ax_pid pid, struct ax_process *ret) {
        struct ax_process *list;
        int n = ax_process_list(ax, &list);
        bool found = false;

        for (int i = 0; i < n; i++)
                if (list[i].pid == pid) {
                        *ret = list[i];
                        found = true;
                }
        free(list);
        return found;
}

static bool is_in_state(void *userdata) {
        const struct look *look = userdata;
        struct ax_process process;

        return find_process(look->ax, look->pid, &process) ? strcmp(process.state, look->state) == 0
                                                           : strcmp("gone", look->state) == 0;
}

static void wait_state(ax_client *ax, ax_pid pid, const char *state) {
        fixture_wait(is_in_state, &(struct look){ ax, pid, state }, state);
}

static pid_t host_pid_of(ax_client *ax, ax_pid pid) {
        struct ax_process process = { 0 };

        ck_assert(find_process(ax, pid, &process));
        return process.host_pid;
}

/* 'R', 'S', 'T', 'Z' …; 0: gone. */
static char host_state(pid_t pid) {
        char path[64], text[512] = "", *end;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        fd = open(path, O_RDONLY);
        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
                text[0] = '\0';
        if (fd >= 0)
                close(fd);
        end = strrchr(text, ')');
        return end ? end[2] : 0;
}

static uint64_t host_cpu_ticks(pid_t pid) {
        char path[64], text[512] = "", *end;
        unsigned long user = 0, system = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
        fclose(file);
        end = strrchr(text, ')');
        ck_assert_ptr_nonnull(end);
        ck_assert_int_eq(sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
        return user + system;
}

static bool is_host_stopped(void *userdata) {
        return host_state(*(pid_t *) userdata) == 'T';
}

static bool is_host_going(void *userdata) {
        return host_state(*(pid_t *) userdata) != 'T';
}

static bool is_host_gone(void *userdata) {
        return host_state(*(pid_t *) userdata) == 0;
}

/* Its parent on the host may not reap it: that of an orphan is the test's. */
static bool is_host_ended(void *userdata) {
        return host_state(*(pid_t *) userdata) == 'Z' || is_host_gone(userdata);
}

/* ---- starting --------------------------------------------------------------------------------------------- */

START_TEST(test_a_program_becomes_a_child) {
        _connected_ ax_client *ax = fixture_connect();
        char expected[256], text[4096];
        ax_pid pid;

        assert_result(ax_mkdir(ax, "/tmp/here"), 0);
        assert_result(ax_chdir(ax, "/tmp/here"), 0);
        assert_result(ax_umask(ax, 0123), 022);
        setenv("VARIABLE", "inherited", 1);
        pid = spawn_program(ax, NULL, "report", "/tmp/report");
        assert_wait(ax, pid, AX_EXITED, 0);
        snprintf(expected, sizeof(expected), "pid=%d\nppid=%d\ncwd=/tmp/here\numask=123\nuid=%u\nvariable=inherited\n",
                 pid, ax_getpid(ax), (unsigned) getuid());
        get_text(ax, "/tmp/report", text, sizeof(text));
        ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(test_options_are_kept_to) {
        static const char *const environment[] = { "VARIABLE=given", NULL };
        struct ax_spawn_options options = { .path = PROGRAM_PATH, .cwd = "/tmp", .environment = environment };
        static const char *const argv[] = { "another name", "report", "report", NULL };
        _connected_ ax_client *ax = fixture_connect();
        char text[4096];
        ax_pid pid;

        pid = ax_spawn(ax, argv, &options);
        ck_assert_int_gt(pid, 1);
        assert_wait(ax, pid, AX_EXITED, 0);
        get_text(ax, "/tmp/report", text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "cwd=/tmp\n"));
        ck_assert_ptr_nonnull(strstr(text, "variable=given\n"));
}
END_TEST

START_TEST(test_a_program_that_never_connects_is_a_process) {
        static const char *const argv[] = { "sleep", "1000", NULL };
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = ax_spawn(ax, argv, NULL);
        pid_t host;

        ck_assert_int_gt(pid, 1);
        host = host_pid_of(ax, pid);
        assert_result(ax_kill(ax, pid, AX_SIGTERM), 0);
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGTERM);
        ck_assert_int_eq(host_state(host), 0); /* gone, and reaped */
}
END_TEST

START_TEST(test_what_cannot_be_started) {
        static const char *const missing[] = { "/none", NULL }, *const nowhere[] = { "no-such-program", NULL },
                                 *const data[] = { "/etc/passwd", NULL }, *const directory[] = { "/tmp", NULL },
                                 *const nothing[] = { NULL }, *const fine[] = { "true", NULL };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_spawn_options options = { .cwd = "/none" };
        struct ax_spawn_fd fd = { .child_fd = 5, .fd = 77 };
        struct ax_status before, after;

        assert_result(ax_status(ax, &before), 0);
        assert_error(ax_spawn(ax, missing, NULL), AX_ENOENT);
        assert_error(ax_spawn(ax, nowhere, NULL), AX_ENOENT);
        assert_error(ax_spawn(ax, data, NULL), AX_EACCES);
        assert_error(ax_spawn(ax, directory, NULL), AX_EACCES);
        assert_error(ax_spawn(ax, nothing, NULL), AX_EINVAL);
        assert_error(ax_spawn(ax, NULL, NULL), AX_EINVAL);
        assert_error(ax_spawn(NULL, fine, NULL), AX_EINVAL);
        assert_error(ax_spawn(ax, fine, &options), AX_ENOENT);
        options = (struct ax_spawn_options){ .fds = &fd, .n_fds = 1 };
        assert_error(ax_spawn(ax, fine, &options), AX_EBADF);
        fd = (struct ax_spawn_fd){ .child_fd = -1, .fd = 0 };
        assert_error(ax_spawn(ax, fine, &options), AX_EBADF);
        assert_error(ax_wait(ax, -1, NULL, AX_WAIT_NOHANG), AX_ECHILD);
        assert_result(ax_status(ax, &after), 0);
        ck_assert_uint_eq(after.processes, before.processes);
        ck_assert_uint_eq(after.sessions, before.sessions);
        ck_assert_uint_eq(after.open_files, before.open_files);
}
END_TEST

START_TEST(test_a_program_that_does_not_start_after_all_ends_with_127) {
        _connected_ ax_client *ax = fixture_connect();
        char path[] = "/tmp/axeberg-bad-XXXXXX";
        const char *argv[] = { path, NULL };
        int fd = mkstemp(path);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "#!/no/such/interpreter\n", 23), 23);
        fchmod(fd, 0755);
        close(fd);
        assert_wait(ax, (ax_pid) assert_ok(ax_spawn(ax, argv, NULL)), AX_EXITED, 127);
        unlink(path);
}
END_TEST

START_TEST(test_descriptors_are_inherited_and_rearranged) {
        _connected_ ax_client *ax = fixture_connect();
        int a = open_ok(ax, "/tmp/a", AX_WRITE), b = open_ok(ax, "/tmp/b", AX_WRITE);
        struct ax_spawn_fd fds[] = { { a, b }, { b, a }, { 20, a }, { 0, -1 } };
        struct ax_spawn_options options = { .fds = fds, .n_fds = 4 };
        struct ax_process process;
        ax_client *child;
        ax_pid pid = ax_spawn_client(ax, &options, &child);

        ck_assert_int_gt(pid, 1);
        assert_result(ax_write(child, a, "to b", 4), 4);
        assert_result(ax_write(child, b, "to a", 4), 4);
        assert_result(ax_write(child, 20, "!", 1), 1);
        assert_error(ax_read(child, 0, NULL, 0), AX_EBADF);
        assert_text(ax, "/tmp/a", "to a!");
        assert_text(ax, "/tmp/b", "to b");
        ax_disconnect(child);
        options.close_others = true;
        pid = ax_spawn_client(ax, &options, &child);
        ck_assert_int_gt(pid, 1);
        ck_assert(find_process(ax, pid, &process));
        ck_assert_uint_eq(process.open_files, 3);
        assert_result(ax_dup(child, a), 0);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_signals_are_inherited_as_by_exec) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *child;
        ax_pid pid;

        assert_result(ax_signal(ax, AX_SIGHUP, AX_SIGNAL_IGNORE), 0);
        assert_result(ax_signal(ax, AX_SIGUSR1, AX_SIGNAL_HANDLE), 0);
        assert_result(ax_sigblock(ax, AX_SIGTERM), 0);
        assert_result(ax_kill(ax, ax_getpid(ax), AX_SIGTERM), 0);
        child = spawn_child(ax, &pid);
        assert_result(ax_signal(child, AX_SIGHUP, AX_SIGNAL_DEFAULT), AX_SIGNAL_IGNORE);
        assert_result(ax_signal(child, AX_SIGUSR1, AX_SIGNAL_DEFAULT), AX_SIGNAL_DEFAULT);
        assert_result(ax_sigblock(child, AX_SIGTERM), 1);
        assert_result(ax_sigpending(child), 0);
        assert_result(ax_sigunblock(ax, AX_SIGHUP), 0);
        ax_disconnect(child);
        assert_result(ax_signal(ax, AX_SIGTERM, AX_SIGNAL_IGNORE), 0);
}
END_TEST

static void spawn_as_another(ax_client *ax, void *userdata) {
        struct ax_spawn_options options = { .set_ids = true };
        static const char *const argv[] = { "true", NULL };

        (void) userdata;
        assert_error(ax_spawn(ax, argv, &options), AX_EPERM);
        assert_error(ax_wait(ax, -1, NULL, 0), AX_ECHILD);
}

START_TEST(test_administrators_choose_the_user) {
        struct ax_spawn_options options = { .set_ids = true, .uid = FIXTURE_UID, .gid = FIXTURE_GROUP };
        _connected_ ax_client *ax = fixture_connect();
        char text[4096];
        struct ax_stat status;
        ax_pid pid;

        fixture_as_uid(FIXTURE_UID, spawn_as_another, NULL);
        pid = spawn_program(ax, &options, "report", "/tmp/report");
        assert_wait(ax, pid, AX_EXITED, 0);
        get_text(ax, "/tmp/report", text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "uid=1000\n"));
        assert_result(ax_stat(ax, "/tmp/report", &status), 0);
        ck_assert_uint_eq(status.uid, FIXTURE_UID);
        ck_assert_uint_eq(status.gid, FIXTURE_GROUP);
}
END_TEST

START_TEST(test_limits_leave_nothing_behind) {
        struct daemon_options options = { .settings = "ProcessesPerUser = 2" };
        static const char *const argv[] = { "true", NULL };
        struct ax_status status;
        ax_client *ax;
        ax_pid pid;

        fixture_start(&options);
        ax = fixture_connect();
        pid = spawn_program(ax, NULL, "exit", "0");
        assert_error(ax_spawn(ax, argv, NULL), AX_EDQUOT); /* a zombie counts, too */
        assert_wait(ax, pid, AX_EXITED, 0);
        assert_wait(ax, (ax_pid) assert_ok(ax_spawn(ax, argv, NULL)), AX_EXITED, 0);
        assert_result(ax_status(ax, &status), 0);
        ck_assert_uint_eq(status.processes, 2);
        fixture_wait_sessions(ax, 1);
        ax_disconnect(ax);
}
END_TEST

/* ---- ending ------------------------------------------------------------------------------------------------ */

START_TEST(test_an_end_is_told_as_it_was) {
        _connected_ ax_client *ax = fixture_connect();
        char signal[8];

        assert_wait(ax, spawn_program(ax, NULL, "exit", "0"), AX_EXITED, 0);
        assert_wait(ax, spawn_program(ax, NULL, "exit", "42"), AX_EXITED, 42);
        assert_wait(ax, spawn_program(ax, NULL, "ax-exit", "7"), AX_EXITED, 7);
        snprintf(signal, sizeof(signal), "%d", SIGXCPU);
        assert_wait(ax, spawn_program(ax, NULL, "abort", signal), AX_SIGNALED, SIGXCPU);
        snprintf(signal, sizeof(signal), "%d", SIGKILL);
        assert_wait(ax, spawn_program(ax, NULL, "abort", signal), AX_SIGNALED, SIGKILL);
}
END_TEST

START_TEST(test_the_hosts_kill_ends_the_child) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = spawn_program(ax, NULL, "wait", NULL);

        wait_state(ax, pid, "Sleeping"); /* it waits in a system call */
        assert_result(kill(host_pid_of(ax, pid), SIGKILL), 0);
        assert_wait(ax, pid, AX_SIGNALED, SIGKILL);
}
END_TEST

START_TEST(test_a_lost_connection_ends_the_child_with_its_program) {
        static const char *const argv[] = { "sh", "-c", "eval \"exec $AXEBERG_FD>&-\"; exit 6", NULL };
        _connected_ ax_client *ax = fixture_connect();

        assert_wait(ax, (ax_pid) assert_ok(ax_spawn(ax, argv, NULL)), AX_EXITED, 6);
}
END_TEST

START_TEST(test_stop_and_continue_reach_the_program) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = spawn_program(ax, NULL, "spin", NULL);
        pid_t host = host_pid_of(ax, pid);
        struct ax_process before, after;
        uint64_t ticks;

        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_wait(ax, pid, AX_STOPPED, AX_SIGSTOP);
        fixture_wait(is_host_stopped, &host, "a stopped program");
        /* no progress, and no time used, however long others go on */
        ck_assert(find_process(ax, pid, &before));
        ticks = host_cpu_ticks(host);
        for (int i = 0; i < 3000; i++)
                ck_assert_int_gt(ax_getppid(ax), 0);
        ck_assert(find_process(ax, pid, &after));
        ck_assert_uint_eq(after.calls, before.calls);
        ck_assert_str_eq(after.state, "Stopped");
        ck_assert_uint_eq(host_cpu_ticks(host), ticks);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_wait(ax, pid, AX_CONTINUED, AX_SIGCONT);
        fixture_wait(is_host_going, &host, "a program that goes on");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0); /* a stopped program, too */
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGKILL);
        ck_assert_int_eq(host_state(host), 0);
}
END_TEST

START_TEST(test_a_connected_program_is_not_touched) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect(); /* its host process is this test */

        assert_result(ax_kill(ax, ax_getpid(other), AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, ax_getpid(other), AX_SIGCONT), 0);
        assert_result(ax_kill(ax, ax_getpid(other), AX_SIGTERM), 0);
        assert_error(ax_getppid(other), AX_ESRCH);
        assert_error(ax_open(other, "/tmp/x", AX_WRITE), AX_ESRCH);
        ax_disconnect(other);
}
END_TEST

/* ---- waiting ----------------------------------------------------------------------------------------------- */

START_TEST(test_P1_states_as_they_are_shown) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = spawn_program(ax, NULL, "wait", NULL);

        wait_state(ax, pid, "Sleeping");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        wait_state(ax, pid, "Stopped");
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        wait_state(ax, pid, "Sleeping");
        assert_result(ax_console_push_input(ax, "x", 1), 1);
        wait_state(ax, pid, "Zombie");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0); /* P2 */
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        wait_state(ax, pid, "Zombie");
        assert_result(ax_wait(ax, pid, NULL, AX_WAIT_ENDED), pid);
        wait_state(ax, pid, "gone");
}
END_TEST

START_TEST(test_P2_a_zombie_makes_no_call) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status status;
        struct ax_process process;
        ax_client *child;
        ax_pid pid;

        child = spawn_child(ax, &pid);
        assert_result(ax_exit(child, 3), 0);
        assert_error(ax_getppid(child), AX_ESRCH);
        assert_error(ax_status(child, &status), AX_ESRCH);
        ck_assert(find_process(ax, pid, &process));
        ck_assert_str_eq(process.state, "Zombie");
        ck_assert_uint_eq(process.open_files, 0);
        assert_wait(ax, pid, AX_EXITED, 3);
        assert_error(ax_wait(ax, pid, NULL, 0), AX_ECHILD);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_P3_orphans_go_to_init_which_reaps_them) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid parent_pid, live_pid, zombie_pid;
        ax_client *parent = spawn_child(ax, &parent_pid), *live = spawn_child(parent, &live_pid),
                  *zombie = spawn_child(parent, &zombie_pid);

        ax_disconnect(zombie);
        wait_state(ax, zombie_pid, "Zombie");
        assert_result(ax_getppid(live), parent_pid);
        assert_result(ax_kill(ax, parent_pid, AX_SIGKILL), 0);
        assert_result(ax_getppid(live), 1);
        wait_state(ax, zombie_pid, "gone");
        assert_error(ax_wait(ax, live_pid, NULL, 0), AX_ECHILD);
        ax_disconnect(live);
        wait_state(ax, live_pid, "gone");
        ax_disconnect(parent);
}
END_TEST

START_TEST(test_only_the_latest_change_is_told) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_wait_status status;
        ax_client *child;
        ax_pid pid;

        child = spawn_child(ax, &pid);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_NOHANG), 0);
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_NOHANG | AX_WAIT_ENDED), 0);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_wait(ax, pid, AX_CONTINUED, AX_SIGCONT);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_NOHANG), 0);
        ax_disconnect(child);
}
END_TEST

static void *wait_any(void *userdata) {
        struct look *look = userdata;

        return (void *) (intptr_t) ax_wait(look->ax, look->pid, NULL, 0);
}

START_TEST(test_threads_wait_for_children_of_their_own) {
        enum { CHILDREN = 6 };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *children[CHILDREN];
        pthread_t threads[CHILDREN];
        struct look looks[CHILDREN];

        for (int i = 0; i < CHILDREN; i++) {
                looks[i].ax = ax;
                children[i] = spawn_child(ax, &looks[i].pid);
                assert_result(pthread_create(&threads[i], NULL, wait_any, &looks[i]), 0);
        }
        wait_state(children[0], ax_getpid(ax), "Sleeping");
        for (int i = CHILDREN - 1; i >= 0; i--) {
                void *result;

                ax_disconnect(children[i]);
                assert_result(pthread_join(threads[i], &result), 0);
                ck_assert_int_eq((intptr_t) result, looks[i].pid);
        }
}
END_TEST

START_TEST(test_a_parent_that_ignores_sigchld_has_no_zombies) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *child;
        struct look look = { .ax = ax, .pid = -1 };
        pthread_t thread;
        void *result;
        ax_pid pid;

        assert_result(ax_signal(ax, AX_SIGCHLD, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        child = spawn_child(ax, &pid);
        assert_result(pthread_create(&thread, NULL, wait_any, &look), 0);
        wait_state(child, ax_getpid(ax), "Sleeping");
        ax_disconnect(child);
        assert_result(pthread_join(thread, &result), 0);
        ck_assert_int_eq((intptr_t) result, -AX_ECHILD);
        wait_state(ax, pid, "gone");
}
END_TEST

START_TEST(test_bad_waits) {
        _connected_ ax_client *ax = fixture_connect();

        assert_error(ax_wait(ax, -1, NULL, 0), AX_ECHILD);
        assert_error(ax_wait(ax, 1, NULL, 0), AX_ECHILD);
        assert_error(ax_wait(ax, ax_getpid(ax), NULL, 0), AX_ECHILD);
        assert_error(ax_wait(ax, -1, NULL, 64), AX_EINVAL);
        assert_error(ax_wait(ax, INT32_MIN, NULL, 0), AX_EINVAL);
}
END_TEST

/* ---- many -------------------------------------------------------------------------------------------------- */

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
        uint64_t random = 88172645463325252u;

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

/* ---- a pipeline --------------------------------------------------------------------------------------------- */

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
        Suite *suite = suite_create("spawn");

        fixture_add(suite, test_a_program_becomes_a_child, 0);
        fixture_add(suite, test_options_are_kept_to, 0);
        fixture_add(suite, test_a_program_that_never_connects_is_a_process, 0);
        fixture_add(suite, test_what_cannot_be_started, 0);
        fixture_add(suite, test_a_program_that_does_not_start_after_all_ends_with_127, 0);
        fixture_add(suite, test_descriptors_are_inherited_and_rearranged, 0);
        fixture_add(suite, test_signals_are_inherited_as_by_exec, 0);
        fixture_add(suite, test_administrators_choose_the_user, FIXTURE_ROOT);
        fixture_add(suite, test_limits_leave_nothing_behind, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_an_end_is_told_as_it_was, 0);
        fixture_add(suite, test_the_hosts_kill_ends_the_child, 0);
        fixture_add(suite, test_a_lost_connection_ends_the_child_with_its_program, 0);
        fixture_add(suite, test_stop_and_continue_reach_the_program, 0);
        fixture_add(suite, test_a_connected_program_is_not_touched, 0);
        fixture_add(suite, test_P1_states_as_they_are_shown, 0);
        fixture_add(suite, test_P2_a_zombie_makes_no_call, 0);
        fixture_add(suite, test_P3_orphans_go_to_init_which_reaps_them, 0);
        fixture_add(suite, test_only_the_latest_change_is_told, 0);
        fixture_add(suite, test_threads_wait_for_children_of_their_own, 0);
        fixture_add(suite, test_a_parent_that_ignores_sigchld_has_no_zombies, 0);
        fixture_add(suite, test_bad_waits, 0);
        fixture_add(suite, test_a_thousand_processes_leave_nothing_behind, 0);
        fixture_add(suite, test_a_parent_that_is_killed_leaves_orphans, 0);
        fixture_add(suite, test_owned_programs_end_with_the_daemon, 0);
        fixture_add(suite, test_a_pipeline_moves_a_GiB_without_loss, 0);
        fixture_add(suite, test_the_death_of_the_middle_ends_the_others_as_posix_says, 0);
        return fixture_main(suite);
}
