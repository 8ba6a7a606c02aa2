/* SPDX-License-Identifier: MIT */
/*
 * The log: nobody can fill it, and nobody who logs waits for it.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/log.h"
#include "util/rate.h"

enum { BURST = 20, ALL_USERS_BURST = 200, SYSTEM_BURST = 100, QUEUE_LINES = 256, PIPE_SIZE = 4096 };

/* Standard error is a pipe of one page from now on; its other end. */
static int catch_log(void) {
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        ck_assert_int_ge(fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE), PIPE_SIZE);
        ck_assert_int_eq(fcntl(fds[1], F_SETFL, 0), 0);
        ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        close(fds[1]);
        unsetenv("JOURNAL_STREAM");
        return fds[0];
}

/* What has been logged so far. */
struct caught {
        int fd;
        size_t size;
        char text[1 << 20];
};

static void take(struct caught *caught) {
        ssize_t n;

        while ((n = read(caught->fd, caught->text + caught->size, sizeof(caught->text) - 1 - caught->size)) > 0)
                caught->size += (size_t) n;
        caught->text[caught->size] = '\0';
}

static size_t count(const struct caught *caught, const char *text) {
        size_t n = 0;

        for (const char *at = caught->text; (at = strstr(at, text)); at += strlen(text))
                n++;
        return n;
}

/* Until it has been logged so often. The case's time limit is the only one. */
static void wait_for(struct caught *caught, const char *text, size_t times) {
        struct pollfd fd = { .fd = caught->fd, .events = POLLIN };

        for (take(caught); count(caught, text) < times; take(caught))
                ck_assert_int_eq(poll(&fd, 1, -1), 1);
}

/* The sum of the numbers before `text`. */
static unsigned long sum(const struct caught *caught, const char *before, const char *text) {
        unsigned long result = 0;

        for (const char *at = caught->text; (at = strstr(at, before)); at++) {
                char *end;
                unsigned long number = strtoul(at + strlen(before), &end, 10);

                if (strncmp(end, text, strlen(text)) == 0)
                        result += number;
        }
        return result;
}

static struct caught caught;

START_TEST(test_a_user_s_lines_are_limited_and_others_are_not_touched) {
        caught.fd = catch_log();
        ck_assert_int_eq(log_start(), 0);
        for (int i = 0; i < 500; i++)
                ck_assert_int_eq(log_client(LOG_WARNING, EBADMSG, 17, 1000, "flood"), -EBADMSG);
        log_client(LOG_WARNING, 0, 18, 1001, "innocent");
        log_warning("of the kernel");
        wait_for(&caught, "of the kernel", 1);
        ck_assert_uint_eq(count(&caught, "axebergd: flood: Bad message\n"), BURST);
        ck_assert_uint_eq(count(&caught, "axebergd: innocent\n"), 1);
        /*
         * when lines of that user may come again, what was left out is logged, even if none comes
         */
        wait_for(&caught, " more lines suppressed\n", 1);
        ck_assert_uint_eq(sum(&caught, "uid 1000: ", " more lines suppressed"), 500 - BURST);
        log_client(LOG_WARNING, 0, 17, 1000, "again");
        wait_for(&caught, "again", 1);
        log_stop();
}
END_TEST

START_TEST(test_many_uids_are_limited_together) {
        caught.fd = catch_log();
        ck_assert_int_eq(log_start(), 0);
        for (uid_t uid = 100000; uid < 101000; uid++) {
                log_client(LOG_WARNING, 0, 0, uid, "flood");
                take(&caught);
        }
        log_warning("of the kernel");
        wait_for(&caught, "of the kernel", 1);
        ck_assert_uint_ge(count(&caught, "flood"), ALL_USERS_BURST);
        ck_assert_uint_lt(count(&caught, "flood"), 1000);
        log_stop();
        take(&caught);
        ck_assert_uint_eq(count(&caught, "flood") + sum(&caught, "users: ", " more lines suppressed"), 1000);
}
END_TEST

START_TEST(test_the_kernel_s_own_lines_are_limited_but_not_errors) {
        caught.fd = catch_log();
        ck_assert_int_eq(log_start(), 0);
        for (int i = 0; i < 2 * SYSTEM_BURST; i++) {
                log_warning("flood");
                log_error("an error");
                wait_for(&caught, "an error", (size_t) i + 1);
        }
        ck_assert_uint_ge(count(&caught, "flood"), SYSTEM_BURST);
        ck_assert_uint_lt(count(&caught, "flood"), 2 * SYSTEM_BURST);
        log_stop();
        take(&caught);
        ck_assert_uint_eq(count(&caught, "flood") + sum(&caught, "the kernel: ", " more lines suppressed"),
                          2 * SYSTEM_BURST);
}
END_TEST

static unsigned long lost(const struct caught *log) {
        return sum(log, "axebergd: ", " lines lost: the log was not taken\n");
}

