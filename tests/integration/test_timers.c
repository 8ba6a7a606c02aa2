/* SPDX-License-Identifier: MIT */
/*
 * Tasks and timers, T1 to T4. What a test says of time is a bound that no load can break: nothing
 * is ever early.
 */
#include "children.h"
#include "fixture.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double clock_ms(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static ax_task_id make_task(ax_client *ax) {
        ax_task_id task = 0;

        assert_result(ax_task_create(ax, &task), 0);
        ck_assert_uint_ne(task, 0);
        return task;
}

/* ---- tasks ----------------------------------------------------------------------------------- */

START_TEST(test_a_wake_before_the_wait_is_kept_and_is_one) {
        _connected_ ax_client *ax = fixture_connect();
        ax_task_id task = make_task(ax);

        assert_result(ax_task_wait(ax, task, 0), 0);
        assert_result(ax_task_wake(ax, task), 0);
        assert_result(ax_task_wake(ax, task), 0);
        assert_result(ax_task_wait(ax, task, -1), 1);
        assert_result(ax_task_wait(ax, task, 0), 0);
        assert_result(ax_task_wait(ax, task, 2), 0);
        assert_error(ax_task_wait(ax, task, NAN), AX_EINVAL);
        assert_result(ax_task_wake(ax, task), 0);
        assert_result(ax_task_wait(ax, task, INFINITY), 1);
}
END_TEST

struct waiter {
        ax_client *ax;
        ax_task_id task;
        double timeout_ms;
        int result;
};

static void *wait_task(void *userdata) {
        struct waiter *waiter = userdata;

        waiter->result = ax_task_wait(waiter->ax, waiter->task, waiter->timeout_ms);
        return NULL;
}

START_TEST(test_a_wake_lets_one_go_on) {
        enum { WAITERS = 5 };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *watcher = fixture_connect();
        struct waiter waiters[WAITERS];
        pthread_t threads[WAITERS];
        int woken = 0, timed_out = 0;
        ax_task_id task = make_task(ax);

        for (int i = 0; i < WAITERS; i++) {
                waiters[i] = (struct waiter){ ax, task, i < 3 ? -1 : 50, -99 };
                assert_result(pthread_create(&threads[i], NULL, wait_task, &waiters[i]), 0);
        }
        for (int i = 3; i < WAITERS; i++)
                assert_result(pthread_join(threads[i], NULL), 0);
        wait_any_sleeping(watcher, "waiting tasks");
        for (int i = 0; i < 3; i++)
                assert_result(ax_task_wake(ax, task), 0);
        for (int i = 0; i < 3; i++)
                assert_result(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < WAITERS; i++) {
                woken += waiters[i].result == 1;
                timed_out += waiters[i].result == 0;
        }
        ck_assert_int_eq(woken, 3);
        ck_assert_int_eq(timed_out, 2);
        ax_disconnect(watcher);
}
END_TEST

START_TEST(test_destroyed_foreign_and_stale_tasks_are_not_found) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct waiter waiter = { ax, make_task(ax), -1, -99 };
        ax_task_id task = make_task(ax);
        pthread_t thread;

        assert_result(pthread_create(&thread, NULL, wait_task, &waiter), 0);
        wait_any_sleeping(other, "a waiting task");
        assert_error(ax_task_wake(other, task), AX_ENOENT);
        assert_error(ax_task_wait(other, task, 0), AX_ENOENT);
        assert_error(ax_task_destroy(other, task), AX_ENOENT);
        assert_error(ax_timer_set(other, 1, task, NULL), AX_ENOENT);
        assert_result(ax_task_destroy(ax, waiter.task), 0);
        assert_result(pthread_join(thread, NULL), 0);
        assert_error(waiter.result, AX_ENOENT);
        assert_error(ax_task_destroy(ax, waiter.task), AX_ENOENT);
        assert_error(ax_task_wake(ax, 0), AX_ENOENT);
        assert_error(ax_task_wait(ax, UINT64_MAX, 0), AX_ENOENT);
        assert_error(ax_task_create(ax, NULL), AX_EINVAL);
        ax_disconnect(other);
}
END_TEST

