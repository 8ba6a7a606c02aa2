/* SPDX-License-Identifier: MIT */
/*
 * Workers: jobs come back to the loop, users take turns, and nobody's jobs hold up the others.
 */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/workers.h"

enum { MAX_JOBS = 400, N_THREADS = 4 };

/* Workers compare users, and never look into them. */
static char users[4];

struct test_job {
        struct job job; /* first */
        bool waits;     /* until the gate is open */
        bool submits;   /* another one, when it is done */
};

static sd_event *event;
static struct workers *workers;
static struct test_job jobs[MAX_JOBS];
static unsigned done[MAX_JOBS], n_done;
static pthread_t loop_thread;
static int gate[2];
static atomic_uint n_running, most_running;

static struct user *user_number(unsigned i) {
        return (struct user *) &users[i];
}

static bool is_administrator(const struct user *user) {
        return user == user_number(0);
}

static void run(struct job *job) {
        unsigned now = atomic_fetch_add(&n_running, 1) + 1, most = atomic_load(&most_running);
        char byte;

        ck_assert(!pthread_equal(pthread_self(), loop_thread));
        while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
                ;
        if (((struct test_job *) job)->waits)
                while (read(gate[0], &byte, 1) < 0 && errno == EINTR)
                        ;
        atomic_fetch_sub(&n_running, 1);
}

static void on_done(struct job *job) {
        struct test_job *test_job = (struct test_job *) job;

        ck_assert(pthread_equal(pthread_self(), loop_thread));
        done[n_done++] = (unsigned) (test_job - jobs);
        if (test_job->submits)
                ck_assert_int_eq(workers_submit(workers, &jobs[MAX_JOBS - 1].job), -ESHUTDOWN);
}

static void begin(unsigned n_threads) {
        const struct workers_options options = { .n_threads = n_threads, .is_administrator = is_administrator };

        loop_thread = pthread_self();
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(pipe(gate), 0);
        ck_assert_int_eq(workers_new(&workers, event, &options), 0);
        for (size_t i = 0; i < MAX_JOBS; i++)
                jobs[i].job = (struct job){ .run = run, .done = on_done };
}

static void end(void) {
        bool stuck;

        workers = workers_free(workers, &stuck);
        ck_assert(!stuck);
        sd_event_unref(event);
}

static void submit(unsigned i, struct user *user) {
        jobs[i].job.user = user;
        ck_assert_int_eq(workers_submit(workers, &jobs[i].job), 0);
}

static void open_gate(void) {
        cleanup_close(&gate[1]);
}

static void wait_done(unsigned count) {
        while (n_done < count)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
}

static bool has_come_back(unsigned i) {
        for (unsigned at = 0; at < n_done; at++)
                if (done[at] == i)
                        return true;
        return false;
}

START_TEST(test_every_job_comes_back_once_to_the_loops_thread) {
        begin(N_THREADS);
        for (unsigned i = 0; i < MAX_JOBS; i++)
                submit(i, user_number(i % 4));
        wait_done(MAX_JOBS);
        for (unsigned i = 0; i < MAX_JOBS; i++)
                ck_assert(has_come_back(i));
        end();
        ck_assert_uint_eq(n_done, MAX_JOBS);
}
END_TEST

/* One thread at a time serves a user here, so the order shows. */
START_TEST(test_a_users_jobs_run_and_come_back_in_order) {
        begin(2);
        for (unsigned i = 0; i < MAX_JOBS; i++)
                submit(i, user_number(1));
        wait_done(MAX_JOBS);
        for (unsigned i = 0; i < MAX_JOBS; i++)
                ck_assert_uint_eq(done[i], i);
        ck_assert_uint_eq(most_running, 1);
        end();
}
END_TEST

START_TEST(test_users_take_turns) {
        begin(2);
        jobs[0].waits = true;
        for (unsigned i = 0; i < 100; i++)
                submit(i, user_number(1));
        submit(100, user_number(2));
        submit(101, user_number(2));
        open_gate();
        wait_done(102);
        /* the one that ran already, then one of each */
        ck_assert_uint_eq(done[0], 0);
        ck_assert(done[1] == 100 || done[2] == 100);
        ck_assert(done[3] == 101 || done[4] == 101);
        end();
}
END_TEST

