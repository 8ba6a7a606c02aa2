/* SPDX-License-Identifier: MIT */
/*
 * Many threads on one connection: each gets its own answers, a waiting one holds up nobody, and a
 * cancel switch ends the calls of those who use it and of no others. Meant for ThreadSanitizer as
 * much as for its assertions.
 *
 * Assertions of the test framework belong to the main thread; the others report through their
 * struct.
 */
#include "fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 10, ROUNDS = 150 };

struct worker {
        ax_client *ax;
        ax_cancel *cancel;
        pthread_t thread;
        pthread_barrier_t *barrier;
        int number;
        ssize_t result;
        const char *complaint;
        char buf[64];
};

static void start(struct worker *worker, void *(*body)(void *userdata)) {
        ck_assert_int_eq(pthread_create(&worker->thread, NULL, body, worker), 0);
}

static void join(struct worker *worker) {
        pthread_join(worker->thread, NULL);
        ck_assert_msg(!worker->complaint, "thread %d: %s", worker->number, worker->complaint);
}

/* How many calls wait in the daemon, as the process state shows it. */
struct state_wait {
        ax_client *watcher;
        ax_pid pid;
        const char *state;
};

static bool has_state(void *userdata) {
        const struct state_wait *wait = userdata;
        struct ax_process *list;
        bool found = false;
        int n = ax_process_list(wait->watcher, &list);

        for (int i = 0; i < n; i++)
                found |= list[i].pid == wait->pid && strcmp(list[i].state, wait->state) == 0;
        if (n >= 0)
                free(list);
        return found;
}

static void wait_state(ax_client *watcher, ax_client *ax, const char *state) {
        struct state_wait wait = { watcher, ax_getpid(ax), state };

        fixture_wait(has_state, &wait, state);
}

/* ---- own answers ----------------------------------------------------------------------------- */

static const char *use_own_file(struct worker *worker) {
        char path[64], text[64], back[64];
        int fd, n;

        snprintf(path, sizeof(path), "/tmp/thread-%d", worker->number);
        for (int i = 0; i < ROUNDS; i++) {
                n = snprintf(text, sizeof(text), "thread %d, round %d", worker->number, i);
                fd = ax_open(worker->ax, path, AX_WRITE | AX_O_READ);
                if (fd < 0)
                        return "open";
                if (ax_pwrite(worker->ax, fd, text, (size_t) n, 0) != n)
                        return "write";
                if (ax_pread(worker->ax, fd, back, sizeof(back), 0) != n || memcmp(text, back, (size_t) n) != 0)
                        return "read";
                if (ax_close(worker->ax, fd) != 0)
                        return "close";
                if (ax_getppid(worker->ax) != 1)
                        return "getppid";
                if (ax_exists(worker->ax, path) != 1)
                        return "exists";
        }
        return NULL;
}

static void *run_own_file(void *userdata) {
        struct worker *worker = userdata;

        worker->complaint = use_own_file(worker);
        return NULL;
}

START_TEST(test_each_thread_gets_its_own_answers) {
        _connected_ ax_client *ax = fixture_connect();
        struct worker workers[THREADS] = { 0 };

        for (int i = 0; i < THREADS; i++) {
                workers[i] = (struct worker){ .ax = ax, .number = i };
                start(&workers[i], run_own_file);
        }
        for (int i = 0; i < THREADS; i++)
                join(&workers[i]);
        assert_error(ax_close(ax, 3), AX_EBADF);
}
END_TEST

static void *run_big_transfers(void *userdata) {
        struct worker *worker = userdata;
        size_t size = 700001;
        uint8_t *data = malloc(size), *back = malloc(size);
        char path[64];
        int fd;

        snprintf(path, sizeof(path), "/tmp/big-%d", worker->number);
        fd = ax_open(worker->ax, path, AX_WRITE | AX_O_READ);
        for (int i = 0; i < 4 && !worker->complaint; i++) {
                memset(data, worker->number * 16 + i, size);
                if (ax_pwrite(worker->ax, fd, data, size, 0) != (ssize_t) size)
                        worker->complaint = "write";
                else if (ax_pread(worker->ax, fd, back, size, 0) != (ssize_t) size || memcmp(data, back, size) != 0)
                        worker->complaint = "read";
        }
        free(data);
        free(back);
        return NULL;
}

