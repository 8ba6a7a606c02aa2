/* SPDX-License-Identifier: MIT */
/*
 * Settings: values and units, and files whose lines are right, wrong or none.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "util/log.h"

static struct config config;

static void setup(void) {
        log_set_level(LOG_EMERG);
        ck_assert_int_eq(config_init(&config), 0);
}

static void teardown(void) {
        config_deinit(&config);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void assert_bytes(const char *text, uint64_t expected) {
        ck_assert_msg(config_set(&config, "MemoryPerUser", text) == 0, "\"%s\" is refused", text);
        ck_assert_msg(config.memory_per_uid == expected, "\"%s\" is %llu", text,
                      (unsigned long long) config.memory_per_uid);
}

static void assert_refused(const char *name, const char *text) {
        ck_assert_msg(config_set(&config, name, text) == -EINVAL, "%s = \"%s\" is taken", name, text);
}

START_TEST(test_bytes_have_units) {
        assert_bytes("0", 0);
        assert_bytes("4096", 4096);
        assert_bytes("007", 7);
        assert_bytes("1K", 1024);
        assert_bytes("3M", 3 << 20);
        assert_bytes("2G", UINT64_C(2) << 30);
        assert_bytes("5T", UINT64_C(5) << 40);
        assert_bytes("18446744073709551615", UINT64_MAX);
        assert_bytes("16777215T", UINT64_C(16777215) << 40);
}
END_TEST

START_TEST(test_bytes_that_are_none_are_refused_and_change_nothing) {
        static const char *const bad[] = {
                "",    " ",  "K",  "1k", "1KB",  "1 K", "1KK", "1P",        "1.5M",
                "1e3", "-1", " 1", "+1", "0x10", "1 ",  "one", "16777216T", "18446744073709551616",
        };

        assert_bytes("12345", 12345);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                assert_refused("MemoryPerUser", bad[i]);
                ck_assert_uint_eq(config.memory_per_uid, 12345);
        }
}
END_TEST

START_TEST(test_counts_have_a_least_and_a_largest_value) {
        ck_assert_int_eq(config_set(&config, "DescriptorsPerUser", "3"), 0);
        ck_assert_uint_eq(config.fds_per_uid, 3);
        assert_refused("DescriptorsPerUser", "2");
        assert_refused("ConnectionsPerUser", "0");
        assert_refused("ConnectionsPerUser", "1K"); /* a count, not a size */
        assert_refused("ConnectionsPerUser", "-1");
        assert_refused("ConnectionsPerUser", "2147483648");
        assert_refused("ConnectionsPerUser", "18446744073709551617");
        ck_assert_int_eq(config_set(&config, "ConnectionsPerUser", "2147483647"), 0);
        ck_assert_uint_eq(config.connections_per_uid, INT32_MAX);
        ck_assert_uint_eq(config.fds_per_uid, 3);
}
END_TEST

START_TEST(test_switches_have_several_words) {
        static const char *const on[] = { "yes", "true", "on", "1", "YES", "On" };
        static const char *const off[] = { "no", "false", "off", "0", "No", "FALSE" };

        for (size_t i = 0; i < 6; i++) {
                ck_assert_int_eq(config_set(&config, "Ephemeral", on[i]), 0);
                ck_assert(config.ephemeral);
                ck_assert_int_eq(config_set(&config, "Ephemeral", off[i]), 0);
                ck_assert(!config.ephemeral);
        }
        assert_refused("Ephemeral", "");
        assert_refused("Ephemeral", "y");
        assert_refused("Ephemeral", "2");
        assert_refused("Ephemeral", "yes ");
}
END_TEST

