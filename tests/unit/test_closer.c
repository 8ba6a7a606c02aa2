/* SPDX-License-Identifier: MIT */
/*
 * Closing in a worker: the descriptor is closed, and only then its charge is given back.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "account/closer.h"
#include "account/user.h"
#include "util/cleanup.h"
#include "util/workers.h"

static sd_event *event;
static struct workers *workers;
static struct user_table users;
static struct user *user;

static void setup(void) {
        users = (struct user_table){ 0 };
        ck_assert_int_eq(sd_event_new(&event), 0);
        users.lanes.event = event;
        ck_assert_int_eq(workers_new(&workers, event, &(struct workers_options){ .n_threads = 2 }), 0);
        ck_assert_int_eq(user_from_uid(&users, 1000, &user), 0);
}

static void teardown(void) {
        workers = workers_free(workers, &(bool){ false });
        user = user_unref(user);
        sd_event_unref(event);
}

/* The end of a pipe tells its other end when it is closed. */
static int make_pipe(int *ret_reader) {
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        *ret_reader = fds[0];
        return fds[1];
}

static bool has_ended(int reader, int timeout_ms) {
        struct pollfd poll_fd = { .fd = reader };

        return poll(&poll_fd, 1, timeout_ms) == 1 && poll_fd.revents & POLLHUP;
}

START_TEST(test_close_later_closes) {
        _cleanup_close_ int reader = -1;
        int writer = make_pipe(&reader);

        close_later(workers, user, writer);
        ck_assert(has_ended(reader, 10000));
}
END_TEST

START_TEST(test_close_later_without_a_descriptor_does_nothing) {
        struct user_charge charge = { 0 };

        close_later(workers, user, -1);
        ck_assert_int_eq(user_charge(user, &charge, USER_FDS, 1), 0);
        close_later_charged(workers, &charge, -1);
        ck_assert_uint_eq(user->charged[USER_FDS], 0);
}
END_TEST

START_TEST(test_the_charge_is_given_back_after_the_close) {
        struct user_charge charge = { 0 };
        _cleanup_close_ int reader = -1;
        int writer = make_pipe(&reader);

        ck_assert_int_eq(user_charge(user, &charge, USER_FDS, 1), 0);
        close_later_charged(workers, &charge, writer);
        ck_assert_ptr_null(charge.user);
        ck_assert_uint_eq(user->charged[USER_FDS], 1);
        while (user->charged[USER_FDS] > 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert(has_ended(reader, 0));
}
END_TEST

START_TEST(test_workers_that_have_ended_close_at_once) {
        struct user_charge charge = { 0 };
        _cleanup_close_ int reader = -1, other = -1;
        int writer = make_pipe(&reader), second = make_pipe(&other);

        workers = workers_free(workers, &(bool){ false });
        close_later(workers, user, writer);
        ck_assert(has_ended(reader, 0));
        ck_assert_int_eq(user_charge(user, &charge, USER_FDS, 1), 0);
        close_later_charged(workers, &charge, second);
        ck_assert(has_ended(other, 0));
        ck_assert_uint_eq(user->charged[USER_FDS], 0);
}
END_TEST

struct last_job {
        struct job job;
        int fd;
};

static void last_job_run(struct job *job) {
        (void) job;
}

/* As an object does whose last reference a job held. */
static void last_job_done(struct job *job) {
        struct last_job *last = (struct last_job *) job;

        close_later(workers, user, last->fd);
}

START_TEST(test_what_ends_with_the_workers_is_closed_too) {
        struct last_job last = { .job = { .run = last_job_run, .done = last_job_done } };
        _cleanup_close_ int reader = -1;

        last.fd = make_pipe(&reader);
        ck_assert_int_eq(workers_submit(workers, &last.job), 0);
        workers = workers_free(workers, &(bool){ false });
        ck_assert(has_ended(reader, 0));
}
END_TEST

static Suite *closer_suite(void) {
        Suite *suite = suite_create("closer");
        TCase *tcase = tcase_create("closer");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_close_later_closes);
        tcase_add_test(tcase, test_close_later_without_a_descriptor_does_nothing);
        tcase_add_test(tcase, test_the_charge_is_given_back_after_the_close);
        tcase_add_test(tcase, test_workers_that_have_ended_close_at_once);
        tcase_add_test(tcase, test_what_ends_with_the_workers_is_closed_too);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(closer_suite());
        int failed;

        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
