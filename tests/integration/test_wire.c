/* SPDX-License-Identifier: MIT */
/*
 * Frames that no library would send: WIRE.md's table of refusals, line by line. After each of them
 * the daemon serves everybody else, and the fixture finds its descriptors as they were.
 */
#include "fixture.h"

#include <fcntl.h>
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

static void send_header(int fd, const struct ax_frame_header *header, size_t size) {
        uint8_t bytes[AX_FRAME_MAX_SIZE + 4096] = { 0 };

        ax_frame_header_encode(header, bytes);
        ck_assert_int_eq(wire_send_bytes(fd, bytes, size, NULL, 0), 0);
}

/* ---- headers --------------------------------------------------------------------------------- */

struct bad_frame {
        struct ax_frame_header header;
        size_t size;
};

static const struct bad_frame bad_frames[] = {
        { { .length = 24, .serial = 2, .method = 3 }, 23 }, /* cut off */
        { { .length = 24, .serial = 2, .method = 3 }, 4 },  /* hardly there */
        { { .length = 24, .serial = 2, .method = 3 }, 1 },
        { { .length = 23, .serial = 2, .method = 3 }, 24 }, /* length too small */
        { { .length = 0, .serial = 2, .method = 3 }, 24 },
        { { .length = 25, .serial = 2, .method = 3 }, 24 }, /* too large */
        { { .length = UINT32_MAX, .serial = 2, .method = 3 }, 24 },
        { { .length = 24, .serial = 2, .method = 3 }, 25 },               /* trailing garbage */
        { { .length = 24, .serial = 2, .method = 3, .trailer = 1 }, 24 }, /* trailer too long */
        { { .length = 24, .serial = 2, .method = 3, .trailer = UINT32_MAX }, 24 },
        { { .length = 30, .serial = 2, .method = 3, .trailer = 7 }, 30 },
        { { .length = 30, .serial = 2, .method = 3, .trailer = UINT32_MAX - 20 }, 30 },
        { { .length = 24, .serial = 2, .method = 3, .flags = AX_FRAME_REPLY }, 24 }, /* flags */
        { { .length = 24, .serial = 2, .method = 3, .flags = AX_FRAME_EVENT }, 24 },
        { { .length = 24, .serial = 2, .method = 3, .flags = 0x80000000u }, 24 },
        { { .length = AX_FRAME_MAX_SIZE + 1, .serial = 2, .method = 3 }, AX_FRAME_MAX_SIZE + 1 }, /* over the maximum */
        { { .length = AX_FRAME_MAX_SIZE + 4000, .serial = 2, .method = 7, .trailer = 65536 },
          AX_FRAME_MAX_SIZE + 4000 },
        { { .length = AX_FRAME_MAX_SIZE, .serial = 2, .method = 7 }, AX_FRAME_MAX_SIZE + 1 },
};

START_TEST(test_malformed_headers_disconnect) {
        for (size_t i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
                _closed_ int fd = fixture_wire();

                send_header(fd, &bad_frames[i].header, bad_frames[i].size);
                assert_disconnected(fd);
        }
        assert_alive();
}
END_TEST

START_TEST(test_malformed_headers_before_hello_disconnect) {
        for (size_t i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
                _closed_ int fd = wire_connect(the_daemon.socket);

                ck_assert_int_ge(fd, 0);
                send_header(fd, &bad_frames[i].header, bad_frames[i].size);
                assert_disconnected(fd);
        }
        assert_alive();
}
END_TEST

START_TEST(test_an_empty_packet_ends_the_connection) {
        _closed_ int fd = fixture_wire();

        ck_assert_int_eq(wire_send_bytes(fd, "", 0, NULL, 0), 0);
        assert_disconnected(fd);
        assert_alive();
}
END_TEST

START_TEST(test_a_serial_in_flight_disconnects) {
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        _closed_ int fd = fixture_wire();

        request.size = 1;
        ck_assert_int_eq(wire_send(fd, 9, wire_method("Read"), &request.base), 0);
        ck_assert_int_eq(wire_send(fd, 9, wire_method("Getppid"), NULL), 0);
        assert_disconnected(fd);
        assert_alive();
}
END_TEST

START_TEST(test_a_serial_can_be_used_again) {
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;

        for (int i = 0; i < 100; i++)
                assert_result(wire_call(fd, 1, wire_method("Getppid"), NULL, &reply), 1);
        assert_result(wire_call(fd, UINT32_MAX, wire_method("Getppid"), NULL, &reply), 1);
}
END_TEST

/* ---- order ----------------------------------------------------------------------------------- */