START_TEST(test_names_are_exact) {
        ck_assert_int_eq(config_set(&config, "nosuch", "1"), -ENOENT);
        ck_assert_int_eq(config_set(&config, "memoryperuser", "1"), -ENOENT);
        ck_assert_int_eq(config_set(&config, "", "1"), -ENOENT);
        assert_refused("Socket", "");
        ck_assert_int_eq(config_set(&config, "Socket", "relative/path"), 0); /* as the command line may have it */
        ck_assert_str_eq(config.socket_path, "relative/path");
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static int load_data(const void *data, size_t size) {
        char path[32];
        int fd = memfd_create("config", MFD_CLOEXEC), r;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, data, size), (ssize_t) size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = config_load(&config, path);
        close(fd);
        return r;
}

static int load(const char *text) {
        return load_data(text, strlen(text));
}

START_TEST(test_a_file_sets_what_it_says) {
        ck_assert_int_eq(load("# a comment\n"
                              "; another\n"
                              "\n"
                              "[axebergd]\n"
                              "ConnectionsPerUser = 17\n"
                              "  ProcessesPerUser=18   # and why\n"
                              "\tMemoryPerUser\t=\t1M ; likewise\n"
                              "Store = /a#b;c\n"
                              "TasksPerUser = 19"),
                         0);
        ck_assert_uint_eq(config.connections_per_uid, 17);
        ck_assert_uint_eq(config.processes_per_uid, 18);
        ck_assert_uint_eq(config.memory_per_uid, 1 << 20);
        ck_assert_str_eq(config.store_path, "/a#b;c");
        ck_assert_uint_eq(config.tasks_per_uid, 19);
}
END_TEST

START_TEST(test_a_file_may_come_from_another_system) {
        ck_assert_int_eq(load("\xEF\xBB\xBF[axebergd]\r\nConnectionsPerUser = 17\r\n\r\nExec = no\r\n"), 0);
        ck_assert_uint_eq(config.connections_per_uid, 17);
        ck_assert(!config.exec);
}
END_TEST

START_TEST(test_the_last_of_equal_settings_holds) {
        ck_assert_int_eq(load("[axebergd]\nConnectionsPerUser = 17\n[axebergd]\nConnectionsPerUser = 18\n"), 0);
        ck_assert_uint_eq(config.connections_per_uid, 18);
}
END_TEST

START_TEST(test_lines_that_are_wrong_are_never_passed_over) {
        static const char *const bad[] = {
                "[axebergd]\nnosuch = 1\n",
                "[axebergd]\nConnectionsPerUser\n",
                "[axebergd]\n= 1\n",
                "[axebergd]\nConnectionsPerUser = many\n",
                "[axebergd]\nConnectionsPerUser =\n",
                "[axebergd]\nStore = relative\n",
                "[axebergd\n",
                "[axebergd] x\n",
                "[other]\nConnectionsPerUser = 1\n",
                "ConnectionsPerUser = 1\n",
        };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(load(bad[i]) == -EINVAL, "taken: %s", bad[i]);
        ck_assert_int_eq(load_data("[axebergd]\nExec = no\0\n", 21), -EINVAL);
        ck_assert(config.exec);
}
END_TEST

START_TEST(test_a_wrong_line_does_not_hide_the_others) {
        ck_assert_int_eq(load("[axebergd]\nnosuch = 1\nConnectionsPerUser = 17\n"), -EINVAL);
        ck_assert_uint_eq(config.connections_per_uid, 17);
}
END_TEST

START_TEST(test_a_line_may_be_long) {
        static char text[200000];
        size_t size = (size_t) sprintf(text, "[axebergd]\nStore = /");

        memset(text + size, 'x', sizeof(text) - size - 1);
        ck_assert_int_eq(load(text), 0);
        ck_assert_uint_eq(strlen(config.store_path), sizeof(text) - 1 - strlen("[axebergd]\nStore = "));
}
END_TEST