START_TEST(test_big_transfers_side_by_side) {
        _connected_ ax_client *ax = fixture_connect();
        struct worker workers[THREADS] = { 0 };

        for (int i = 0; i < THREADS; i++) {
                workers[i] = (struct worker){ .ax = ax, .number = i };
                start(&workers[i], run_big_transfers);
        }
        for (int i = 0; i < THREADS; i++)
                join(&workers[i]);
}
END_TEST

/* ---- waiting --------------------------------------------------------------------------------- */

static void *run_console_read(void *userdata) {
        struct worker *worker = userdata;

        ax_cancel_use(worker->cancel);
        worker->result = ax_read(worker->ax, AX_STDIN, worker->buf, 1);
        ax_cancel_use(NULL);
        return NULL;
}

START_TEST(test_waiting_threads_hold_up_nobody) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct worker sleepers[4] = { 0 }, busy[4] = { 0 };
        int got[4] = { 0 };

        for (int i = 0; i < 4; i++) {
                sleepers[i] = (struct worker){ .ax = ax, .number = i };
                start(&sleepers[i], run_console_read);
        }
        wait_state(watcher, ax, "Sleeping");
        for (int i = 0; i < 4; i++) {
                busy[i] = (struct worker){ .ax = ax, .number = 10 + i };
                start(&busy[i], run_own_file);
        }
        for (int i = 0; i < 4; i++)
                join(&busy[i]);
        assert_result(ax_console_push_input(watcher, "0123", 4), 4);
        for (int i = 0; i < 4; i++) {
                join(&sleepers[i]);
                assert_result(sleepers[i].result, 1);
                got[sleepers[i].buf[0] - '0']++;
        }
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(got[i], 1);
}
END_TEST

/*
 * Whoever reads the socket for all leaves first, again and again: somebody else must take the
 * reading over.
 */
static void *run_ping(void *userdata) {
        struct worker *worker = userdata;

        for (int i = 0; i < 400; i++) {
                if (ax_getppid(worker->ax) != 1) {
                        worker->complaint = "getppid";
                        break;
                }
                if (i % 16 == worker->number % 16)
                        pthread_barrier_wait(worker->barrier);
        }
        return NULL;
}

START_TEST(test_the_reader_s_place_is_always_taken) {
        _connected_ ax_client *ax = fixture_connect();
        struct worker workers[8] = { 0 };
        pthread_barrier_t barrier;

        ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 8), 0);
        for (int i = 0; i < 8; i++) {
                workers[i] = (struct worker){ .ax = ax, .number = i, .barrier = &barrier };
                start(&workers[i], run_ping);
        }
        for (int i = 0; i < 8; i++)
                join(&workers[i]);
        pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(test_the_daemon_s_end_wakes_every_thread) {
        _connected_ ax_client *watcher = fixture_connect();
        _connected_ ax_client *ax = fixture_connect();
        struct worker workers[THREADS] = { 0 };

        for (int i = 0; i < THREADS; i++) {
                workers[i] = (struct worker){ .ax = ax, .number = i };
                start(&workers[i], run_console_read);
        }
        wait_state(watcher, ax, "Sleeping");
        daemon_kill(&the_daemon);
        for (int i = 0; i < THREADS; i++) {
                join(&workers[i]);
                assert_error(workers[i].result, AX_ESRCH);
        }
}
END_TEST

START_TEST(test_exit_ends_the_calls_of_other_threads) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct worker workers[3] = { 0 };

        for (int i = 0; i < 3; i++) {
                workers[i] = (struct worker){ .ax = ax, .number = i };
                start(&workers[i], run_console_read);
        }
        wait_state(watcher, ax, "Sleeping");
        assert_ok(ax_exit(ax, 0));
        for (int i = 0; i < 3; i++) {
                join(&workers[i]);
                assert_error(workers[i].result, AX_ESRCH);
        }
}
END_TEST

