/* SPDX-License-Identifier: MIT */
/*
 * Figures that the kernel publishes in pages: right, free of calls, and read-only.
 */
#include "fixture.h"
#include "memory_checks.h"
#include "pages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

START_TEST(test_published_figures_cost_no_call_and_are_right) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct ax_memory_stats stats, asked;
        struct ax_status before, after;
        double uptime_ms;

        (void) alloc_region(ax, 12345, AX_PROT_READ);
        assert_result(ax_sigblock(ax, AX_SIGUSR1), 0);
        assert_result(ax_status(other, &before), 0);
        for (int i = 0; i < 1000; i++) {
                assert_result(ax_memstats(ax, &stats), 0);
                assert_result(ax_sigpending(ax), 0);
                ck_assert_int_gt(ax_getpid(ax), 1);
                assert_result(ax_trace_enabled(ax), 0);
        }
        assert_result(ax_status(other, &after), 0);
        ck_assert_uint_eq(after.calls - after.local_calls, before.calls - before.local_calls + 1);
        ck_assert_uint_ge(after.local_calls, before.local_calls + 4000);
        assert_result(ax_memstats_of(ax, ax_getpid(ax), &asked), 0);
        ck_assert_mem_eq(&stats, &asked, sizeof(stats));
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGUSR1), 0);
        assert_result(ax_sigpending(ax), 1);
        uptime_ms = ax_uptime_ms(ax);
        ck_assert(uptime_ms > 0 && uptime_ms >= (double) before.uptime_usec / 1e3);
        /* and of one that has ended they say so */
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGKILL), 0);
        assert_error(ax_sigpending(ax), AX_ESRCH);
        assert_error(ax_memstats(ax, &stats), AX_ESRCH);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_pages_cannot_be_written) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        static struct wire_frame reply;
        _closed_ int fd = wire_connect(the_daemon.socket);

        request.version = AX_PROTOCOL_VERSION;
        assert_result(wire_call(fd, 1, wire_method("Hello"), &request.base, &reply), 0);
        ck_assert_uint_eq(reply.n_fds, 3); /* the third is the counters, which are its own */
        for (int i = 0; i < 2; i++) {
                int page = reply.fds[i];

                ck_assert_int_ne((int) write(page, "x", 1), 1);
                ck_assert_int_ne(ftruncate(page, 0), 0);
                ck_assert_ptr_eq(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, page, 0), MAP_FAILED);
                ck_assert_int_ne(fallocate(page, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
        }
        wire_frame_close_fds(&reply);
}
END_TEST

static uint64_t calls_of(ax_client *ax, ax_pid pid) {
        struct ax_process *list;
        uint64_t calls = 0;
        int n = ax_process_list(ax, &list);

        for (int i = 0; i < n; i++)
                if (list[i].pid == pid)
                        calls = list[i].calls;
        free(list);
        return calls;
}

/* What can be punched could make the daemon wait for the program: it does not look at it. */
START_TEST(test_counters_count_when_nobody_can_punch_them) {
        static struct wire_frame reply;
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        _connected_ ax_client *ax = fixture_connect();
        _closed_ int fd = wire_connect(the_daemon.socket);
        struct ax_local_counters *counters;

        request.version = AX_PROTOCOL_VERSION;
        assert_result(wire_call(fd, 1, wire_method("Hello"), &request.base, &reply), 0);
        counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED, reply.fds[2], 0);
        ck_assert_ptr_ne(counters, MAP_FAILED);
        counters->slots[0].used = 1;
        counters->slots[0].calls[AX_LOCAL_GETPID].calls = 1000;
        ck_assert_uint_lt(calls_of(ax, ax_getpid(ax) + 1), 1000);
        ck_assert_int_eq(fallocate(reply.fds[2], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
        counters->slots[0].used = 1;
        counters->slots[0].calls[AX_LOCAL_GETPID].calls = 1000;
        ck_assert_int_eq(fcntl(reply.fds[2], F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
        ck_assert_uint_ge(calls_of(ax, ax_getpid(ax) + 1), 1000);
        ck_assert_int_ne(fallocate(reply.fds[2], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
        ck_assert_int_ne(madvise(counters, PAGE, MADV_REMOVE), 0);
        ck_assert_int_ne(ftruncate(reply.fds[2], 0), 0);
        munmap(counters, sizeof(*counters));
        wire_frame_close_fds(&reply);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("published pages");

        fixture_add(suite, test_published_figures_cost_no_call_and_are_right, 0);
        fixture_add(suite, test_pages_cannot_be_written, 0);
        fixture_add(suite, test_counters_count_when_nobody_can_punch_them, 0);
        return fixture_main(suite);
}
