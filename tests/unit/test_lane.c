/* SPDX-License-Identifier: MIT */
/*
 * Lanes: turns by the time that each has had, rests after long steps, and what a step serves.
 */
#include "fixture.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/lane.h"

enum { N_LANES = 3, MANY = 200 };

#define MS_NSEC UINT64_C(1000000)
#define SECOND_NSEC UINT64_C(1000000000)

static sd_event *event;
static struct lanes lanes;
static struct lane lane[N_LANES];
static int n_held;

static void hold(struct lane *held, bool held_now) {
        (void) held;
        n_held += held_now ? 1 : -1;
        ck_assert_int_ge(n_held, 0);
}

static void setup(void) {
        ck_assert_int_eq(sd_event_new(&event), 0);
        lanes = (struct lanes){ .event = event };
        for (int i = 0; i < N_LANES; i++)
                ck_assert_int_eq(lane_init(&lane[i], &lanes, hold), 0);
}

static void teardown(void) {
        ck_assert_int_eq(n_held, 0);
        for (int i = 0; i < N_LANES; i++)
                lane_deinit(&lane[i]);
        sd_event_unref(event);
}

/* ---- turns ----------------------------------------------------------------------------------- */

START_TEST(test_a_lane_without_anything_to_do_gets_no_turn) {
        ck_assert_ptr_null(lanes_next(&lanes, 0));
        ck_assert_uint_eq(lanes_next_nsec(&lanes, 0), UINT64_MAX);
        lane_activate(&lane[0]);
        ck_assert_ptr_eq(lanes_next(&lanes, 0), &lane[0]);
        ck_assert_uint_eq(lanes_next_nsec(&lanes, 0), 0);
        lane_step(&lane[0]); /* finds nothing */
        ck_assert_ptr_null(lanes_next(&lanes, 0));
}
END_TEST

/* The kernel's time that each lane gets, of `duration_nsec`, if its steps take this long. */
static void share_out(uint64_t *now_nsec, uint64_t duration_nsec, const uint64_t step_nsec[N_LANES],
                      uint64_t ret_nsec[N_LANES]) {
        uint64_t end_nsec = *now_nsec + duration_nsec;

        for (int i = 0; i < N_LANES; i++)
                ret_nsec[i] = 0;
        while (*now_nsec < end_nsec) {
                struct lane *next = lanes_next(&lanes, *now_nsec);

                if (!next) {
                        ck_assert_uint_gt(lanes_next_nsec(&lanes, *now_nsec), *now_nsec);
                        *now_nsec = lanes_next_nsec(&lanes, *now_nsec);
                        continue;
                }
                *now_nsec += step_nsec[next - lane];
                ret_nsec[next - lane] += step_nsec[next - lane];
                lane_account(next, step_nsec[next - lane], *now_nsec);
        }
}

START_TEST(test_lanes_share_the_time_whatever_their_steps_take) {
        static const uint64_t step_nsec[N_LANES] = { 3000, 30000, 7000 };
        uint64_t had_nsec[N_LANES], now_nsec = SECOND_NSEC;

        for (int i = 0; i < N_LANES; i++)
                lane_activate(&lane[i]);
        share_out(&now_nsec, 300 * MS_NSEC, step_nsec, had_nsec);
        for (int i = 0; i < N_LANES; i++) {
                ck_assert_uint_ge(had_nsec[i], 99 * MS_NSEC);
                ck_assert_uint_le(had_nsec[i], 101 * MS_NSEC);
        }
}
END_TEST

START_TEST(test_a_lane_that_was_idle_has_saved_nothing_up) {
        static const uint64_t step_nsec[N_LANES] = { 10000, 10000, 10000 };
        uint64_t had_nsec[N_LANES], now_nsec = SECOND_NSEC;

        lane_activate(&lane[0]);
        share_out(&now_nsec, SECOND_NSEC, step_nsec, had_nsec);
        lane_activate(&lane[1]);
        share_out(&now_nsec, MS_NSEC, step_nsec, had_nsec);
        ck_assert_uint_ge(had_nsec[0], MS_NSEC * 4 / 10);
        ck_assert_uint_ge(had_nsec[1], MS_NSEC * 4 / 10);
}
END_TEST

/* ---- long steps ------------------------------------------------------------------------------ */

START_TEST(test_long_steps_have_a_quarter_of_the_time_while_others_are_there) {
        static const uint64_t step_nsec[N_LANES] = { 500000, 10000, 10000 };
        uint64_t had_nsec[N_LANES], now_nsec = SECOND_NSEC;

        lane_activate(&lane[0]);
        lane_activate(&lane[1]);
        share_out(&now_nsec, SECOND_NSEC, step_nsec, had_nsec);
        ck_assert_uint_ge(had_nsec[0], SECOND_NSEC / 5);
        ck_assert_uint_le(had_nsec[0], SECOND_NSEC / 4 + 3 * MS_NSEC); /* and what is taken at once */
}
END_TEST

