/* SPDX-License-Identifier: MIT */
/*
 * The trace and the figures, through the library.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "printable.h"
#include "trace_checks.h"

START_TEST(test_nothing_is_recorded_while_it_is_off) {
        _connected_ ax_client *ax = fixture_connect();

        assert_result(ax_trace_enabled(ax), 0);
        assert_result(ax_getppid(ax), 1);
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "nobody", "sees this"), 0);
        ck_assert_uint_eq(count_records(ax, NULL, NULL, NULL), 0);
        assert_result(ax_trace_enable(ax), 0);
        assert_result(ax_trace_enabled(ax), 1);
        assert_result(ax_getppid(ax), 1);
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "mine", "text"), 0);
        assert_result(ax_trace_disable(ax), 0);
        assert_result(ax_getppid(ax), 1);
        ck_assert_uint_eq(count_records(ax, NULL, "getppid", NULL), 1);
        ck_assert_uint_eq(count_records(ax, NULL, "mine", NULL), 1);
        assert_result(ax_trace_reset(ax), 0);
        ck_assert_uint_eq(count_records(ax, NULL, NULL, NULL), 0);
}
END_TEST

START_TEST(test_filters_by_category_and_process) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct ax_trace_filter filter = { .categories = 1u << AX_TRACE_SYSCALL, .n_pids = 1 };
        struct ax_trace_status status;

        filter.pids[0] = ax_getpid(other);
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(ax_trace_enable(ax), 0);
        for (int i = 0; i < 3; i++) {
                assert_result(ax_getppid(ax), 1);
                assert_result(ax_getppid(other), 1);
                assert_result(ax_trace_event(other, AX_TRACE_CUSTOM, "event", NULL), 0);
        }
        ck_assert_uint_eq(count_records(ax, NULL, "getppid", NULL), 3);
        ck_assert_uint_eq(count_records(ax, NULL, "event", NULL), 0);
        /* a reader's own filter */
        filter.pids[0] = ax_getpid(ax);
        ck_assert_uint_eq(count_records(ax, &filter, NULL, NULL), 0);
        assert_result(ax_trace_status(ax, &status), 0);
        ck_assert_uint_eq(status.filter.categories, 1u << AX_TRACE_SYSCALL);
        ck_assert_uint_eq(status.filter.n_pids, 1);
        filter.pids[0] = 0;
        assert_error(ax_trace_set_filter(ax, &filter), AX_EINVAL);
        filter = (struct ax_trace_filter){ .categories = 1u << 20 };
        assert_error(ax_trace_set_filter(ax, &filter), AX_EINVAL);
        filter = (struct ax_trace_filter){ .n_pids = AX_TRACE_MAX_PIDS + 1 };
        assert_error(ax_trace_set_filter(ax, &filter), AX_EINVAL);
        assert_error(ax_trace_event(ax, AX_TRACE_CUSTOM, "", NULL), AX_EINVAL);
        assert_error(ax_trace_event(ax, AX_TRACE_CUSTOM + 1, "x", NULL), AX_EINVAL);
        assert_error(ax_trace_summary(ax, NULL), AX_EINVAL);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_texts_are_printable) {
        static char path[2 * 300 + 2] = "/";
        _connected_ ax_client *ax = fixture_connect();
        struct ax_trace_record *records = NULL;
        const struct ax_mount_event event = { .name = "a\n\033", .text = "\"\\\" \n\xc2\x9b\xff" };
        struct ax_stat status;
        uint64_t after = 0;
        int n;

        assert_result(ax_trace_enable(ax), 0);
        assert_result(
                ax_trace_event(ax, AX_TRACE_CUSTOM, "n\n\033", "d\n00:00:00 [1] forged \\ \xc2\x9b \xff \u202e \u00e4"),
                0);
        for (int i = 0; i < 300; i++)
                strcat(path, "\u00e4");
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, path, path), 0);
        assert_error(ax_stat(ax, "/\"\n\\\033", &status), AX_ENOENT);
        assert_error(ax_stat(ax, path, &status), AX_ENAMETOOLONG);
        /* what a mount tells is trusted, and looked at nevertheless */
        assert_result(ax_mount_trace(ax, &event, 1, 0), 0);
        n = (int) assert_ok(ax_trace_read(ax, &after, NULL, false, &records, NULL));
        ck_assert_int_ge(n, 7);
        ck_assert_str_eq(records[0].name, "n\\n\\x1b");
        ck_assert_str_eq(records[0].text, "d\\n00:00:00 [1] forged \\\\ \\u009b \\xff \\u202e \u00e4");
        ck_assert_str_eq(records[1].text,
                         "custom, \"n\\n\\x1b\", \"d\\n00:00:00 [1] forged \\\\ \\u009b \\xff \\u202e \u00e4\"");
        /* what is cut is cut behind a whole character */
        ck_assert_uint_eq(strlen(records[2].name), 31);
        ck_assert_uint_eq(strlen(records[2].text), 239);
        ck_assert_uint_ge(strlen(records[3].text), 237);
        ck_assert_str_eq(records[4].text, "\"/\\\"\\n\\\\\\x1b\"");
        ck_assert_str_eq(records[5].name, "stat");
        ck_assert_str_eq(records[6].name, "a\\n\\x1b");
        ck_assert_str_eq(records[6].text, "\"\\\" \\n\\u009b\\xff");
        for (int i = 0; i < n; i++) {
                ck_assert(utf8_is_valid(records[i].name, strlen(records[i].name)));
                ck_assert(utf8_is_valid(records[i].text, strlen(records[i].text)));
                ck_assert(utf8_is_valid(records[i].outcome, strlen(records[i].outcome)));
        }
        free(records);
}
END_TEST

