/* SPDX-License-Identifier: MIT */
/*
 * Peers that speak the protocol and do not behave: they never read, say nothing, close half of the
 * stream. Nobody else may notice.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_MS = 10000 };

static void assert_alive(void) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/alive", "yes");
        assert_text(ax, "/tmp/alive", "yes");
}

/* The stream must end; replies to earlier calls may come before. */
static void assert_disconnected(int fd) {
        struct wire_frame frame;
        int r;

        while ((r = wire_receive(fd, &frame, LIMIT_MS)) == 1)
                wire_frame_close_fds(&frame);
        ck_assert_msg(r == 0, "the daemon keeps the connection (%d)", r);
}

/* Ask for data until the daemon takes no more, and read none of it. */
static int flood(void) {
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        struct wire_frame reply;
        struct pollfd poller = { .events = POLLOUT };
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        int fd = fixture_wire();

        open.path = (char *) "/dev/zero";
        open.flags = AX_READ;
        request.fd = wire_call(fd, 2, wire_method("Open"), &open.base, &reply);
        ck_assert_int_ge(request.fd, 3);
        request.size = AX_FRAME_MAX_DATA;
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        poller.fd = fd;
        for (uint32_t serial = 3; poll(&poller, 1, 500) == 1; serial++) {
                size_t size = wire_pack(bytes, serial, wire_method("Read"), &request.base, NULL, 0);
                int r = wire_send_bytes(fd, bytes, size, NULL, 0);

                if (r == -EPIPE || r == -ECONNRESET)
                        break;
                ck_assert_msg(r == 0 || r == -EAGAIN, "send: %s", strerror(-r));
                ck_assert_msg(serial < 200000, "the daemon takes requests without end");
        }
        return fd;
}

START_TEST(test_a_client_that_never_reads_holds_up_nobody) {
        _connected_ ax_client *ax = fixture_connect();
        long before = daemon_memory(&the_daemon), after;
        int floods[4];

        for (int i = 0; i < 4; i++)
                floods[i] = flood();
        for (int i = 0; i < 200; i++) {
                put_text(ax, "/tmp/f", "going on");
                assert_text(ax, "/tmp/f", "going on");
        }
        after = daemon_memory(&the_daemon);
        ck_assert_msg(slowness() > 1 || after < before + (24 << 20), "axebergd grew from %ld to %ld bytes", before,
                      after);
        for (int i = 0; i < 4; i++)
                close(floods[i]);
        fixture_wait_sessions(ax, 1);
}
END_TEST

/* Reading again later, it gets every reply, each once. */
START_TEST(test_a_slow_reader_gets_everything_in_the_end) {
        enum { CALLS = 400 };
        static bool answered[CALLS];
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;
        uint32_t sent = 0, received = 0;

        request.path = (char *) "/dev";
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        while (received < CALLS) {
                bool full = sent == CALLS || wire_send(fd, 100 + sent, wire_method("Readdir"), &request.base) != 0;

                if (!full) {
                        sent++;
                        continue;
                }
                ck_assert_int_eq(wire_receive(fd, &reply, LIMIT_MS), 1);
                ck_assert_int_eq(reply.header.status, 6);
                ck_assert_uint_lt(reply.header.serial - 100, CALLS);
                ck_assert(!answered[reply.header.serial - 100]);
                answered[reply.header.serial - 100] = true;
                received++;
        }
}
END_TEST

START_TEST(test_silent_connections_hold_up_nobody) {
        enum { SILENT = 100 };
        int fds[SILENT];

        for (int i = 0; i < SILENT; i++) {
                fds[i] = wire_connect(the_daemon.socket);
                ck_assert_int_ge(fds[i], 0);
        }
        assert_alive();
        for (int i = 0; i < SILENT; i++)
                close(fds[i]);
}
END_TEST

START_TEST(test_a_half_closed_client_ends) {
        _connected_ ax_client *watcher = fixture_connect();
        _closed_ int fd = fixture_wire();

        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        assert_disconnected(fd);
        fixture_wait_sessions(watcher, 1);
}
END_TEST

START_TEST(test_an_exit_frame_ends_the_process_at_once) {
        Axeberg__ExitRequest request = AXEBERG__EXIT_REQUEST__INIT;
        _connected_ ax_client *watcher = fixture_connect();
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;
        struct ax_status status;
        int r;

        request.code = -1;
        assert_result(wire_call(fd, 2, wire_method("Exit"), &request.base, &reply), 0);
        r = wire_call(fd, 3, wire_method("Getppid"), NULL, &reply);
        ck_assert_msg(r == -AX_ESRCH || r == -ECONNRESET || r == -EPIPE, "a call after Exit: %d", r);
        assert_ok(ax_status(watcher, &status));
        ck_assert_uint_eq(status.processes, 2);
        ck_assert_uint_eq(status.open_files, 3);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("peers");

        fixture_add(suite, test_a_client_that_never_reads_holds_up_nobody, 0);
        fixture_add(suite, test_a_slow_reader_gets_everything_in_the_end, 0);
        fixture_add(suite, test_silent_connections_hold_up_nobody, 0);
        fixture_add(suite, test_a_half_closed_client_ends, 0);
        fixture_add(suite, test_an_exit_frame_ends_the_process_at_once, 0);
        return fixture_main(suite);
}
