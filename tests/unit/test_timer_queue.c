/* SPDX-License-Identifier: MIT */
/*
 * The timer queue: everything fires once, in order, and never early.
 */
#include "fixture.h"

#include <stdlib.h>
#include <systemd/sd-event.h>

#include "util/clock.h"
#include "util/timer_queue.h"

enum { ENTRIES = 500 };

static sd_event *event;
static struct timer_queue queue;
static struct timer_entry entries[ENTRIES];
static unsigned fired[ENTRIES * 4], n_fired;

static void note_fired(struct timer_entry *entry, uint64_t now_usec) {
        ck_assert_uint_le(entry->due_usec, now_usec);
        ck_assert_uint_eq(entry->place, 0); /* it is off the queue already */
        fired[n_fired++] = (unsigned) (entry - entries);
}

static void setup(void) {
        ck_assert_int_eq(sd_event_new(&event), 0);
        queue = (struct timer_queue){ 0 };
        ck_assert_int_eq(timer_queue_init(&queue, event), 0);
        for (size_t i = 0; i < ENTRIES; i++)
                entries[i] = (struct timer_entry){ .fire = note_fired };
        n_fired = 0;
}

static void teardown(void) {
        timer_queue_deinit(&queue);
        sd_event_unref(event);
}

static void add(unsigned i, uint64_t due_usec) {
        ck_assert_int_eq(timer_queue_add(&queue, &entries[i], due_usec), 0);
}

static void fire_all(uint64_t now_usec) {
        while (timer_queue_fire_due(&queue, now_usec))
                ;
        ck_assert(!timer_queue_is_due(&queue, now_usec));
}

static void assert_fired(const unsigned *expected, unsigned count) {
        ck_assert_uint_eq(n_fired, count);
        for (unsigned i = 0; i < count; i++)
                ck_assert_uint_eq(fired[i], expected[i]);
}

START_TEST(test_entries_fire_in_order_of_their_times) {
        add(0, 30);
        add(1, 10);
        add(2, 20);
        fire_all(100);
        assert_fired((const unsigned[]){ 1, 2, 0 }, 3);
}
END_TEST

START_TEST(test_equal_times_fire_in_the_order_in_which_they_were_added) {
        unsigned expected[40];

        for (unsigned i = 0; i < 40; i++) {
                expected[i] = i;
                add(i, 10);
        }
        fire_all(10);
        assert_fired(expected, 40);
}
END_TEST

START_TEST(test_nothing_fires_early) {
        add(0, 10);
        add(1, 11);
        ck_assert(!timer_queue_is_due(&queue, 9));
        ck_assert(!timer_queue_fire_due(&queue, 9));
        ck_assert(timer_queue_is_due(&queue, 10));
        fire_all(10);
        assert_fired((const unsigned[]){ 0 }, 1);
        fire_all(11);
        assert_fired((const unsigned[]){ 0, 1 }, 2);
}
END_TEST

START_TEST(test_a_removed_entry_does_not_fire) {
        for (unsigned i = 0; i < 5; i++)
                add(i, 10 + i);
        timer_queue_remove(&queue, &entries[0]);
        timer_queue_remove(&queue, &entries[3]);
        timer_queue_remove(&queue, &entries[3]); /* fine for one that is not queued */
        fire_all(100);
        assert_fired((const unsigned[]){ 1, 2, 4 }, 3);
}
END_TEST

/* Thousands that are due at once do not keep the loop for as long as they all take. */
START_TEST(test_one_call_fires_a_few) {
        for (unsigned i = 0; i < ENTRIES; i++)
                add(i, 10);
        ck_assert(timer_queue_fire_due(&queue, 10));
        ck_assert_uint_ge(n_fired, 1);
        ck_assert_uint_lt(n_fired, ENTRIES / 2);
        fire_all(10);
        ck_assert_uint_eq(n_fired, ENTRIES);
}
END_TEST

static void fire_again(struct timer_entry *entry, uint64_t now_usec) {
        note_fired(entry, now_usec);
        ck_assert_int_eq(timer_queue_add(&queue, entry, now_usec), 0);
}

START_TEST(test_an_entry_that_is_added_meanwhile_waits_for_the_next_call) {
        entries[0].fire = fire_again;
        add(0, 10);
        add(1, 11);
        ck_assert(timer_queue_fire_due(&queue, 20));
        assert_fired((const unsigned[]){ 0, 1 }, 2);
        ck_assert(timer_queue_fire_due(&queue, 20));
        assert_fired((const unsigned[]){ 0, 1, 0 }, 3);
}
END_TEST