START_TEST(test_a_lane_with_long_steps_goes_on_while_it_is_alone) {
        static const uint64_t step_nsec[N_LANES] = { 500000, 10000, 10000 };
        uint64_t had_nsec[N_LANES], now_nsec = SECOND_NSEC;

        lane_activate(&lane[0]);
        share_out(&now_nsec, SECOND_NSEC, step_nsec, had_nsec);
        ck_assert_uint_ge(had_nsec[0], SECOND_NSEC * 9 / 10);
}
END_TEST

/* The host may have put a step off. */
START_TEST(test_one_long_step_in_a_while_is_not_held_against_a_lane) {
        uint64_t now_nsec = SECOND_NSEC;

        lane_activate(&lane[0]);
        lane_activate(&lane[1]);
        for (int i = 0; i < 100; i++) {
                now_nsec += 10000;
                lane_account(&lane[1], 10000, now_nsec);
                now_nsec += MS_NSEC - 100000;
                lane_account(&lane[0], MS_NSEC - 100000, now_nsec);
                ck_assert_uint_le(lane[0].rest_until_nsec, now_nsec);
                now_nsec += 20 * MS_NSEC;
        }
}
END_TEST

START_TEST(test_a_lane_rests_until_its_long_steps_fit_in_again) {
        uint64_t now_nsec = SECOND_NSEC, until_nsec;

        lane_activate(&lane[0]);
        lane_account(&lane[1], 1000, now_nsec);
        now_nsec += 10 * MS_NSEC;
        lane_account(&lane[0], 10 * MS_NSEC, now_nsec);
        ck_assert_ptr_null(lanes_next(&lanes, now_nsec));
        until_nsec = lanes_next_nsec(&lanes, now_nsec);
        ck_assert_uint_gt(until_nsec, now_nsec + 30 * MS_NSEC);
        ck_assert_uint_le(until_nsec, now_nsec + 40 * MS_NSEC);
        ck_assert_ptr_null(lanes_next(&lanes, until_nsec - 1));
        ck_assert_ptr_eq(lanes_next(&lanes, until_nsec), &lane[0]);
        lane_activate(&lane[1]); /* others are served meanwhile */
        ck_assert_ptr_eq(lanes_next(&lanes, now_nsec), &lane[1]);
}
END_TEST

/* ---- steps ----------------------------------------------------------------------------------- */

static char served[MANY + 1];
static unsigned n_served;

static void note(char what) {
        if (n_served < MANY)
                served[n_served++] = what;
}

static void steps(unsigned count) {
        for (unsigned i = 0; i < count; i++)
                lane_step(&lane[0]);
        served[n_served] = '\0';
}

static unsigned count_served(char what) {
        unsigned count = 0;

        for (unsigned i = 0; i < n_served; i++)
                count += served[i] == what;
        return count;
}

static void run_waiter(struct waiter *waiter) {
        note('w');
        ck_assert_int_eq(n_held, 1);
        waiter_wake(waiter); /* a chain without an end */
}

static void fire(struct timer_entry *entry, uint64_t now_usec) {
        note('t');
        ck_assert_int_eq(timer_queue_add(&lane[0].timers, entry, now_usec), 0);
}

static void on_ready(struct lane_source *source, uint32_t events) {
        (void) source;
        ck_assert(events & EPOLLIN);
        note('i');
}

/* A descriptor that stays ready. */
static int watch_input(struct lane_source *source) {
        int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(lane_watch(&lane[0], source, fd, EPOLLIN, on_ready), 0);
        return fd;
}

static void run_loop_once(void) {
        ck_assert_int_ge(sd_event_run(event, 0), 0);
}

START_TEST(test_woken_calls_timers_and_input_all_get_turns) {
        struct waiter waiter = { .lane = &lane[0], .run = run_waiter };
        struct timer_entry entry = { .fire = fire };
        struct lane_source source = { 0 };
        int fd = watch_input(&source);

        ck_assert_int_eq(timer_queue_add(&lane[0].timers, &entry, clock_usec() - 1), 0);
        waiter_wake(&waiter);
        run_loop_once();
        for (unsigned i = 0; i < MANY; i++) {
                steps(1);
                run_loop_once();
        }
        ck_assert_msg(count_served('t') >= 2, "%s", served);
        ck_assert_msg(count_served('i') >= 2, "%s", served);
        ck_assert_msg(count_served('w') > MANY / 2, "%s", served);
        wait_queue_remove(&waiter);
        timer_queue_remove(&lane[0].timers, &entry);
        lane_unwatch(&source);
        close(fd);
}
END_TEST