START_TEST(test_a_call_before_hello_is_refused_and_ends_the_connection) {
        static const char *const methods[] = { "Getppid", "Open", "Exit", "Cancel", "Status" };

        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
                _closed_ int fd = wire_connect(the_daemon.socket);
                struct wire_frame reply;

                ck_assert_int_ge(fd, 0);
                assert_error(wire_call(fd, 5, wire_method(methods[i]), NULL, &reply), AX_EPROTO);
                assert_disconnected(fd);
        }
}
END_TEST

START_TEST(test_an_unknown_method_before_hello_ends_the_connection) {
        _closed_ int fd = wire_connect(the_daemon.socket);
        struct wire_frame reply;

        assert_error(wire_call(fd, 1, 70000, NULL, &reply), AX_EPROTO);
        assert_disconnected(fd);
}
END_TEST

START_TEST(test_a_second_hello_makes_no_second_process) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        _connected_ ax_client *watcher = fixture_connect();
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;
        struct ax_status status;

        request.version = AX_PROTOCOL_VERSION;
        ck_assert_int_lt(wire_call(fd, 2, wire_method("Hello"), &request.base, &reply), 0);
        assert_ok(ax_status(watcher, &status));
        ck_assert_uint_le(status.processes, 3);
}
END_TEST

START_TEST(test_replies_come_out_of_order) {
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;

        request.size = 8;
        ck_assert_int_eq(wire_send(fd, 2, wire_method("Read"), &request.base), 0);
        ck_assert_int_eq(wire_send(fd, 3, wire_method("Getppid"), NULL), 0);
        ck_assert_int_eq(wire_receive(fd, &reply, LIMIT_MS), 1);
        ck_assert_uint_eq(reply.header.serial, 3);
        ck_assert_uint_eq(reply.header.flags, AX_FRAME_REPLY);
        ck_assert_uint_eq(reply.header.method, wire_method("Getppid"));
        ck_assert_int_eq(reply.header.status, 1);
        ck_assert_int_eq(wire_send_trailer(fd, 4, wire_method("ConsolePushInput"), NULL, "abc", 3), 0);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(wire_receive(fd, &reply, LIMIT_MS), 1);
                ck_assert_int_eq(reply.header.status, 3);
                ck_assert_uint_eq(reply.header.trailer, reply.header.serial == 2 ? 3 : 0);
        }
}
END_TEST

/* ---- messages -------------------------------------------------------------------------------- */

START_TEST(test_unknown_methods_are_answered) {
        const uint32_t methods[] = { axeberg__kernel__descriptor.n_methods, 1000, INT32_MAX, UINT32_MAX };
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;

        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
                assert_error(wire_call(fd, 2, methods[i], NULL, &reply), AX_ENOSYS);
        assert_result(wire_call(fd, 3, wire_method("Getppid"), NULL, &reply), 1);
}
END_TEST

static int call_bytes(int fd, const char *method, const void *message, size_t size, const void *trailer,
                      size_t trailer_size) {
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        struct ax_frame_header header = { .length = (uint32_t) (AX_FRAME_HEADER_SIZE + size + trailer_size),
                                          .serial = 2,
                                          .method = wire_method(method),
                                          .trailer = (uint32_t) trailer_size };
        struct wire_frame reply;

        ck_assert_uint_le(header.length, sizeof(bytes));
        ax_frame_header_encode(&header, bytes);
        if (size > 0)
                memcpy(bytes + AX_FRAME_HEADER_SIZE, message, size);
        if (trailer_size > 0)
                memcpy(bytes + AX_FRAME_HEADER_SIZE + size, trailer, trailer_size);
        ck_assert_int_eq(wire_send_bytes(fd, bytes, header.length, NULL, 0), 0);
        ck_assert_int_eq(wire_receive(fd, &reply, LIMIT_MS), 1);
        ck_assert_uint_eq(reply.header.serial, 2);
        wire_frame_close_fds(&reply);
        return reply.header.status;
}

START_TEST(test_messages_that_do_not_unpack) {
        static const char cut_string[] = "\x0a\x7f/tmp", cut_varint[] = "\x10\x80\x80", wrong_wire_type[] = "\x0b",
                          huge_length[] = "\x0a\xff\xff\xff\xff\x0f",
                          endless_varint[] = "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                          tag_zero[] = "\x02\x01x";
        _closed_ int fd = fixture_wire();

        assert_error(call_bytes(fd, "Open", cut_string, 6, NULL, 0), AX_EBADMSG);
        assert_error(call_bytes(fd, "Open", cut_varint, 3, NULL, 0), AX_EBADMSG);
        assert_error(call_bytes(fd, "Open", wrong_wire_type, 1, NULL, 0), AX_EBADMSG);
        assert_error(call_bytes(fd, "Open", huge_length, 6, NULL, 0), AX_EBADMSG);
        assert_error(call_bytes(fd, "Open", endless_varint, 12, NULL, 0), AX_EBADMSG);
        assert_error(call_bytes(fd, "Open", tag_zero, 3, NULL, 0), AX_EBADMSG);
        assert_result(call_bytes(fd, "Getppid", NULL, 0, NULL, 0), 1);
}
END_TEST