START_TEST(test_what_cannot_be_read_as_a_whole_is_an_error) {
        static char large[(1 << 20) + 1];
        char directory[] = "/tmp/axeberg-config-XXXXXX", path[64];

        memset(large, '\n', sizeof(large));
        ck_assert_int_eq(load_data(large, sizeof(large)), -EFBIG);
        ck_assert_int_eq(load_data(large, sizeof(large) - 1), 0);
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/file", directory);
        ck_assert_int_eq(config_load(&config, path), -ENOENT);
        ck_assert_int_eq(config_load(&config, directory), -EISDIR);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_int_eq(config_load(&config, path), -EINVAL); /* and does not wait */
        ck_assert_int_eq(config_load(&config, "/dev/zero"), -EINVAL);
        ck_assert_int_eq(config_load(&config, "/dev/null"), 0); /* an empty one */
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

/* ---- all of them ----------------------------------------------------------------------------- */

START_TEST(test_a_running_daemon_takes_over_what_can_be_changed) {
        struct config fresh;
        unsigned workers = config.workers;

        ck_assert_int_eq(config_init(&fresh), 0);
        ck_assert_int_eq(config_set(&fresh, "ConnectionsPerUser", "17"), 0);
        ck_assert_int_eq(config_set(&fresh, "MemoryPerUser", "1M"), 0);
        ck_assert_int_eq(config_set(&fresh, "Direct", "no"), 0);
        ck_assert_int_eq(config_set(&fresh, "Workers", "17"), 0);
        ck_assert_int_eq(config_set(&fresh, "Store", "/another"), 0);
        config_apply(&config, &fresh);
        ck_assert_uint_eq(config.connections_per_uid, 17);
        ck_assert_uint_eq(config.memory_per_uid, 1 << 20);
        ck_assert(!config.direct);
        ck_assert_uint_eq(config.workers, workers); /* with the next start */
        ck_assert_str_ne(config.store_path, "/another");
        config_deinit(&fresh);
}
END_TEST

struct visit {
        unsigned n, most;
        uint64_t connections;
};

static int note_number(const char *name, uint64_t value, void *userdata) {
        struct visit *visit = userdata;

        if (strcmp(name, "ConnectionsPerUser") == 0)
                visit->connections = value;
        ck_assert_str_ne(name, "Store");
        ck_assert_str_ne(name, "Exec");
        return ++visit->n < visit->most ? 0 : -ECANCELED;
}

START_TEST(test_numbers_can_be_listed) {
        struct visit all = { .most = 1000 }, some = { .most = 3 };

        ck_assert_int_eq(config_set(&config, "ConnectionsPerUser", "17"), 0);
        ck_assert_int_eq(config_each_number(&config, note_number, &all), 0);
        ck_assert_uint_gt(all.n, 20);
        ck_assert_uint_eq(all.connections, 17);
        ck_assert_int_eq(config_each_number(&config, note_number, &some), -ECANCELED);
        ck_assert_uint_eq(some.n, 3);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("configuration");
        TCase *tcase = tcase_create("configuration");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_bytes_have_units);
        tcase_add_test(tcase, test_bytes_that_are_none_are_refused_and_change_nothing);
        tcase_add_test(tcase, test_counts_have_a_least_and_a_largest_value);
        tcase_add_test(tcase, test_switches_have_several_words);
        tcase_add_test(tcase, test_names_are_exact);
        tcase_add_test(tcase, test_a_file_sets_what_it_says);
        tcase_add_test(tcase, test_a_file_may_come_from_another_system);
        tcase_add_test(tcase, test_the_last_of_equal_settings_holds);
        tcase_add_test(tcase, test_lines_that_are_wrong_are_never_passed_over);
        tcase_add_test(tcase, test_a_wrong_line_does_not_hide_the_others);
        tcase_add_test(tcase, test_a_line_may_be_long);
        tcase_add_test(tcase, test_what_cannot_be_read_as_a_whole_is_an_error);
        tcase_add_test(tcase, test_a_running_daemon_takes_over_what_can_be_changed);
        tcase_add_test(tcase, test_numbers_can_be_listed);
        suite_add_tcase(suite, tcase);
        return fixture_main(suite);
}