/* What a process is seen to do, by category. */
START_TEST(test_each_kind_of_event) {
        static const struct {
                const char *name;
                enum ax_trace_category category;
        } expected[] = {
                { "created", AX_TRACE_PROCESS },  { "exited", AX_TRACE_PROCESS },    { "killed", AX_TRACE_PROCESS },
                { "stopped", AX_TRACE_PROCESS },  { "continued", AX_TRACE_PROCESS }, { "allocated", AX_TRACE_MEMORY },
                { "freed", AX_TRACE_MEMORY },     { "refused", AX_TRACE_MEMORY },    { "set", AX_TRACE_TIMER },
                { "fired", AX_TRACE_TIMER },      { "sends", AX_TRACE_SIGNAL },      { "sent", AX_TRACE_SIGNAL },
                { "parked", AX_TRACE_SCHEDULER }, { "woken", AX_TRACE_SCHEDULER },   { "pipe", AX_TRACE_IPC },
                { "synchronised", AX_TRACE_IPC },
        };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_trace_filter filter = { 0 };
        ax_client *other;
        ax_region_id region;
        ax_timer_id timer;
        ax_task_id task;
        ax_shm_id shm;
        ax_pid pid;
        int fds[2];

        assert_result(ax_trace_enable(ax), 0);
        other = fixture_connect();
        pid = ax_getpid(other); /* a call like others now, which a stopped process does not make */
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0);
        ax_disconnect(other);
        ax_disconnect(fixture_connect());
        assert_result(ax_set_memlimit(ax, 1 << 20), 0);
        assert_result(ax_mem_alloc(ax, 100, AX_PROT_READ, &region), 0);
        assert_result(ax_mem_free(ax, region), 0);
        assert_error(ax_mem_alloc(ax, 2 << 20, AX_PROT_READ, &region), AX_EMEM_OUT_OF_MEMORY);
        assert_result(ax_task_create(ax, &task), 0);
        filter.categories = 1u << AX_TRACE_SCHEDULER;
        for (double delay_ms = 1; count_records(ax, &filter, "parked", NULL) == 0; delay_ms *= 2) {
                assert_result(ax_timer_set(ax, delay_ms, task, &timer), 0);
                assert_result(ax_task_wait(ax, task, -1), 1); /* on a busy machine it may be over before this */
        }
        assert_result(ax_pipe(ax, fds), 0);
        assert_result(ax_shmget(ax, 100, &shm), 0);
        assert_result(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &region), 0);
        assert_result(ax_shm_sync(ax, shm), 0);
        for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
                filter.categories = 1u << expected[i].category;
                ck_assert_msg(count_records(ax, &filter, expected[i].name, NULL) > 0, "no event \"%s\"",
                              expected[i].name);
        }
}
END_TEST

START_TEST(test_a_reader_that_is_late_is_told_how_many_it_lost) {
        static const struct daemon_options options = { .settings = "TraceEvents=100\n" };
        struct ax_trace_filter filter = { .categories = 1u << AX_TRACE_CUSTOM };
        struct ax_trace_status status;
        ax_client *ax;
        uint64_t lost;

        fixture_start(&options);
        ax = fixture_connect();
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(ax_trace_enable(ax), 0);
        for (int i = 0; i < 1234; i++)
                assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "event", "x"), 0);
        assert_result(ax_trace_status(ax, &status), 0);
        ck_assert_uint_eq(status.recorded, 1234);
        ck_assert_uint_eq(status.next - status.oldest, 100);
        ck_assert_uint_eq(count_records(ax, NULL, "event", &lost), 100);
        ck_assert_uint_eq(lost, 1134);
        /* forgotten events are not lost ones */
        assert_result(ax_trace_reset(ax), 0);
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "event", "x"), 0);
        ck_assert_uint_eq(count_records(ax, NULL, "event", &lost), 1);
        ck_assert_uint_eq(lost, 0);
        ax_disconnect(ax);
}
END_TEST