/* Fields that a later client may know are no error. */
START_TEST(test_unknown_fields_are_ignored) {
        static const char unknown[] = "\xf8\x07\x01\x0a\x04/tmp";
        _closed_ int fd = fixture_wire();

        assert_result(call_bytes(fd, "Chdir", unknown, sizeof(unknown) - 1, NULL, 0), 0);
}
END_TEST

/* 64 KiB of two-byte fields: what unpacks to far more than it was is capped. */
START_TEST(test_messages_that_unfold_are_capped) {
        static uint8_t many[AX_FRAME_MAX_PAYLOAD];
        _connected_ ax_client *watcher = fixture_connect();
        _closed_ int fd = fixture_wire();
        long before = daemon_memory(&the_daemon), after;

        for (size_t i = 0; i + 2 <= sizeof(many); i += 2) {
                many[i] = 0x78; /* field 15, varint: unknown to every message */
                many[i + 1] = 0x01;
        }
        for (int i = 0; i < 20; i++)
                (void) call_bytes(fd, "Getppid", many, sizeof(many), NULL, 0);
        after = daemon_memory(&the_daemon);
        ck_assert_msg(slowness() > 1 || after < before + (16 << 20), "axebergd grew from %ld to %ld bytes", before,
                      after);
        assert_result(ax_getppid(watcher), 1);
}
END_TEST

START_TEST(test_hello_with_ten_thousand_arguments) {
        static uint8_t many[AX_FRAME_MAX_PAYLOAD];
        _closed_ int fd = wire_connect(the_daemon.socket);
        int r;

        many[0] = 0x08; /* version = 1 */
        many[1] = 0x01;
        for (size_t i = 2; i + 2 <= sizeof(many); i += 2) {
                many[i] = 0x12; /* an empty argument */
                many[i + 1] = 0x00;
        }
        r = call_bytes(fd, "Hello", many, sizeof(many), NULL, 0);
        ck_assert_msg(r == 0 || r == -AX_EBADMSG || r == -AX_E2BIG || r == -AX_EINVAL || r == -AX_ENOMEM, "Hello: %d",
                      r);
        assert_alive();
}
END_TEST

START_TEST(test_a_trailer_nobody_takes_is_refused) {
        _closed_ int fd = fixture_wire();

        assert_error(call_bytes(fd, "Getppid", NULL, 0, "x", 1), AX_EINVAL);
        assert_error(call_bytes(fd, "Status", NULL, 0, "0123456789", 10), AX_EINVAL);
        assert_result(call_bytes(fd, "Getppid", NULL, 0, NULL, 0), 1);
}
END_TEST

START_TEST(test_names_with_a_nul_inside) {
        static const char path[] = "\x0a\x08/tmp/a\0b\x10\x0e";
        _closed_ int fd = fixture_wire();
        int r = call_bytes(fd, "Open", path, sizeof(path) - 1, NULL, 0);

        ck_assert_msg(r < 0 || r >= 3, "Open: %d", r);
        assert_alive();
}
END_TEST

START_TEST(test_reads_of_absurd_sizes) {
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        _closed_ int fd = fixture_wire();
        struct wire_frame reply;
        int r;

        open.path = (char *) "/dev/zero";
        open.flags = AX_READ;
        request.fd = wire_call(fd, 2, wire_method("Open"), &open.base, &reply);
        ck_assert_int_ge(request.fd, 3);
        request.size = UINT32_MAX;
        r = wire_call(fd, 3, wire_method("Read"), &request.base, &reply);
        ck_assert_msg(r == -AX_EINVAL || (r > 0 && r <= AX_FRAME_MAX_PAYLOAD && reply.header.trailer == (uint32_t) r),
                      "Read: %d", r);
}
END_TEST

/* ---- descriptors ----------------------------------------------------------------------------- */

static bool has_descriptors(void *userdata) {
        const size_t *expected = userdata;
        struct daemon_state now;

        return daemon_observe(&the_daemon, &now) == 0 && now.descriptors == *expected;
}

/* Returns 0, or -EPERM if the host's kernel lets no descriptors through to the daemon. */
static int send_with_descriptors(int fd, const void *bytes, size_t size, const int *fds, size_t n_fds) {
        int r = wire_send_bytes(fd, bytes, size, fds, n_fds) < 0 ? -errno : 0;

        ck_assert_msg(r == 0 || r == -EPERM, "sending descriptors: %s", strerror(-r));
        return r;
}