static void fire_and_remove_next(struct timer_entry *entry, uint64_t now_usec) {
        note_fired(entry, now_usec);
        timer_queue_remove(&queue, entry + 1);
}

START_TEST(test_an_entry_that_is_due_can_still_be_removed) {
        entries[0].fire = fire_and_remove_next;
        add(0, 10);
        add(1, 10);
        add(2, 10);
        fire_all(10);
        assert_fired((const unsigned[]){ 0, 2 }, 2);
}
END_TEST

/* ---- with the event loop --------------------------------------------------------------------- */

START_TEST(test_a_queue_fires_by_itself) {
        uint64_t begin_usec = clock_usec();

        add(0, begin_usec + 5000);
        add(1, begin_usec + 2000);
        add(2, begin_usec + UINT64_C(1000000000));
        while (n_fired < 2)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        assert_fired((const unsigned[]){ 1, 0 }, 2);
        timer_queue_remove(&queue, &entries[2]);
        ck_assert_int_eq(sd_event_run(event, 10000), 0);
}
END_TEST

static unsigned n_told;

static void note_told(struct timer_queue *told) {
        ck_assert_ptr_eq(told, &queue);
        n_told++;
}

START_TEST(test_an_owner_is_told_once_until_it_lets_the_queue_fire) {
        n_told = 0;
        queue.on_time = note_told;
        add(0, clock_usec());
        while (n_told == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_eq(sd_event_run(event, 10000), 0);
        ck_assert_uint_eq(n_told, 1);
        ck_assert_uint_eq(n_fired, 0);
        add(1, clock_usec() + 1000);
        fire_all(clock_usec());
        while (n_told == 1)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        fire_all(clock_usec());
        assert_fired((const unsigned[]){ 0, 1 }, 2);
}
END_TEST

/* ---- beside a model -------------------------------------------------------------------------- */

/* What must fire next: the first by time, then by the order in which they were added. */
static int model_next(const uint64_t *due_usec, const unsigned *order) {
        int next = -1;

        for (int i = 0; i < ENTRIES; i++)
                if (order[i] > 0 && (next < 0 || due_usec[i] < due_usec[next] ||
                                     (due_usec[i] == due_usec[next] && order[i] < order[next])))
                        next = i;
        return next;
}

static void fire_with_model(uint64_t *due_usec, unsigned *order, uint64_t now_usec) {
        n_fired = 0;
        fire_all(now_usec);
        for (unsigned i = 0; i < n_fired; i++) {
                int next = model_next(due_usec, order);

                ck_assert_int_eq((int) fired[i], next);
                order[next] = 0;
        }
}

START_TEST(test_long_sequences_do_what_the_model_does) {
        static uint64_t due_usec[ENTRIES];
        static unsigned order[ENTRIES]; /* 0: not queued */
        unsigned random = (unsigned) fixture_seed(), n_added = 0;
        uint64_t now_usec = 1000;

        for (unsigned step = 0; step < 20000; step++) {
                unsigned i = (unsigned) rand_r(&random) % ENTRIES;

                if (rand_r(&random) % 50 == 0) {
                        now_usec += (unsigned) rand_r(&random) % 100;
                        fire_with_model(due_usec, order, now_usec);
                } else if (order[i] > 0) {
                        timer_queue_remove(&queue, &entries[i]);
                        order[i] = 0;
                } else {
                        due_usec[i] = now_usec + (unsigned) rand_r(&random) % 200;
                        order[i] = ++n_added;
                        add(i, due_usec[i]);
                }
        }
        fire_with_model(due_usec, order, UINT64_MAX);
        ck_assert_int_eq(model_next(due_usec, order), -1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("timer queue");
        TCase *tcase = tcase_create("timer queue");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_entries_fire_in_order_of_their_times);
        tcase_add_test(tcase, test_equal_times_fire_in_the_order_in_which_they_were_added);
        tcase_add_test(tcase, test_nothing_fires_early);
        tcase_add_test(tcase, test_a_removed_entry_does_not_fire);
        tcase_add_test(tcase, test_one_call_fires_a_few);
        tcase_add_test(tcase, test_an_entry_that_is_added_meanwhile_waits_for_the_next_call);
        tcase_add_test(tcase, test_an_entry_that_is_due_can_still_be_removed);
        tcase_add_test(tcase, test_a_queue_fires_by_itself);
        tcase_add_test(tcase, test_an_owner_is_told_once_until_it_lets_the_queue_fire);
        tcase_add_test(tcase, test_long_sequences_do_what_the_model_does);
        suite_add_tcase(suite, tcase);
        return fixture_main(suite);
}