/* ---- timers ---------------------------------------------------------------------------------- */

/*
 * The answers to waits that are all in flight at once come in the order in which the timers fire.
 * The daemon sleeps over it, and finds them all due at the same moment.
 */
START_TEST(test_T1_timers_fire_in_order_of_due_time) {
        enum { TIMERS = 200, FIRST_SERIAL = 1000 };
        static double least[TIMERS], most[TIMERS]; /* when each is due, as far as can be known here */
        uint32_t order[TIMERS];
        static struct wire_frame frame;
        int fd = fixture_wire();
        double start;

        for (uint32_t i = 0; i < TIMERS; i++) {
                Axeberg__Empty empty = AXEBERG__EMPTY__INIT;
                Axeberg__TimerSetRequest timer = AXEBERG__TIMER_SET_REQUEST__INIT;
                Axeberg__TaskWaitRequest wait = AXEBERG__TASK_WAIT_REQUEST__INIT;
                Axeberg__IdReply *id;

                assert_result(wire_call(fd, 2, wire_method("TaskCreate"), &empty.base, &frame), 0);
                id = axeberg__id_reply__unpack(NULL, frame.message_size, frame.message);
                ck_assert_ptr_nonnull(id);
                timer.task = wait.task = id->id;
                axeberg__id_reply__free_unpacked(id, NULL);
                timer.delay_ms = 300 + (i * 73) % TIMERS; /* a permutation */
                wait.timeout_ms = -1;
                least[i] = clock_ms() + timer.delay_ms;
                assert_result(wire_call(fd, 2, wire_method("TimerSet"), &timer.base, &frame), 0);
                most[i] = clock_ms() + timer.delay_ms + 0.01;
                assert_result(wire_send(fd, FIRST_SERIAL + i, wire_method("TaskWait"), &wait.base), 0);
        }
        start = clock_ms();
        assert_result(kill(the_daemon.pid, SIGSTOP), 0);
        while (clock_ms() < start + 500)
                ;
        assert_result(kill(the_daemon.pid, SIGCONT), 0);
        for (uint32_t i = 0; i < TIMERS; i++) {
                assert_result(wire_receive(fd, &frame, 60000), 1);
                ck_assert_int_eq(frame.header.status, 1);
                order[i] = frame.header.serial - FIRST_SERIAL;
                ck_assert_uint_lt(order[i], TIMERS);
                for (uint32_t j = 0; j < i; j++)
                        ck_assert_msg(least[order[j]] <= most[order[i]], "timer %u fired before timer %u", order[j],
                                      order[i]);
        }
        close(fd);
}
END_TEST

START_TEST(test_T2_none_is_early_and_none_is_missed) {
        _connected_ ax_client *ax = fixture_connect();
        ax_task_id task = make_task(ax);

        for (int i = 0; i < 60; i++) {
                double delay_ms = i * 0.137, start = clock_ms();

                assert_result(ax_timer_set(ax, delay_ms, task, NULL), 0);
                assert_result(ax_task_wait(ax, task, -1), 1);
                ck_assert_msg(clock_ms() >= start + delay_ms, "%f ms took %f", delay_ms, clock_ms() - start);
                start = clock_ms();
                assert_result(ax_task_wait(ax, task, delay_ms), 0);
                ck_assert_msg(clock_ms() >= start + delay_ms, "a limit of %f ms was over after %f", delay_ms,
                              clock_ms() - start);
        }
}
END_TEST

START_TEST(test_T2_ten_thousand_timers) {
        enum { TIMERS = 10000 };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status status;
        ax_task_id task = make_task(ax);
        char text[2048];
        const char *timers;

        for (int i = 0; i < TIMERS; i++)
                assert_result(ax_timer_set(ax, 1 + (i * 7919) % 500, i % 100 ? 0 : task, NULL), 0);
        assert_result(ax_timer_set(ax, 600, task, NULL), 0);
        do {
                assert_result(ax_task_wait(ax, task, -1), 1);
                get_text(ax, "/proc/self/status", text, sizeof(text));
                timers = strstr(text, "Timers:\t");
                ck_assert_ptr_nonnull(timers);
        } while (strtoul(timers + 8, NULL, 10) > 0);
        assert_result(ax_status(ax, &status), 0);
}
END_TEST

