/* SPDX-License-Identifier: MIT */
/*
 * Requests of sessions for events: each reads what it asked for, as long as it asks.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "children.h"
#include "fixture.h"
#include "trace_checks.h"

struct followed {
        ax_client *ax;
        uint64_t after;
        _Atomic(uint64_t) calls, lost;
};

static struct ax_trace_filter only(enum ax_trace_category category, ax_pid pid) {
        struct ax_trace_filter filter = { .categories = 1u << category, .n_pids = pid > 0 };

        filter.pids[0] = pid;
        return filter;
}

static bool is_switched_on(ax_client *ax) {
        struct ax_trace_status status;

        assert_result(ax_trace_status(ax, &status), 0);
        return status.enabled;
}

static bool nothing_is_recorded(void *userdata) {
        return ax_trace_enabled(userdata) == 0;
}

static bool something_is_recorded(void *userdata) {
        return ax_trace_enabled(userdata) == 1;
}

/* Waits for an event that does not come. */
static void ask_and_stay(void *userdata) {
        ax_client *ax = fixture_connect();
        struct ax_trace_filter filter = only(AX_TRACE_CUSTOM, 99999);
        struct ax_trace_record *records;
        uint64_t after = 0;

        (void) userdata;
        assert_result(ax_trace_begin(ax, &filter), 0);
        ax_trace_read(ax, &after, NULL, true, &records, NULL);
        ck_abort_msg("there was an event");
}

START_TEST(test_a_request_ends_with_its_session) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        pid_t program;

        assert_result(ax_trace_begin(other, NULL), 0);
        assert_result(ax_trace_enabled(ax), 1);
        ck_assert(!is_switched_on(ax));
        ax_disconnect(other);
        fixture_wait(nothing_is_recorded, ax, "the end of a request");
        program = fixture_fork(ask_and_stay, NULL);
        fixture_wait(something_is_recorded, ax, "a request");
        wait_any_sleeping(ax, "a reader that waits");
        fixture_kill(program);
        fixture_wait(nothing_is_recorded, ax, "the end of a killed program's request");
        assert_result(ax_trace_begin(ax, NULL), 0);
        assert_result(ax_trace_end(ax), 0);
        assert_result(ax_trace_enabled(ax), 0);
        assert_result(ax_trace_end(ax), 0);
        /* the kernel's switch is nobody's */
        other = fixture_connect();
        assert_result(ax_trace_enable(other), 0);
        ax_disconnect(other);
        fixture_wait_sessions(ax, 1);
        ck_assert(is_switched_on(ax));
        assert_result(ax_trace_enabled(ax), 1);
}
END_TEST

START_TEST(test_each_session_reads_what_it_asked_for) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *first = fixture_connect(), *second = fixture_connect(), *one = fixture_connect(),
                  *two = fixture_connect();
        struct ax_trace_filter filter = only(AX_TRACE_CUSTOM, ax_getpid(one));

        assert_result(ax_trace_begin(first, &filter), 0);
        filter = only(AX_TRACE_SYSCALL, ax_getpid(two));
        assert_result(ax_trace_begin(second, &filter), 0);
        /* what nobody asked for stays with the program */
        ck_assert_uint_eq(*ax_trace_flag(ax), 0);
        ck_assert_uint_eq(*ax_trace_flag(one), 1u << AX_TRACE_CUSTOM);
        ck_assert_uint_eq(*ax_trace_flag(two), 1u << AX_TRACE_SYSCALL);
        assert_result(ax_getppid(one), 1);
        assert_result(ax_getppid(two), 1);
        assert_result(ax_trace_event(one, AX_TRACE_CUSTOM, "event", NULL), 0);
        assert_result(ax_trace_event(two, AX_TRACE_CUSTOM, "event", NULL), 0);
        ck_assert_uint_eq(count_records(first, NULL, NULL, NULL), 1);
        ck_assert_uint_eq(count_records(first, NULL, "event", NULL), 1);
        ck_assert_uint_eq(count_records(second, NULL, "getppid", NULL), 1);
        ck_assert_uint_eq(count_records(second, NULL, "event", NULL), 0);
        ck_assert_uint_eq(count_records(second, NULL, "trace_event", NULL), 1);
        /* one's own filter besides */
        filter = only(AX_TRACE_SYSCALL, 0);
        ck_assert_uint_eq(count_records(first, &filter, NULL, NULL), 0);
        /* who has asked for nothing sees what is there */
        ck_assert_uint_eq(count_records(ax, NULL, NULL, NULL), 3);
        /* the others' requests last when one ends */
        ax_disconnect(first);
        fixture_wait_sessions(ax, 4);
        assert_result(ax_getppid(two), 1);
        ck_assert_uint_eq(count_records(second, NULL, "getppid", NULL), 2);
        /* another request of the same session replaces it */
        filter = only(AX_TRACE_CUSTOM, ax_getpid(one));
        assert_result(ax_trace_begin(second, &filter), 0);
        assert_result(ax_getppid(two), 1);
        assert_result(ax_trace_event(one, AX_TRACE_CUSTOM, "event", NULL), 0);
        ck_assert_uint_eq(count_records(second, NULL, "getppid", NULL), 0);
        ck_assert_uint_eq(count_records(second, NULL, "event", NULL), 1);
        ax_disconnect(second);
        ax_disconnect(one);
        ax_disconnect(two);
}
END_TEST

