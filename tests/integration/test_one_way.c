/* SPDX-License-Identifier: MIT */
/*
 * Requests that want no reply, and signals that come with the replies to others: WIRE.md, by hand.
 */
#include "fixture.h"

START_TEST(test_a_request_with_serial_0_is_served_in_order_and_not_answered) {
        Axeberg__FdRequest request = AXEBERG__FD_REQUEST__INIT;
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;

        request.fd = 2;
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(wire_send(fd, 0, wire_method("Close"), &request.base), 0);
        ck_assert_int_eq(wire_send(fd, 5, wire_method("Dup"), &request.base), 0);
        ck_assert_int_eq(wire_receive(fd, &reply, 10000), 1);
        ck_assert_uint_eq(reply.header.serial, 5);
        assert_error(reply.header.status, AX_EBADF);
        ck_assert_int_eq(wire_send(fd, 0, 100000, NULL), 0); /* no such method: nobody wants to know */
        assert_result(wire_call(fd, 6, wire_method("Getppid"), NULL, &reply), 1);
}
END_TEST

/* A read that waits, and wants no answer, is dropped with its connection, and can be cancelled. */
START_TEST(test_requests_with_serial_0_may_wait) {
        Axeberg__ReadRequest read = AXEBERG__READ_REQUEST__INIT;
        Axeberg__PipeReply *ends;
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;

        assert_result(wire_call(fd, 2, wire_method("Pipe"), NULL, &reply), 0);
        ends = axeberg__pipe_reply__unpack(NULL, reply.message_size, reply.message);
        ck_assert_ptr_nonnull(ends);
        read.fd = ends->reader;
        axeberg__pipe_reply__free_unpacked(ends, NULL);
        read.size = 1;
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(wire_send(fd, 0, wire_method("Read"), &read.base), 0);
        assert_result(wire_call(fd, 6, wire_method("Getppid"), NULL, &reply), 1);
}
END_TEST

static int hello_taking_signals(int fd) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        struct wire_frame reply;
        int r;

        request.version = AX_PROTOCOL_VERSION;
        request.takes_signals = true;
        r = wire_call(fd, 1, wire_method("Hello"), &request.base, &reply);
        wire_frame_close_fds(&reply);
        return r;
}

static void handle_signal(int fd, int signal) {
        Axeberg__SignalRequest request = AXEBERG__SIGNAL_REQUEST__INIT;
        struct wire_frame reply;

        request.signal = signal;
        request.action = AX_SIGNAL_HANDLE;
        assert_result(wire_call(fd, 2, wire_method("Signal"), &request.base, &reply), AX_SIGNAL_DEFAULT);
}

/* Sends it to the process itself, and returns what the next frame says in place of an answer. */
static struct wire_frame kill_oneself(int fd, int signal) {
        Axeberg__KillRequest request = AXEBERG__KILL_REQUEST__INIT;
        struct wire_frame reply;

        request.signal = signal; /* the pid 0 is the group's */
        ck_assert_int_eq(wire_send(fd, 3, wire_method("Kill"), &request.base), 0);
        ck_assert_int_eq(wire_receive(fd, &reply, 10000), 1);
        return reply;
}

/* It comes with the reply, not as an event, and is blocked until it is said to be done. */
START_TEST(test_a_reply_brings_a_signal) {
        Axeberg__SignalTakeRequest done = AXEBERG__SIGNAL_TAKE_REQUEST__INIT;
        _closed_ int fd = wire_connect(the_daemon.socket);
        struct wire_frame reply;

        ck_assert_int_ge(fd, 0);
        assert_result(hello_taking_signals(fd), 0);
        handle_signal(fd, AX_SIGUSR1);
        for (int i = 0; i < 10; i++) {
                reply = kill_oneself(fd, AX_SIGUSR1);
                ck_assert_uint_eq(reply.header.serial, 3);
                ck_assert_uint_eq(reply.header.flags, AX_FRAME_REPLY | AX_SIGUSR1 << AX_FRAME_SIGNAL_SHIFT);
                reply = kill_oneself(fd, AX_SIGUSR1); /* it is being handled, so this one waits */
                ck_assert_uint_eq(reply.header.flags, AX_FRAME_REPLY);
                done.done = AX_SIGUSR1;
                ck_assert_int_eq(wire_send(fd, 0, wire_method("SignalTake"), &done.base), 0);
                ck_assert_int_eq(wire_receive(fd, &reply, 10000), 1);
                ck_assert_uint_eq(reply.header.flags, AX_FRAME_EVENT);
                assert_result(wire_call(fd, 4, wire_method("SignalTake"), NULL, &reply), AX_SIGUSR1);
                assert_result(wire_call(fd, 5, wire_method("SignalTake"), &done.base, &reply), 0);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("one_way");

        fixture_add(suite, test_a_request_with_serial_0_is_served_in_order_and_not_answered, 0);
        fixture_add(suite, test_requests_with_serial_0_may_wait, 0);
        fixture_add(suite, test_a_reply_brings_a_signal, 0);
        return fixture_main(suite);
}