/* Either the sender cannot pass them, or it is disconnected: and none stays open. */
static void check_descriptors_are_refused(size_t n_fds) {
        _closed_ int witness = fixture_wire(); /* the daemon has done with starting */
        struct daemon_state before;
        int fds[60];

        for (size_t i = 0; i < n_fds; i++)
                fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(daemon_observe(&the_daemon, &before), 0);
        for (uint32_t i = 0; i < 20; i++) {
                _closed_ int fd = fixture_wire();
                uint8_t bytes[AX_FRAME_MAX_SIZE];
                size_t size = wire_pack(bytes, 2, wire_method("Getppid"), NULL, NULL, 0);

                if (send_with_descriptors(fd, bytes, size, fds, n_fds) == 0)
                        assert_disconnected(fd);
        }
        fixture_wait(has_descriptors, &before.descriptors, "as many descriptors as before");
        for (size_t i = 0; i < n_fds; i++)
                close(fds[i]);
}

START_TEST(test_descriptors_nobody_asked_for_are_refused) {
        check_descriptors_are_refused(AX_FRAME_MAX_FDS);
        check_descriptors_are_refused(60);
        assert_alive();
}
END_TEST

START_TEST(test_descriptors_on_an_old_host_disconnect) {
        fixture_start(&(struct daemon_options){ .old_host = true });
        check_descriptors_are_refused(AX_FRAME_MAX_FDS);
        check_descriptors_are_refused(60);
        assert_alive();
}
END_TEST

static void check_malformed_with_descriptors(void) {
        for (int i = 0; i < 50; i++) {
                _closed_ int fd = fixture_wire();
                uint8_t bytes[AX_FRAME_HEADER_SIZE] = { 0xff };

                if (send_with_descriptors(fd, bytes, sizeof(bytes), (int[3]){ 0, 1, 2 }, 3) == 0)
                        assert_disconnected(fd);
        }
        assert_alive();
}

START_TEST(test_descriptors_on_malformed_frames_are_refused) {
        check_malformed_with_descriptors();
}
END_TEST

/* A socket that travels through itself, in flight, when everybody leaves. */
static void check_descriptors_in_flight(void) {
        for (int i = 0; i < 50; i++) {
                int fd = fixture_wire();
                uint8_t bytes[AX_FRAME_MAX_SIZE];
                size_t size = wire_pack(bytes, 2, wire_method("Getppid"), NULL, NULL, 0);

                send_with_descriptors(fd, bytes, size, (int[2]){ fd, fd }, 2);
                close(fd);
        }
        assert_alive();
}

START_TEST(test_descriptors_in_flight_when_the_client_goes) {
        check_descriptors_in_flight();
}
END_TEST

START_TEST(test_hostile_descriptors_on_an_old_host) {
        fixture_start(&(struct daemon_options){ .old_host = true });
        check_malformed_with_descriptors();
        check_descriptors_in_flight();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wire");

        fixture_add(suite, test_malformed_headers_disconnect, 0);
        fixture_add(suite, test_malformed_headers_before_hello_disconnect, 0);
        fixture_add(suite, test_an_empty_packet_ends_the_connection, 0);
        fixture_add(suite, test_a_serial_in_flight_disconnects, 0);
        fixture_add(suite, test_a_serial_can_be_used_again, 0);
        fixture_add(suite, test_a_call_before_hello_is_refused_and_ends_the_connection, 0);
        fixture_add(suite, test_an_unknown_method_before_hello_ends_the_connection, 0);
        fixture_add(suite, test_a_second_hello_makes_no_second_process, 0);
        fixture_add(suite, test_replies_come_out_of_order, 0);
        fixture_add(suite, test_unknown_methods_are_answered, 0);
        fixture_add(suite, test_messages_that_do_not_unpack, 0);
        fixture_add(suite, test_unknown_fields_are_ignored, 0);
        fixture_add(suite, test_messages_that_unfold_are_capped, 0);
        fixture_add(suite, test_hello_with_ten_thousand_arguments, 0);
        fixture_add(suite, test_a_trailer_nobody_takes_is_refused, 0);
        fixture_add(suite, test_names_with_a_nul_inside, 0);
        fixture_add(suite, test_reads_of_absurd_sizes, 0);
        fixture_add(suite, test_descriptors_nobody_asked_for_are_refused, 0);
        fixture_add(suite, test_descriptors_on_an_old_host_disconnect, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_descriptors_on_malformed_frames_are_refused, 0);
        fixture_add(suite, test_descriptors_in_flight_when_the_client_goes, 0);
        fixture_add(suite, test_hostile_descriptors_on_an_old_host, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        return fixture_main(suite);
}