/* ---- cancelling ------------------------------------------------------------------------------ */

START_TEST(test_a_switch_ends_the_waiting_call_of_its_user) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct worker cancelled = { .ax = ax, .number = 1 }, other = { .ax = ax, .number = 2 };

        assert_ok(ax_cancel_new(&cancelled.cancel));
        start(&cancelled, run_console_read);
        wait_state(watcher, ax, "Sleeping");
        start(&other, run_console_read);
        ax_cancel_fire(cancelled.cancel);
        join(&cancelled);
        assert_error(cancelled.result, AX_EINTR);
        assert_result(ax_console_push_input(watcher, "x", 1), 1);
        join(&other);
        assert_result(other.result, 1);
        ck_assert_int_eq(other.buf[0], 'x');
        ax_cancel_free(cancelled.cancel);
        ax_cancel_free(NULL);
}
END_TEST

START_TEST(test_a_fired_switch_stays_fired) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        ax_cancel *cancel;
        char byte;

        assert_ok(ax_cancel_new(&cancel));
        ax_cancel_fire(cancel);
        ax_cancel_use(cancel);
        assert_error(ax_read(ax, AX_STDIN, &byte, 1), AX_EINTR);
        assert_error(ax_console_wait_output(ax, &byte, 1, NULL), AX_EINTR);
        assert_result(ax_getppid(ax), 1); /* does not wait */
        ax_cancel_fire(cancel);
        ax_cancel_use(NULL);
        assert_result(ax_console_push_input(watcher, "y", 1), 1);
        assert_result(ax_read(ax, AX_STDIN, &byte, 1), 1);
        ck_assert_int_eq(byte, 'y');
        ax_cancel_free(cancel);
}
END_TEST

struct switches {
        struct worker worker;
        _Atomic(ax_cancel *) current;
        atomic_bool done;
};

/* A read and its cancel race; whichever wins, there is exactly one answer and no byte is lost. */
static void *run_racing_reads(void *userdata) {
        struct switches *switches = userdata;

        for (int i = 0; i < ROUNDS && !switches->worker.complaint; i++) {
                ax_cancel *cancel;
                ssize_t r;

                if (ax_cancel_new(&cancel) < 0)
                        break;
                ax_cancel_use(cancel);
                atomic_store(&switches->current, cancel);
                r = ax_read(switches->worker.ax, AX_STDIN, switches->worker.buf, 1);
                if (r == 1)
                        switches->worker.result++;
                else if (r != -AX_EINTR)
                        switches->worker.complaint = "neither interrupted nor read";
                while (atomic_load(&switches->current) == cancel)
                        sched_yield();
                ax_cancel_use(NULL);
                ax_cancel_free(cancel);
        }
        atomic_store(&switches->done, true);
        return NULL;
}

START_TEST(test_a_cancel_racing_with_an_answer_loses_no_byte) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct switches switches = { .worker = { .ax = ax } };
        ssize_t pushed = 0, left = 0;
        char buf[16];

        ck_assert_int_eq(pthread_create(&switches.worker.thread, NULL, run_racing_reads, &switches), 0);
        while (!atomic_load(&switches.done)) {
                ax_cancel *cancel = atomic_load(&switches.current);

                if (!cancel)
                        continue;
                if (pushed % 3 == 0)
                        pushed += assert_ok(ax_console_push_input(watcher, "x", 1));
                else
                        pushed += assert_ok(ax_console_push_input(watcher, "xy", 2));
                ax_cancel_fire(cancel);
                atomic_store(&switches.current, NULL);
        }
        join(&switches.worker);
        assert_ok(ax_set_nonblock(ax, AX_STDIN, true));
        for (;;) {
                ssize_t n = ax_read(ax, AX_STDIN, buf, sizeof(buf));

                if (n == -AX_EAGAIN)
                        break;
                ck_assert_int_gt(n, 0);
                left += n;
        }
        ck_assert_int_eq(switches.worker.result + left, pushed);
}
END_TEST