START_TEST(test_T3_intervals_come_again) {
        _connected_ ax_client *ax = fixture_connect();
        ax_task_id task = make_task(ax);
        double start = clock_ms();
        ax_timer_id timer;

        assert_result(ax_timer_interval(ax, 3, task, &timer), 0);
        for (int tick = 1; tick <= 10; tick++) {
                assert_result(ax_task_wait(ax, task, -1), 1);
                ck_assert_msg(clock_ms() >= start + 3 * tick, "tick %d after %f ms", tick, clock_ms() - start);
        }
        assert_result(ax_timer_cancel(ax, timer), 1);
        assert_error(ax_timer_overruns(ax, timer), AX_ENOENT);
}
END_TEST

START_TEST(test_T3_missed_ticks_are_counted) {
        _connected_ ax_client *ax = fixture_connect();
        ax_task_id task = make_task(ax);
        ax_timer_id timer;
        int64_t overruns;
        double start;

        assert_result(ax_timer_interval(ax, 5, task, &timer), 0);
        assert_result(ax_task_wait(ax, task, -1), 1);
        start = clock_ms();
        assert_result(kill(the_daemon.pid, SIGSTOP), 0);
        while (clock_ms() < start + 60)
                ;
        assert_result(kill(the_daemon.pid, SIGCONT), 0);
        assert_result(ax_task_wait(ax, task, -1), 1);
        overruns = ax_timer_overruns(ax, timer);
        ck_assert_msg(overruns >= 8, "%lld", (long long) overruns);
        assert_result(ax_timer_cancel(ax, timer), 1);
}
END_TEST

enum { CANCELLED = 300 };

/*
 * Sets timers, and cancels them in another order. Returns false if that took too long: some may
 * have fired.
 */
static bool cancel_in_time(ax_client *ax, ax_task_id task, double delay_ms) {
        ax_timer_id timers[CANCELLED];
        unsigned cancelled = 0;

        for (int i = 0; i < CANCELLED; i++)
                assert_result(ax_timer_set(ax, delay_ms + i % 7, task, &timers[i]), 0);
        for (int i = 0; i < CANCELLED; i++)
                cancelled += ax_timer_cancel(ax, timers[(i * 7) % CANCELLED]) == 1;
        for (int i = 0; i < CANCELLED; i++)
                assert_result(ax_timer_cancel(ax, timers[i]), 0);
        return cancelled == CANCELLED;
}
START_TEST(test_how_long_a_timer_has_left) {
        _connected_ ax_client *ax = fixture_connect(), *other = fixture_connect();
        ax_task_id task = make_task(ax);
        ax_timer_id timer, interval;
        double left, later, start = clock_ms();

        assert_result(ax_timer_set(ax, 60000, task, &timer), 0);
        assert_result(ax_timer_interval(ax, 1e6, 0, &interval), 0);
        left = ax_timer_remaining(ax, timer);
        later = ax_timer_remaining(ax, timer);
        ck_assert_msg(left <= 60000.01 && left >= start + 60000 - clock_ms(), "%f ms are left", left);
        ck_assert_msg(later <= left, "%f ms, and then %f", left, later);
        left = ax_timer_remaining(ax, interval);
        ck_assert_msg(left > 9e5 && left <= 1e6 + 0.01, "%f ms are left of the interval", left);
        assert_error((int64_t) ax_timer_remaining(other, timer), AX_ENOENT);
        assert_result(ax_timer_cancel(ax, timer), 1);
        assert_result(ax_timer_set(ax, 5, task, &timer), 0);
        assert_result(ax_task_wait(ax, task, -1), 1);
        assert_error((int64_t) ax_timer_remaining(ax, timer), AX_ENOENT);
        assert_error((int64_t) ax_timer_remaining(ax, 0), AX_ENOENT);
        assert_result(ax_timer_cancel(ax, interval), 1);
        assert_error((int64_t) ax_timer_remaining(ax, interval), AX_ENOENT);
}
END_TEST