/* Without the thread this would hang. */
START_TEST(test_nobody_waits_for_a_pipe_that_is_not_read) {
        enum { LINES = 3 * QUEUE_LINES };
        char text[200];

        caught.fd = catch_log();
        ck_assert_int_eq(log_start(), 0);
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        for (int i = 0; i < LINES; i++)
                log_error("%s", text);
        for (size_t lines = 1; count(&caught, text) + lost(&caught) < LINES; lines++)
                wait_for(&caught, "\n", lines);
        ck_assert_uint_gt(lost(&caught), 0);
        ck_assert_uint_eq(count(&caught, text) + lost(&caught), LINES);
        ck_assert_uint_ge(count(&caught, text), QUEUE_LINES);
        log_error("afterwards");
        wait_for(&caught, "afterwards", 1);
        log_stop();
}
END_TEST

START_TEST(test_the_end_does_not_wait_for_a_pipe_that_is_not_read) {
        catch_log();
        ck_assert_int_eq(log_start(), 0);
        for (int i = 0; i < QUEUE_LINES; i++)
                log_error("a line that is much longer than a few letters, so that the pipe is full before long");
        log_stop();
}
END_TEST

START_TEST(test_everything_is_written_before_the_end) {
        caught.fd = catch_log();
        log_error("before the thread");
        ck_assert_int_eq(log_start(), 0);
        for (int i = 0; i < 30; i++)
                log_error("line %d", i);
        log_stop();
        take(&caught);
        ck_assert_ptr_nonnull(strstr(caught.text, "axebergd: before the thread\naxebergd: line 0\n"));
        ck_assert_ptr_nonnull(strstr(caught.text, "axebergd: line 29\n"));
}
END_TEST

START_TEST(test_one_event_is_one_line_of_text) {
        caught.fd = catch_log();
        log_client(LOG_WARNING, 0, 0, 1000,
                   "a\nb\x1b[2J\x7f\xc2\x9b"
                   "c \xc3\xa9");
        take(&caught);
        ck_assert_str_eq(caught.text, "axebergd: a\\nb\\x1b[2J\\x7f\\u009bc \xc3\xa9\n");
}
END_TEST

START_TEST(test_a_full_table_gives_up_who_was_there_longest_ago) {
        static struct rate_table table;
        const struct rate rate = { .burst = 2, .interval_usec = 10 };
        uint64_t forgotten;

        for (uid_t uid = 0; uid < RATE_USERS; uid++) {
                struct bucket *bucket = rate_table_find(&table, uid, 1 + uid, &forgotten);

                ck_assert_uint_eq(forgotten, 0);
                ck_assert(bucket_take(bucket, &rate, 1 + uid));
                ck_assert(bucket_take(bucket, &rate, 1 + uid));
                ck_assert(!bucket_take(bucket, &rate, 1 + uid));
        }
        rate_table_find(&table, 0, 1000, &forgotten);
        ck_assert(bucket_take(rate_table_find(&table, 5000, 1001, &forgotten), &rate, 1001));
        ck_assert_uint_eq(forgotten, 1); /* of uid 1 */
        ck_assert_uint_eq(rate_table_find(&table, 0, 1002, &forgotten)->refused, 1);
        ck_assert_uint_eq(rate_table_find(&table, 1, 1003, &forgotten)->refused, 0);
        ck_assert_uint_eq(table.count, RATE_USERS);
}
END_TEST

START_TEST(test_tokens_come_back_one_by_one) {
        const struct rate rate = { .burst = 2, .interval_usec = 10 };
        struct bucket bucket = { 0 };

        ck_assert(bucket_take(&bucket, &rate, 100) && bucket_take(&bucket, &rate, 100));
        ck_assert(!bucket_take(&bucket, &rate, 109));
        ck_assert(bucket_take(&bucket, &rate, 110));
        ck_assert(!bucket_take(&bucket, &rate, 119));
        ck_assert(bucket_take(&bucket, &rate, 125));
        ck_assert(bucket_take(&bucket, &rate, 130)); /* not 135 */
        ck_assert(!bucket_take(&bucket, &rate, 130));
        ck_assert_uint_eq(bucket.refused, 3);
        ck_assert(bucket_take(&bucket, &rate, UINT64_MAX) && bucket_take(&bucket, &rate, UINT64_MAX));
        ck_assert(!bucket_take(&bucket, &rate, UINT64_MAX));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("log");
        TCase *tcase = tcase_create("log");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, test_a_user_s_lines_are_limited_and_others_are_not_touched);
        tcase_add_test(tcase, test_many_uids_are_limited_together);
        tcase_add_test(tcase, test_the_kernel_s_own_lines_are_limited_but_not_errors);
        tcase_add_test(tcase, test_nobody_waits_for_a_pipe_that_is_not_read);
        tcase_add_test(tcase, test_the_end_does_not_wait_for_a_pipe_that_is_not_read);
        tcase_add_test(tcase, test_everything_is_written_before_the_end);
        tcase_add_test(tcase, test_one_event_is_one_line_of_text);
        tcase_add_test(tcase, test_a_full_table_gives_up_who_was_there_longest_ago);
        tcase_add_test(tcase, test_tokens_come_back_one_by_one);
        tcase_set_timeout(tcase, 120);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