START_TEST(test_a_user_whose_jobs_block_has_half_of_the_threads) {
        begin(N_THREADS);
        for (unsigned i = 0; i < 20; i++) {
                jobs[i].waits = true;
                submit(i, user_number(1));
        }
        submit(20, user_number(2));
        wait_done(1);
        ck_assert_uint_eq(done[0], 20);
        while (atomic_load(&n_running) < N_THREADS / 2)
                usleep(1000);
        usleep(20000);
        ck_assert_uint_eq(atomic_load(&n_running), N_THREADS / 2);
        open_gate();
        wait_done(21);
        end();
}
END_TEST

START_TEST(test_the_last_thread_is_kept_for_administrators_and_the_daemon) {
        begin(N_THREADS);
        for (unsigned i = 0; i < 20; i++) {
                jobs[i].waits = true;
                submit(i, user_number(1 + i % 3));
        }
        submit(20, NULL);
        submit(21, user_number(0));
        wait_done(2);
        ck_assert(has_come_back(20));
        ck_assert(has_come_back(21));
        open_gate();
        wait_done(22);
        end();
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */

START_TEST(test_the_end_waits_for_jobs_and_calls_back_for_all_of_them) {
        begin(N_THREADS);
        jobs[0].submits = true; /* which is refused then */
        for (unsigned i = 0; i < 100; i++)
                submit(i, user_number(1));
        end();
        ck_assert_uint_eq(n_done, 100);
}
END_TEST

START_TEST(test_the_end_gives_up_on_a_job_that_is_stuck) {
        bool stuck = false;

        begin(N_THREADS);
        jobs[0].waits = true;
        submit(0, user_number(1));
        submit(1, user_number(2));
        workers_free(workers, &stuck);
        ck_assert(stuck);
        ck_assert_uint_eq(n_done, 1);
        ck_assert_uint_eq(done[0], 1);
}
END_TEST

/* ---- a loop that runs jobs itself ------------------------------------------------------------ */

static unsigned n_taken, n_taken_back;

static bool take(struct workers_loop *loop, struct job *job) {
        (void) loop;
        ck_assert(!job->slow);
        n_taken++;
        return job == &jobs[0].job;
}

static struct job *give_back(struct workers_loop *loop) {
        static bool gave;
        bool first = !gave;

        (void) loop;
        gave = true;
        return first ? &jobs[0].job : NULL;
}

static void take_back(struct workers_loop *loop, struct job *job) {
        (void) loop;
        ck_assert(job->has_run);
        n_taken_back++;
        job->done(job);
}

static void run_anywhere(struct job *job) {
        (void) job;
}

START_TEST(test_a_loop_may_run_jobs_but_slow_ones) {
        struct workers_loop loop = { .take = take, .give_back = give_back, .take_back = take_back };

        begin(N_THREADS);
        workers_set_loop(workers, &loop);
        jobs[0].job.run = run_anywhere;
        jobs[2].job.slow = true;
        for (unsigned i = 0; i < 3; i++)
                submit(i, user_number(1));
        wait_done(2);
        ck_assert_uint_eq(n_taken, 2);
        ck_assert_uint_eq(n_taken_back, 2);
        ck_assert(!has_come_back(0)); /* the loop has not done it yet, and the end does */
        end();
        ck_assert(has_come_back(0));
}
END_TEST

START_TEST(test_a_job_that_was_lent_is_waited_for) {
        begin(N_THREADS);
        workers_lend(workers);
        workers_finish(workers, &jobs[0].job);
        end();
        ck_assert_uint_eq(n_done, 1);
        ck_assert(jobs[0].job.has_run);
}
END_TEST

START_TEST(test_a_list_of_jobs_keeps_their_order) {
        struct job_list list = { 0 };

        ck_assert_ptr_null(job_list_pop(&list));
        for (unsigned round = 0; round < 2; round++) {
                for (unsigned i = 0; i < 3; i++)
                        job_list_append(&list, &jobs[i].job);
                for (unsigned i = 0; i < 3; i++)
                        ck_assert_ptr_eq(job_list_pop(&list), &jobs[i].job);
                ck_assert_ptr_null(job_list_pop(&list));
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("workers");

        fixture_add(suite, test_every_job_comes_back_once_to_the_loops_thread, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_users_jobs_run_and_come_back_in_order, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_users_take_turns, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_user_whose_jobs_block_has_half_of_the_threads, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_the_last_thread_is_kept_for_administrators_and_the_daemon, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_the_end_waits_for_jobs_and_calls_back_for_all_of_them, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_the_end_gives_up_on_a_job_that_is_stuck, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_loop_may_run_jobs_but_slow_ones, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_job_that_was_lent_is_waited_for, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_list_of_jobs_keeps_their_order, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
