/* SPDX-License-Identifier: MIT */
/*
 * Charges: a user's, of each resource, and memory's, which counts at three levels.
 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "account/memory.h"
#include "account/user.h"

enum { ALICE = 50001, BOB = 50002 };

static sd_event *event;
static struct user_table users;
static struct user *alice, *bob, *root;
static unsigned n_told;
static bool was_reserved;

static void note_refused(const struct user_table *table, const struct user *user, enum user_resource resource,
                         bool reserved) {
        ck_assert_ptr_eq(table, &users);
        ck_assert_ptr_nonnull(user);
        ck_assert_int_lt(resource, USER_RESOURCES);
        n_told++;
        was_reserved = reserved;
}

static void setup(void) {
        ck_assert_int_eq(sd_event_new(&event), 0);
        users = (struct user_table){ .refused = note_refused, .lanes.event = event };
        ck_assert_int_eq(user_from_uid(&users, ALICE, &alice), 0);
        ck_assert_int_eq(user_from_uid(&users, BOB, &bob), 0);
        ck_assert_int_eq(user_from_uid(&users, 0, &root), 0);
}

/* That nothing is charged any more when a user goes is an assertion of user_unref(). */
static void teardown(void) {
        user_unref(alice);
        user_unref(bob);
        user_unref(root);
        ck_assert_ptr_null(users.users);
        for (int i = 0; i < USER_RESOURCES; i++)
                ck_assert_uint_eq(users.totals[i], 0);
        sd_event_unref(event);
}

/* ---- users ----------------------------------------------------------------------------------- */

START_TEST(test_a_uid_is_one_user_while_anybody_refers_to_it) {
        struct user *again, *third;

        ck_assert_int_eq(user_from_uid(&users, ALICE, &again), 0);
        ck_assert_ptr_eq(again, alice);
        user_unref(again);
        ck_assert_int_eq(user_from_uid(&users, 1002, &third), 0);
        ck_assert_uint_eq(third->uid, 1002);
        ck_assert_uint_eq(HASH_COUNT(users.users), 4);
        user_unref(third);
        ck_assert_uint_eq(HASH_COUNT(users.users), 3);
}
END_TEST

START_TEST(test_users_are_listed_in_order_and_in_parts) {
        const struct user *list[2];
        struct user *third;
        uid_t after = 0;
        bool more;

        ck_assert_int_eq(user_from_uid(&users, 7, &third), 0);
        ck_assert_uint_eq(user_table_list(&users, NULL, list, 2, &more), 2);
        ck_assert(more && list[0] == root && list[1] == third);
        after = list[1]->uid;
        ck_assert_uint_eq(user_table_list(&users, &after, list, 2, &more), 2);
        ck_assert(!more && list[0] == alice && list[1] == bob);
        after = list[1]->uid;
        ck_assert_uint_eq(user_table_list(&users, &after, list, 2, &more), 0);
        ck_assert(!more);
        user_unref(third);
}
END_TEST

/* ---- charges --------------------------------------------------------------------------------- */

START_TEST(test_a_charge_counts_for_its_user_until_it_ends) {
        struct user_charge first = { 0 }, second = { 0 };

        ck_assert_int_eq(user_charge(alice, &first, USER_PIPES, 2), 0);
        ck_assert_int_eq(user_charge(alice, &second, USER_PIPES, 3), 0);
        ck_assert_uint_eq(alice->charged[USER_PIPES], 5);
        ck_assert_uint_eq(alice->charged[USER_FDS], 0);
        ck_assert_uint_eq(bob->charged[USER_PIPES], 0);
        ck_assert_uint_eq(users.totals[USER_PIPES], 5);
        user_charge_deinit(&first);
        ck_assert_uint_eq(alice->charged[USER_PIPES], 3);
        user_charge_deinit(&first); /* fine for one that charges nothing */
        ck_assert_uint_eq(alice->charged[USER_PIPES], 3);
        user_charge_deinit(&second);
}
END_TEST

START_TEST(test_a_charge_keeps_its_user) {
        struct user_charge charge = { 0 };
        struct user *third;

        ck_assert_int_eq(user_from_uid(&users, 1002, &third), 0);
        ck_assert_int_eq(user_charge(third, &charge, USER_TASKS, 1), 0);
        user_unref(third);
        ck_assert_uint_eq(charge.user->uid, 1002);
        user_charge_deinit(&charge);
        ck_assert_uint_eq(HASH_COUNT(users.users), 3);
}
END_TEST