enum { CALLS = 100000, MAX_AHEAD = 5000 }; /* half of what the ring holds */

struct followed {
        ax_client *ax;
        uint64_t after;
        _Atomic(uint64_t) calls, lost;
};

static void *follow(void *userdata) {
        struct followed *followed = userdata;
        bool over = false;

        while (!over) {
                struct ax_trace_record *records = NULL;
                uint64_t lost = 0;
                int n = ax_trace_read(followed->ax, &followed->after, NULL, true, &records, &lost);

                ck_assert_int_ge(n, 0);
                followed->lost += lost;
                for (int i = 0; i < n; i++) {
                        followed->calls += strcmp(records[i].name, "getppid") == 0;
                        over |= strcmp(records[i].name, "over") == 0;
                }
                free(records);
        }
        return NULL;
}

/* One that stays within half of the ring is fast, however slow the machine is. */
START_TEST(test_a_fast_reader_loses_nothing_of_100000_calls) {
        _connected_ ax_client *ax = fixture_connect();
        struct followed followed = { .ax = fixture_connect() };
        struct ax_trace_filter filter = { .n_pids = 1 };
        int calls = CALLS / slowness();
        pthread_t reader;

        filter.pids[0] = ax_getpid(ax);
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(pthread_create(&reader, NULL, follow, &followed), 0);
        assert_result(ax_trace_enable(ax), 0);
        for (int i = 0; i < calls; i++) {
                while (followed.calls + MAX_AHEAD < (uint64_t) i && followed.lost == 0)
                        sched_yield();
                assert_result(ax_getppid(ax), 1);
        }
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "over", NULL), 0);
        assert_result(pthread_join(reader, NULL), 0);
        ck_assert_uint_eq(followed.lost, 0);
        ck_assert_int_eq((int) followed.calls, calls);
        ax_disconnect(followed.ax);
}
END_TEST

/*
 * One that does not read at all misses all but what the ring holds, to the event, and nobody waits
 * for it.
 */
START_TEST(test_a_reader_that_stops_holds_nobody_up) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *reader = fixture_connect();
        struct ax_trace_filter filter = { .categories = 1u << AX_TRACE_SYSCALL, .n_pids = 1 };
        struct ax_trace_record *records = NULL;
        struct ax_trace_status status;
        uint64_t after = 0, first, lost = 0;

        filter.pids[0] = ax_getpid(ax);
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(ax_trace_enable(ax), 0);
        assert_result(ax_getppid(ax), 1);
        ck_assert_int_gt(ax_trace_read(reader, &after, NULL, true, &records, &lost), 0);
        free(records);
        first = after;
        for (int i = 0; i < 30000; i++)
                assert_result(ax_getppid(ax), 1);
        assert_result(ax_trace_disable(ax), 0);
        assert_result(ax_trace_status(ax, &status), 0);
        records = NULL;
        ck_assert_int_gt(ax_trace_read(reader, &after, NULL, true, &records, &lost), 0);
        ck_assert_uint_eq(records[0].number, status.oldest);
        ck_assert_uint_eq(lost, status.oldest - 1 - first);
        free(records);
        ax_disconnect(reader);
}
END_TEST

START_TEST(test_summary_is_exact) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_trace_summary summary;
        ax_timer_id timer;
        char data[100] = { 0 };
        int fd;

        assert_result(ax_trace_reset(ax), 0);
        fd = open_ok(ax, "/tmp/file", AX_WRITE | AX_O_READ);
        for (int i = 0; i < 10; i++)
                assert_result(ax_write(ax, fd, data, sizeof(data)), sizeof(data));
        assert_result(ax_pread(ax, fd, data, 50, 0), 50);
        assert_error(ax_close(ax, 77), AX_EBADF);
        ax_disconnect(fixture_connect());
        assert_result(ax_sigblock(ax, AX_SIGALRM), 0);
        assert_result(ax_alarm(ax, 1, &timer), 0);
        while (ax_sigpending(ax) == 0)
                ;
        assert_result(ax_trace_summary(ax, &summary), 0);
        ck_assert_uint_eq(summary.enabled, 0);
        ck_assert_uint_eq(summary.event_count, 0);
        ck_assert_uint_eq(summary.bytes_written, 1000);
        ck_assert_uint_eq(summary.bytes_read, 50);
        ck_assert_uint_eq(summary.syscall_errors, 1);
        ck_assert_uint_eq(summary.processes_spawned, 1);
        ck_assert_uint_eq(summary.processes_exited, 1);
        ck_assert_uint_eq(summary.timers_fired, 1);
        ck_assert_uint_eq(summary.signals_delivered, 1);
        ck_assert_uint_gt(summary.tick_count, 0);
        ck_assert(summary.avg_tick_ms > 0 && summary.max_tick_ms >= summary.avg_tick_ms);
        ck_assert(summary.uptime_ms > 0);
}
END_TEST