/* ---- host signals and fork ------------------------------------------------------------------- */

static void on_signal(int number) {
        (void) number;
}

START_TEST(test_host_signals_do_not_disturb_calls) {
        struct sigaction action = { .sa_handler = on_signal };
        _connected_ ax_client *ax = fixture_connect();
        struct worker worker = { .ax = ax, .number = 1 };

        ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
        start(&worker, run_own_file);
        for (int i = 0; i < 300; i++) {
                pthread_kill(worker.thread, SIGUSR1);
                usleep(100);
        }
        join(&worker);
}
END_TEST

static atomic_bool forked;

static void *run_own_file_until_forked(void *userdata) {
        struct worker *worker = userdata;

        do
                worker->complaint = use_own_file(worker);
        while (!worker->complaint && !atomic_load(&forked));
        return NULL;
}

START_TEST(test_fork_while_threads_call) {
        _connected_ ax_client *ax = fixture_connect();
        struct worker workers[4] = { 0 };

        for (int i = 0; i < 4; i++) {
                workers[i] = (struct worker){ .ax = ax, .number = i };
                start(&workers[i], run_own_file_until_forked);
        }
        for (int i = 0; i < 20; i++) {
                int status;
                pid_t pid = fork();

                if (pid == 0) {
                        bool dead = ax_getppid(ax) == -AX_ESRCH && ax_getpid(ax) == -AX_ESRCH;

                        ax_disconnect(ax);
                        _exit(dead ? 0 : 2);
                }
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(status, 0);
        }
        atomic_store(&forked, true);
        for (int i = 0; i < 4; i++)
                join(&workers[i]);
        assert_result(ax_getppid(ax), 1);
}
END_TEST

START_TEST(test_dispatch_waits_and_says_nothing_happened) {
        _connected_ ax_client *ax = fixture_connect();
        double begin = now_ms();

        assert_result(ax_dispatch(ax, 0), 0);
        assert_result(ax_dispatch(ax, 30), 0);
        ck_assert(now_ms() - begin >= 30);
        assert_error(ax_dispatch(ax, __builtin_nan("")), AX_EINVAL);
        ck_assert_int_ge(ax_fileno(ax), 0);
}
END_TEST

static void *run_connections(void *userdata) {
        struct worker *worker = userdata;

        for (int i = 0; i < 20; i++) {
                ax_client *ax = NULL;

                if (ax_connect(&ax, the_daemon.socket) < 0 || ax_getppid(ax) != 1)
                        worker->complaint = "connect";
                ax_disconnect(ax);
        }
        return NULL;
}

START_TEST(test_connecting_from_many_threads) {
        struct worker workers[8] = { 0 };

        for (int i = 0; i < 8; i++) {
                workers[i].number = i;
                start(&workers[i], run_connections);
        }
        for (int i = 0; i < 8; i++)
                join(&workers[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("threads");

        fixture_add(suite, test_each_thread_gets_its_own_answers, 0);
        fixture_add(suite, test_big_transfers_side_by_side, 0);
        fixture_add(suite, test_waiting_threads_hold_up_nobody, 0);
        fixture_add(suite, test_the_reader_s_place_is_always_taken, 0);
        fixture_add(suite, test_the_daemon_s_end_wakes_every_thread, 0);
        fixture_add(suite, test_exit_ends_the_calls_of_other_threads, 0);
        fixture_add(suite, test_a_switch_ends_the_waiting_call_of_its_user, 0);
        fixture_add(suite, test_a_fired_switch_stays_fired, 0);
        fixture_add(suite, test_a_cancel_racing_with_an_answer_loses_no_byte, 0);
        fixture_add(suite, test_host_signals_do_not_disturb_calls, 0);
        fixture_add(suite, test_fork_while_threads_call, 0);
        fixture_add(suite, test_dispatch_waits_and_says_nothing_happened, 0);
        fixture_add(suite, test_connecting_from_many_threads, 0);
        return fixture_main(suite);
}