START_TEST(test_a_charge_can_move) {
        struct user_charge from = { 0 }, to = { 0 };

        ck_assert_int_eq(user_charge(alice, &from, USER_BUFFERS, 100), 0);
        user_charge_move(&to, &from);
        user_charge_deinit(&from);
        ck_assert_uint_eq(alice->charged[USER_BUFFERS], 100);
        user_charge_deinit(&to);
        ck_assert_uint_eq(alice->charged[USER_BUFFERS], 0);
}
END_TEST

START_TEST(test_a_limit_is_reached_exactly_and_not_passed) {
        struct user_charge charges[3] = { 0 };

        users.limits[USER_TIMERS] = 10;
        ck_assert_int_eq(user_charge(alice, &charges[0], USER_TIMERS, 11), -EDQUOT);
        ck_assert_int_eq(user_charge(alice, &charges[0], USER_TIMERS, 9), 0);
        ck_assert_int_eq(user_charge(alice, &charges[1], USER_TIMERS, 2), -EDQUOT);
        ck_assert_ptr_null(charges[1].user);
        ck_assert_int_eq(user_charge(alice, &charges[1], USER_TIMERS, UINT64_MAX), -EDQUOT); /* no sum overflows */
        ck_assert_int_eq(user_charge(alice, &charges[1], USER_TIMERS, 1), 0);
        ck_assert_int_eq(user_charge(root, &charges[2], USER_TIMERS, 11), -EDQUOT); /* it holds for all */
        ck_assert_int_eq(user_charge(bob, &charges[2], USER_TIMERS, 10), 0);        /* and for each alone */
        ck_assert_uint_eq(users.totals[USER_TIMERS], 20);
        ck_assert_uint_eq(alice->refused[USER_TIMERS], 3);
        for (int i = 0; i < 3; i++)
                user_charge_deinit(&charges[i]);
}
END_TEST

START_TEST(test_a_limit_below_what_is_in_use_lets_nothing_in) {
        struct user_charge charge = { 0 }, more = { 0 };

        ck_assert_int_eq(user_charge(alice, &charge, USER_WINDOWS, 10), 0);
        users.limits[USER_WINDOWS] = 5;
        ck_assert_int_eq(user_charge(alice, &more, USER_WINDOWS, 1), -EDQUOT);
        ck_assert_int_eq(user_charge(alice, &more, USER_WINDOWS, 0), -EDQUOT);
        user_charge_deinit(&charge);
        ck_assert_int_eq(user_charge(alice, &more, USER_WINDOWS, 5), 0);
        user_charge_deinit(&more);
}
END_TEST

START_TEST(test_the_ceiling_leaves_a_reserve_to_administrators) {
        struct user_charge charges[3] = { 0 };

        users.ceilings[USER_HOST_FDS] = 10;
        ck_assert_int_eq(user_charge(alice, &charges[0], USER_HOST_FDS, 8), 0);
        ck_assert_int_eq(user_charge(bob, &charges[1], USER_HOST_FDS, 3), -EDQUOT);
        ck_assert(was_reserved);
        ck_assert_int_eq(user_charge(bob, &charges[1], USER_HOST_FDS, 2), 0);
        ck_assert_int_eq(user_charge(root, &charges[2], USER_HOST_FDS, 100), 0);
        for (int i = 0; i < 3; i++)
                user_charge_deinit(&charges[i]);
}
END_TEST