static struct ax_call_stats stats_of(ax_client *ax, const char *name) {
        struct ax_call_stats *stats, found = { 0 };
        int n = ax_call_stats(ax, &stats);

        ck_assert_int_ge(n, 0);
        for (int i = 0; i < n; i++)
                if (strcmp(stats[i].name, name) == 0)
                        found = stats[i];
        free(stats);
        return found;
}

/* Direct and mediated transfers, and those while the trace is on, are the same in every figure. */
static void transfers(ax_client *ax, int traced) {
        static char data[200000];
        struct ax_call_stats reads, writes;
        struct ax_trace_summary summary;
        int fd = open_ok(ax, "/tmp/file", AX_WRITE | AX_O_READ);

        if (traced)
                assert_result(ax_trace_enable(ax), 0);
        assert_result(ax_trace_reset(ax), 0);
        for (int i = 0; i < 5; i++)
                assert_result(ax_write(ax, fd, data, sizeof(data)), sizeof(data));
        for (int i = 0; i < 3; i++)
                assert_result(ax_pread(ax, fd, data, 1000, 0), 1000);
        assert_result(ax_trace_summary(ax, &summary), 0);
        ck_assert_uint_eq(summary.bytes_written, 5 * sizeof(data));
        ck_assert_uint_eq(summary.bytes_read, 3000);
        ck_assert_uint_eq(summary.syscall_count, 5 + 3 + 1);
        reads = stats_of(ax, "pread");
        writes = stats_of(ax, "write");
        ck_assert_uint_eq(reads.count, 3);
        ck_assert_uint_eq(writes.count, 5);
        if (traced) {
                ck_assert_uint_eq(reads.timed, 3);
                ck_assert(reads.min_nsec > 0 && reads.max_nsec >= reads.min_nsec);
        }
}

START_TEST(test_direct_transfers_in_the_figures) {
        _connected_ ax_client *ax = fixture_connect();

        transfers(ax, 0);
}
END_TEST

START_TEST(test_direct_transfers_while_traced) {
        _connected_ ax_client *ax = fixture_connect();

        transfers(ax, 1);
}
END_TEST

START_TEST(test_mediated_transfers_in_the_figures) {
        static const struct daemon_options options = { .settings = "Direct=no\n" };
        ax_client *ax;

        fixture_start(&options);
        ax = fixture_connect();
        transfers(ax, 0);
        transfers(ax, 1);
        ax_disconnect(ax);
}
END_TEST

static void look_at_others(ax_client *ax, void *userdata) {
        (void) userdata;
        assert_error(ax_trace_enable(ax), AX_EPERM);
        assert_error(ax_trace_disable(ax), AX_EPERM);
        assert_error(ax_trace_reset(ax), AX_EPERM);
        assert_error(ax_trace_begin(ax, NULL), AX_EPERM);
        assert_result(ax_trace_end(ax), 0);
        assert_result(ax_trace_enabled(ax), 1);
        assert_result(ax_umask(ax, 077), 022);
        ck_assert_uint_eq(count_records(ax, NULL, "secret", NULL), 0);
        ck_assert_uint_eq(count_records(ax, NULL, "umask", NULL), 1);
}

START_TEST(test_ordinary_users_see_their_own_events_only) {
        _connected_ ax_client *ax = fixture_connect();

        assert_result(ax_trace_enable(ax), 0);
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "secret", "root's"), 0);
        fixture_as_uid(FIXTURE_UID, look_at_others, NULL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("trace");

        fixture_add(suite, test_nothing_is_recorded_while_it_is_off, 0);
        fixture_add(suite, test_filters_by_category_and_process, 0);
        fixture_add(suite, test_texts_are_printable, 0);
        fixture_add(suite, test_each_kind_of_event, 0);
        fixture_add(suite, test_a_reader_that_is_late_is_told_how_many_it_lost, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_fast_reader_loses_nothing_of_100000_calls, 0);
        fixture_add(suite, test_a_reader_that_stops_holds_nobody_up, 0);
        fixture_add(suite, test_summary_is_exact, 0);
        fixture_add(suite, test_direct_transfers_in_the_figures, 0);
        fixture_add(suite, test_direct_transfers_while_traced, 0);
        fixture_add(suite, test_mediated_transfers_in_the_figures, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_ordinary_users_see_their_own_events_only, FIXTURE_ROOT);
        return fixture_main(suite);
}