START_TEST(test_timers_and_input_take_turns) {
        struct timer_entry entry = { .fire = fire };
        struct lane_source source = { 0 };
        int fd = watch_input(&source);

        ck_assert_int_eq(timer_queue_add(&lane[0].timers, &entry, clock_usec() - 1), 0);
        for (unsigned i = 0; i < 10; i++) {
                run_loop_once();
                steps(1);
        }
        ck_assert_uint_eq(count_served('t'), 5);
        ck_assert_uint_eq(count_served('i'), 5);
        timer_queue_remove(&lane[0].timers, &entry);
        lane_unwatch(&source);
        close(fd);
}
END_TEST

static struct lane_source sources[3];

static void unwatch_all(struct lane_source *source, uint32_t events) {
        on_ready(source, events);
        for (int i = 0; i < 3; i++)
                lane_unwatch(&sources[i]);
}

START_TEST(test_a_source_that_is_no_longer_watched_is_not_served) {
        int fds[3];

        for (int i = 0; i < 3; i++) {
                fds[i] = watch_input(&sources[i]);
                sources[i].ready = unwatch_all;
        }
        run_loop_once();
        steps(5);
        ck_assert_str_eq(served, "i");
        run_loop_once();
        ck_assert_ptr_null(lanes_next(&lanes, 0));
        lane_unwatch(&sources[0]);             /* fine for one that is not watched */
        lane_set_events(&sources[0], EPOLLIN); /* likewise */
        for (int i = 0; i < 3; i++)
                close(fds[i]);
}
END_TEST

START_TEST(test_a_source_is_served_for_what_it_watches_now) {
        struct lane_source source = { 0 };
        int fd = watch_input(&source);

        lane_set_events(&source, 0);
        run_loop_once();
        steps(3);
        ck_assert_str_eq(served, "");
        lane_set_events(&source, EPOLLIN);
        run_loop_once();
        steps(1);
        ck_assert_str_eq(served, "i");
        lane_unwatch(&source);
        close(fd);
}
END_TEST

static unsigned n_tries;

static bool try_input(struct lane_source *source) {
        (void) source;
        note('x');
        return ++n_tries <= 3;
}

/* A lone source is tried before the host is asked which one is ready. */
START_TEST(test_a_lone_source_is_tried) {
        struct lane_source source = { 0 };
        int fd = watch_input(&source);

        lane_set_try(&source, try_input);
        for (unsigned i = 0; i < 6; i++) {
                run_loop_once();
                steps(1);
        }
        ck_assert_str_eq(served, "ixxxxixi");
        lane_unwatch(&source);
        close(fd);
}
END_TEST

START_TEST(test_jobs_come_back_in_order) {
        struct job jobs[3];

        for (int i = 0; i < 3; i++)
                lane_add_job(&lane[1], &jobs[i]);
        ck_assert_ptr_eq(lanes_next(&lanes, 0), &lane[1]);
        for (int i = 0; i < 3; i++)
                ck_assert_ptr_eq(lane_take_job(&lane[1]), &jobs[i]);
        ck_assert_ptr_null(lane_take_job(&lane[1]));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("lanes");
        TCase *tcase = tcase_create("lanes");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_a_lane_without_anything_to_do_gets_no_turn);
        tcase_add_test(tcase, test_lanes_share_the_time_whatever_their_steps_take);
        tcase_add_test(tcase, test_a_lane_that_was_idle_has_saved_nothing_up);
        tcase_add_test(tcase, test_long_steps_have_a_quarter_of_the_time_while_others_are_there);
        tcase_add_test(tcase, test_a_lane_with_long_steps_goes_on_while_it_is_alone);
        tcase_add_test(tcase, test_one_long_step_in_a_while_is_not_held_against_a_lane);
        tcase_add_test(tcase, test_a_lane_rests_until_its_long_steps_fit_in_again);
        tcase_add_test(tcase, test_woken_calls_timers_and_input_all_get_turns);
        tcase_add_test(tcase, test_timers_and_input_take_turns);
        tcase_add_test(tcase, test_a_source_that_is_no_longer_watched_is_not_served);
        tcase_add_test(tcase, test_a_source_is_served_for_what_it_watches_now);
        tcase_add_test(tcase, test_a_lone_source_is_tried);
        tcase_add_test(tcase, test_jobs_come_back_in_order);
        suite_add_tcase(suite, tcase);
        return fixture_main(suite);
}