/* What came before is not a request's, and it has not lost that either. */
START_TEST(test_a_request_begins_now) {
        static const struct daemon_options options = { .settings = "TraceEvents=100\n" };
        struct ax_trace_filter filter = only(AX_TRACE_CUSTOM, 0);
        ax_client *ax;
        uint64_t lost;

        fixture_start(&options);
        ax = fixture_connect();
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(ax_trace_enable(ax), 0);
        for (int i = 0; i < 300; i++)
                assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "event", "before"), 0);
        assert_result(ax_trace_begin(ax, &filter), 0);
        ck_assert_uint_eq(count_records(ax, NULL, NULL, &lost), 0);
        ck_assert_uint_eq(lost, 0);
        assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "event", "after"), 0);
        ck_assert_uint_eq(count_records(ax, NULL, NULL, &lost), 1);
        ck_assert_uint_eq(lost, 0);
        ax_disconnect(ax);
}
END_TEST

START_TEST(test_a_request_follows_all_children) {
        static const char *const command[] = { "/bin/true", NULL };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_trace_filter filter = only(AX_TRACE_PROCESS, ax_getpid(ax));
        struct ax_wait_status status;
        ax_pid pid;

        filter.children = true;
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(ax_trace_enable(ax), 0);
        for (int i = 0; i < AX_TRACE_MAX_PIDS + 6; i++) {
                pid = (ax_pid) assert_ok(ax_spawn(ax, command, NULL));
                assert_result(ax_wait(ax, pid, &status, AX_WAIT_ENDED), pid);
        }
        ck_assert_uint_eq(count_records(ax, NULL, "created", NULL), AX_TRACE_MAX_PIDS + 6);
}
END_TEST

START_TEST(test_requests_are_bounded) {
        enum { MOST = 32 };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *clients[MOST];
        struct ax_trace_filter filter = { .n_pids = AX_TRACE_MAX_PIDS + 1 };

        assert_error(ax_trace_begin(ax, &filter), AX_EINVAL);
        filter = only(AX_TRACE_CUSTOM + 1, 0);
        assert_error(ax_trace_begin(ax, &filter), AX_EINVAL);
        filter = only(AX_TRACE_CUSTOM, 0);
        filter.n_pids = 1;
        assert_error(ax_trace_begin(ax, &filter), AX_EINVAL);
        for (int i = 0; i < MOST; i++) {
                clients[i] = fixture_connect();
                assert_result(ax_trace_begin(clients[i], NULL), 0);
        }
        assert_error(ax_trace_begin(ax, NULL), AX_EDQUOT);
        assert_result(ax_trace_begin(clients[0], NULL), 0);
        assert_result(ax_trace_end(clients[0]), 0);
        assert_result(ax_trace_begin(ax, NULL), 0);
        for (int i = 0; i < MOST; i++)
                ax_disconnect(clients[i]);
}
END_TEST

static void *read_one(void *userdata) {
        struct followed *followed = userdata;
        struct ax_trace_record *records = NULL;
        int n = ax_trace_read(followed->ax, &followed->after, NULL, true, &records, NULL);

        ck_assert_int_ge(n, 0);
        if (n > 0)
                free(records);
        return NULL;
}

START_TEST(test_a_reader_is_answered_when_its_request_ends) {
        _connected_ ax_client *ax = fixture_connect();
        struct followed followed = { .ax = fixture_connect() };
        struct ax_trace_filter filter = only(AX_TRACE_CUSTOM, ax_getpid(ax));
        pthread_t reader;

        assert_result(ax_trace_begin(followed.ax, &filter), 0);
        assert_result(pthread_create(&reader, NULL, read_one, &followed), 0);
        wait_any_sleeping(ax, "a reader that waits");
        assert_result(ax_trace_end(followed.ax), 0);
        assert_result(pthread_join(reader, NULL), 0);
        ax_disconnect(followed.ax);
}
END_TEST

/*
 * However much there is that the reader does not want: one turn looks at a part, and others have
 * theirs.
 */