START_TEST(test_T4_a_cancelled_timer_never_fires) {
        _connected_ ax_client *ax = fixture_connect();
        ax_task_id task = make_task(ax), last = make_task(ax);
        double delay_ms = 200;

        while (!cancel_in_time(ax, task, delay_ms)) {
                task = make_task(ax);
                delay_ms *= 2;
        }
        assert_result(ax_timer_set(ax, delay_ms * 2, last, NULL), 0);
        assert_result(ax_task_wait(ax, last, -1), 1);
        assert_result(ax_task_wait(ax, task, 0), 0);
        assert_result(ax_timer_cancel(ax, 0), 0);
        assert_result(ax_timer_cancel(ax, UINT64_MAX), 0);
}
END_TEST

START_TEST(test_bad_delays) {
        static const double bad[] = { -1, -0.001, -INFINITY, INFINITY, NAN };
        _connected_ ax_client *ax = fixture_connect();
        ax_timer_id timer;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                assert_error(ax_timer_set(ax, bad[i], 0, &timer), AX_EINVAL);
                assert_error(ax_timer_interval(ax, bad[i], 0, &timer), AX_EINVAL);
                assert_error(ax_alarm(ax, bad[i], &timer), AX_EINVAL);
        }
        assert_error(ax_timer_interval(ax, 0, 0, &timer), AX_EINVAL);
        assert_result(ax_timer_set(ax, 1e300, 0, &timer), 0);
        assert_result(ax_timer_cancel(ax, timer), 1);
        assert_result(ax_timer_interval(ax, 1e-9, 0, &timer), 0);
        assert_result(ax_timer_cancel(ax, timer), 1);
}
END_TEST

START_TEST(test_an_alarm_ends_a_process_that_does_nothing_about_it) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_wait_status status;
        ax_client *child;
        ax_pid pid = ax_spawn_client(ax, NULL, &child);

        assert_result(ax_alarm(child, 1e9, NULL), 0);
        assert_result(ax_alarm(child, 3, NULL), 0); /* beside the other */
        assert_result(ax_wait(ax, pid, &status, 0), pid);
        ck_assert_int_eq(status.kind, AX_SIGNALED);
        ck_assert_int_eq(status.code, AX_SIGALRM);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_limits) {
        struct daemon_options options = { .settings = "TimersPerUser = 3\nTasksPerUser = 2" };
        ax_client *ax, *other;
        ax_task_id task;

        fixture_start(&options);
        ax = fixture_connect();
        other = fixture_connect();
        for (int i = 0; i < 3; i++)
                assert_result(ax_timer_set(ax, 1e9, 0, NULL), 0);
        assert_error(ax_timer_set(other, 1e9, 0, NULL), AX_EDQUOT);
        assert_result(ax_task_create(ax, &task), 0);
        assert_result(ax_task_create(ax, &task), 0);
        assert_error(ax_task_create(other, &task), AX_EDQUOT);
        assert_result(ax_exit(ax, 0), 0); /* they end with their process */
        assert_result(ax_timer_set(other, 1e9, 0, NULL), 0);
        assert_result(ax_task_create(other, &task), 0);
        ax_disconnect(ax);
        ax_disconnect(other);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("timers");

        fixture_add(suite, test_a_wake_before_the_wait_is_kept_and_is_one, 0);
        fixture_add(suite, test_a_wake_lets_one_go_on, 0);
        fixture_add(suite, test_destroyed_foreign_and_stale_tasks_are_not_found, 0);
        fixture_add(suite, test_T1_timers_fire_in_order_of_due_time, 0);
        fixture_add(suite, test_T2_none_is_early_and_none_is_missed, 0);
        fixture_add(suite, test_T2_ten_thousand_timers, 0);
        fixture_add(suite, test_T3_intervals_come_again, 0);
        fixture_add(suite, test_T3_missed_ticks_are_counted, 0);
        fixture_add(suite, test_how_long_a_timer_has_left, 0);
        fixture_add(suite, test_T4_a_cancelled_timer_never_fires, 0);
        fixture_add(suite, test_bad_delays, 0);
        fixture_add(suite, test_an_alarm_ends_a_process_that_does_nothing_about_it, 0);
        fixture_add(suite, test_limits, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