START_TEST(test_a_client_in_a_loop_is_told_of_rarely) {
        struct user_charge charge = { 0 };

        users.limits[USER_FDS] = 1;
        for (int i = 0; i < 1000; i++)
                ck_assert_int_eq(user_charge(alice, &charge, USER_FDS, 2), -EDQUOT);
        ck_assert_uint_eq(n_told, 10); /* 1, 2, 4, … 512 */
        ck_assert(!was_reserved);
        ck_assert_uint_eq(alice->refused[USER_FDS], 1000);
        users.refused = NULL; /* nobody wants to know */
        ck_assert_int_eq(user_charge(bob, &charge, USER_FDS, 2), -EDQUOT);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

static struct memory_account process, all;

static void assert_used(uint64_t of_process, uint64_t of_user, uint64_t of_all) {
        ck_assert_uint_eq(process.used, of_process);
        ck_assert_uint_eq(alice->charged[USER_MEMORY], of_user);
        ck_assert_uint_eq(all.used, of_all);
}

START_TEST(test_M1_memory_counts_at_every_level_or_at_none) {
        const struct memory_parties parties = { .process = &process, .system = &all, .user = alice };
        struct memory_charge charge = { 0 }, more = { 0 };

        ck_assert_int_eq(memory_charge(&charge, &parties, 1000), 0);
        assert_used(1000, 1000, 1000);
        process.limit = 1500;
        ck_assert_int_eq(memory_charge(&more, &parties, 501), -AX_EMEM_OUT_OF_MEMORY);
        assert_used(1000, 1000, 1000);
        process.limit = 0;
        all.limit = 1500;
        ck_assert_int_eq(memory_charge(&more, &parties, 501), -AX_EMEM_OUT_OF_MEMORY);
        assert_used(1000, 1000, 1000);
        all.limit = 0;
        users.limits[USER_MEMORY] = 1500;
        ck_assert_int_eq(memory_charge(&more, &parties, 501), -AX_EMEM_OUT_OF_MEMORY);
        assert_used(1000, 1000, 1000);
        ck_assert_int_eq(memory_charge(&more, &parties, UINT64_MAX), -AX_EMEM_OUT_OF_MEMORY);
        ck_assert_int_eq(memory_charge(&more, &parties, 500), 0);
        assert_used(1500, 1500, 1500);
        memory_charge_deinit(&charge);
        assert_used(500, 500, 500);
        memory_charge_deinit(&more);
        assert_used(0, 0, 0);
        ck_assert_uint_eq(process.peak, 1500);
        ck_assert_uint_eq(all.peak, 1500);
        memory_charge_deinit(&more); /* fine for one that charges nothing */
        assert_used(0, 0, 0);
}
END_TEST

START_TEST(test_a_process_can_leave_a_charge_to_the_others) {
        const struct memory_parties parties = { .process = &process, .system = &all, .user = alice };
        struct memory_charge charge = { 0 };

        ck_assert_int_eq(memory_charge(&charge, &parties, 1000), 0);
        memory_charge_leave_process(&charge);
        assert_used(0, 1000, 1000);
        memory_charge_leave_process(&charge);
        assert_used(0, 1000, 1000);
        memory_charge_deinit(&charge);
        assert_used(0, 0, 0);
}
END_TEST

START_TEST(test_parties_may_be_left_out) {
        const struct memory_parties attached = { .process = &process, .user = alice };
        const struct memory_parties shared = { .system = &all, .user = alice };
        struct memory_charge charge = { 0 };

        ck_assert_int_eq(memory_charge(&charge, &attached, 1000), 0);
        assert_used(1000, 0, 0);
        memory_charge_deinit(&charge);
        ck_assert_int_eq(memory_charge(&charge, &shared, 1000), 0);
        assert_used(0, 1000, 1000);
        memory_charge_deinit(&charge);
        assert_used(0, 0, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("accounts");
        TCase *tcase = tcase_create("accounts");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_a_uid_is_one_user_while_anybody_refers_to_it);
        tcase_add_test(tcase, test_users_are_listed_in_order_and_in_parts);
        tcase_add_test(tcase, test_a_charge_counts_for_its_user_until_it_ends);
        tcase_add_test(tcase, test_a_charge_keeps_its_user);
        tcase_add_test(tcase, test_a_charge_can_move);
        tcase_add_test(tcase, test_a_limit_is_reached_exactly_and_not_passed);
        tcase_add_test(tcase, test_a_limit_below_what_is_in_use_lets_nothing_in);
        tcase_add_test(tcase, test_the_ceiling_leaves_a_reserve_to_administrators);
        tcase_add_test(tcase, test_a_client_in_a_loop_is_told_of_rarely);
        tcase_add_test(tcase, test_M1_memory_counts_at_every_level_or_at_none);
        tcase_add_test(tcase, test_a_process_can_leave_a_charge_to_the_others);
        tcase_add_test(tcase, test_parties_may_be_left_out);
        suite_add_tcase(suite, tcase);
        return fixture_main(suite);
}