START_TEST(test_a_turn_of_a_reader_is_bounded) {
        enum { EVENTS = 5000 };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_trace_filter filter = only(AX_TRACE_CUSTOM, 0);
        Axeberg__TraceReadRequest request = AXEBERG__TRACE_READ_REQUEST__INIT;
        Axeberg__TraceReadReply *answer;
        struct ax_trace_record *records;
        static struct wire_frame reply;
        int32_t nobody = 99999;
        uint64_t after = 0, lost;
        _closed_ int fd = -1;

        assert_result(ax_trace_set_filter(ax, &filter), 0);
        assert_result(ax_trace_enable(ax), 0);
        for (int i = 0; i < EVENTS; i++)
                assert_result(ax_trace_event(ax, AX_TRACE_CUSTOM, "event", NULL), 0);
        fd = fixture_wire();
        request.n_pids = 1;
        request.pids = &nobody;
        assert_result(wire_call(fd, 2, wire_method("TraceRead"), &request.base, &reply), 0);
        answer = axeberg__trace_read_reply__unpack(NULL, reply.message_size, reply.message);
        ck_assert_ptr_nonnull(answer);
        ck_assert(answer->more);
        ck_assert_uint_gt(answer->last, 0);
        ck_assert_uint_lt(answer->last, EVENTS / 2);
        axeberg__trace_read_reply__free_unpacked(answer, NULL);
        /* the library goes on by itself, and so does a call that waits */
        filter = only(AX_TRACE_CUSTOM, nobody);
        assert_result(ax_trace_read(ax, &after, &filter, false, &records, &lost), 0);
        ck_assert_uint_eq(after, EVENTS);
        ck_assert_uint_eq(lost, 0);
        filter = only(AX_TRACE_PROCESS, 0);
        assert_result(ax_trace_set_filter(ax, &filter), 0);
        ax_disconnect(fixture_connect());
        after = 0;
        ck_assert_int_gt(ax_trace_read(ax, &after, &filter, true, &records, &lost), 0);
        ck_assert_str_eq(records[0].name, "created");
        ck_assert_uint_eq(records[0].number, EVENTS + 1);
        free(records);
}
END_TEST

START_TEST(test_events_have_the_programs_name) {
        _connected_ ax_client *ax = fixture_connect();
        const struct ax_mount_event event = { .name = "open", .command = "na\n\033me" };
        struct ax_process *processes = NULL;
        struct ax_trace_record *records = NULL;
        uint64_t after = 0;
        int n;

        assert_result(ax_trace_enable(ax), 0);
        assert_result(ax_getppid(ax), 1);
        assert_result(ax_mount_trace(ax, &event, 1, 0), 0);
        n = (int) assert_ok(ax_process_list(ax, &processes));
        ck_assert_int_eq(processes[n - 1].pid, ax_getpid(ax));
        ck_assert_int_ge(ax_trace_read(ax, &after, NULL, false, &records, NULL), 2);
        ck_assert_str_eq(records[0].name, "getppid");
        ck_assert_str_eq(records[0].command, processes[n - 1].command);
        ck_assert_uint_gt(strlen(records[0].command), 0);
        ck_assert_str_eq(records[1].name, "open");
        ck_assert_str_eq(records[1].command, "na\\n\\x1bme");
        free(records);
        free(processes);
}
END_TEST

static void *read_until_interrupted(void *userdata) {
        struct followed *followed = userdata;
        struct ax_trace_record *records;

        assert_error(ax_trace_read(followed->ax, &followed->after, NULL, true, &records, NULL), AX_EINTR);
        return NULL;
}

static void ignore(ax_client *ax, int signal, void *userdata) {
        (void) ax;
        (void) signal;
        (void) userdata;
}

START_TEST(test_a_waiting_reader_can_be_interrupted) {
        _connected_ ax_client *ax = fixture_connect();
        struct followed followed = { .ax = fixture_connect() };
        pthread_t reader;

        assert_result(ax_signal_handle(followed.ax, AX_SIGUSR1, ignore, NULL), 0);
        assert_result(pthread_create(&reader, NULL, read_until_interrupted, &followed), 0);
        wait_any_sleeping(ax, "a reader that waits");
        assert_result(ax_kill(ax, ax_getpid(followed.ax), AX_SIGUSR1), 0);
        assert_result(pthread_join(reader, NULL), 0);
        ax_disconnect(followed.ax);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("trace requests");

        fixture_add(suite, test_a_waiting_reader_can_be_interrupted, 0);
        fixture_add(suite, test_a_request_ends_with_its_session, 0);
        fixture_add(suite, test_each_session_reads_what_it_asked_for, 0);
        fixture_add(suite, test_a_request_begins_now, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_request_follows_all_children, 0);
        fixture_add(suite, test_requests_are_bounded, 0);
        fixture_add(suite, test_a_reader_is_answered_when_its_request_ends, 0);
        fixture_add(suite, test_a_turn_of_a_reader_is_bounded, 0);
        fixture_add(suite, test_events_have_the_programs_name, 0);
        return fixture_main(suite);
}
