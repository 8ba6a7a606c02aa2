/* SPDX-License-Identifier: MIT */
/*
 * What the library makes of replies: bad ones never crash or hang it, never write past a caller's
 * buffer, and leak neither memory nor descriptors.
 */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract.h"
#include "fake_server.h"

static ax_client *connect_ok(struct fake *fake, void (*body)(struct fake *fake)) {
        ax_client *ax = NULL;

        assert_result(fake_connect(fake, body, &ax), 0);
        return ax;
}

static size_t count_descriptors(void) {
        DIR *directory = opendir("/proc/self/fd");
        size_t n = 0;

        ck_assert_ptr_nonnull(directory);
        while (readdir(directory))
                n++;
        closedir(directory);
        return n;
}

/* The reply to fake->request. */
static struct fake_reply reply_to(const struct fake *fake, int status) {
        return (struct fake_reply){ .serial = fake->request.header.serial,
                                    .method = fake->request.header.method,
                                    .status = status };
}

/* ---- frames that are none -------------------------------------------------------------------- */

/* A reply to Getppid, changed. */
struct bad_frame {
        const char *what;
        uint32_t length, serial, method, trailer, flags; /* added to the right value */
        size_t size;                                     /* of the packet; 0: what length says */
        size_t payload;                                  /* bytes behind the header, counted in length */
};

static const struct bad_frame bad_frames[] = {
        { .what = "shorter than a header", .size = 10 },
        { .what = "length too large", .length = 1, .size = AX_FRAME_HEADER_SIZE },
        { .what = "length too small", .length = (uint32_t) -1, .size = AX_FRAME_HEADER_SIZE },
        { .what = "length of all bits", .length = UINT32_MAX - AX_FRAME_HEADER_SIZE, .size = AX_FRAME_HEADER_SIZE },
        { .what = "trailer longer than the frame", .trailer = 1 },
        { .what = "trailer of all bits", .trailer = UINT32_MAX },
        { .what = "trailer where none belongs", .trailer = 8, .payload = 8 },
        { .what = "larger than the maximum", .payload = AX_FRAME_MAX_PAYLOAD + 1 },
        { .what = "unknown serial", .serial = 1000 },
        { .what = "serial of the past", .serial = (uint32_t) -1 },
        { .what = "another method", .method = 1 },
        { .what = "method of all bits", .method = UINT32_MAX },
        { .what = "a request", .flags = (uint32_t) -AX_FRAME_REPLY },
        { .what = "an event with a serial", .flags = AX_FRAME_EVENT - AX_FRAME_REPLY },
        { .what = "unknown flags", .flags = 0x10 },
        { .what = "a signal that does not exist", .flags = AX_SIGNAL_LIMIT << AX_FRAME_SIGNAL_SHIFT },
        { .what = "a signal of all bits", .flags = UINT32_MAX << AX_FRAME_SIGNAL_SHIFT },
};

static void serve_bad_frame(struct fake *fake) {
        const struct bad_frame *bad = fake->userdata;
        static uint8_t bytes[AX_FRAME_MAX_SIZE + 64];
        struct ax_frame_header header;
        size_t size = bad->size;

        if (!fake_expect(fake, "Getppid"))
                return;
        header = (struct ax_frame_header){
                .length = (uint32_t) (AX_FRAME_HEADER_SIZE + bad->payload) + bad->length,
                .serial = fake->request.header.serial + bad->serial,
                .method = fake->request.header.method + bad->method,
                .trailer = bad->trailer,
                .flags = AX_FRAME_REPLY + bad->flags,
        };
        ax_frame_header_encode(&header, bytes);
        if (size == 0)
                size = header.length;
        wire_send_bytes(fake->fd, bytes, size, NULL, 0);
        if (fake_receive(fake))
                fake_complain(fake, "the connection goes on");
}

START_TEST(test_bad_frames_end_the_connection) {
        for (size_t i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
                struct fake fake = { .userdata = (void *) &bad_frames[i] };
                ax_client *ax = connect_ok(&fake, serve_bad_frame);
                int first = ax_getppid(ax), second = ax_getppid(ax);

                fake_end(&fake); /* sees the end before ax_disconnect() */
                ck_assert_msg(first == -AX_EPROTO, "%s: %s", bad_frames[i].what, ax_error_name(first));
                ck_assert_msg(second == -AX_ESRCH, "%s: then %s", bad_frames[i].what, ax_error_name(second));
                ax_disconnect(ax);
        }
}
END_TEST

static void serve_empty_packet(struct fake *fake) {
        if (fake_expect(fake, "Getppid"))
                wire_send_bytes(fake->fd, "", 0, NULL, 0);
        if (fake_receive(fake))
                fake_complain(fake, "the connection goes on");
}

START_TEST(test_an_empty_packet_ends_the_connection) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_empty_packet);

        ck_assert_int_lt(ax_getppid(ax), 0);
        assert_error(ax_getppid(ax), AX_ESRCH);
        fake_end(&fake);
        ax_disconnect(ax);
}
END_TEST

static void serve_two_replies(struct fake *fake) {
        if (!fake_expect(fake, "Getppid"))
                return;
        fake_answer(fake, 1);
        fake_answer(fake, 1);
        fake_serve(fake);
}

START_TEST(test_a_second_reply_ends_the_connection) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_two_replies);

        assert_result(ax_getppid(ax), 1);
        assert_error(ax_getppid(ax), AX_EPROTO);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/* ---- replies that do not fit their request --------------------------------------------------- */

/* Answers the next call with this, and all others with success. */
struct canned {
        const char *method;
        int status;
        const ProtobufCMessage *message;
        const void *trailer;
        size_t trailer_size;
        int fds[AX_FRAME_MAX_FDS];
        size_t n_fds;
};

static void serve_canned(struct fake *fake) {
        const struct canned *canned = fake->userdata;
        struct fake_reply reply;

        if (!fake_expect(fake, canned->method))
                return;
        reply = reply_to(fake, canned->status);
        reply.message = canned->message;
        reply.trailer = canned->trailer;
        reply.trailer_size = canned->trailer_size;
        reply.fds = canned->fds;
        reply.n_fds = canned->n_fds;
        fake_send(fake, &reply);
        fake_serve(fake);
}

static const char noise[64] = "################################################################";

START_TEST(test_more_data_than_asked_for) {
        struct canned canned = { .method = "Read", .status = 9, .trailer = noise, .trailer_size = 9 };
        struct fake fake = { .userdata = &canned };
        ax_client *ax = connect_ok(&fake, serve_canned);
        char buf[16] = "";

        assert_error(ax_read(ax, 3, buf, 8), AX_EPROTO);
        ck_assert_int_eq(buf[8], 0);
        assert_error(ax_read(ax, 3, buf, 8), AX_ESRCH);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/* A count that is not what came would make the caller look at bytes that nobody wrote. */
START_TEST(test_counts_beyond_the_data) {
        const struct canned canned[] = {
                { .method = "Read", .status = 1000, .trailer = noise, .trailer_size = 4 },
                { .method = "ConsoleTakeOutput", .status = 1000, .trailer = noise, .trailer_size = 4 },
                { .method = "Write", .status = 1000 },
                { .method = "ConsolePushInput", .status = 1000 },
        };

        for (size_t i = 0; i < sizeof(canned) / sizeof(canned[0]); i++) {
                struct fake fake = { .userdata = (void *) &canned[i] };
                ax_client *ax = connect_ok(&fake, serve_canned);
                char buf[16];
                ssize_t r = i == 0   ? ax_read(ax, 0, buf, sizeof(buf))
                            : i == 1 ? ax_console_take_output(ax, buf, sizeof(buf))
                            : i == 2 ? ax_write(ax, 1, noise, 16)
                                     : ax_console_push_input(ax, noise, 16);

                ck_assert_msg(r == -AX_EPROTO, "%s: %zd", canned[i].method, r);
                ax_disconnect(ax);
                fake_end(&fake);
        }
}
END_TEST

START_TEST(test_a_message_that_does_not_unpack) {
        struct ax_stat status;
        Axeberg__CancelRequest odd = AXEBERG__CANCEL_REQUEST__INIT; /* a varint where StatReply has one; so add noise */
        ProtobufCMessageUnknownField field = {
                .tag = 1, .wire_type = PROTOBUF_C_WIRE_TYPE_64BIT, .len = 3, .data = (uint8_t *) "abc"
        };
        struct canned canned = { .method = "Fstat", .message = &odd.base };
        struct fake fake = { .userdata = &canned };
        ax_client *ax;

        odd.base.n_unknown_fields = 1;
        odd.base.unknown_fields = &field;
        ax = connect_ok(&fake, serve_canned);
        assert_error(ax_fstat(ax, 3, &status), AX_EPROTO);
        assert_error(ax_fstat(ax, 3, &status), AX_ESRCH);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/* Would never end if it were believed. */
static void serve_endless_processes(struct fake *fake) {
        Axeberg__ProcessInfo info = AXEBERG__PROCESS_INFO__INIT, *infos[] = { &info };
        Axeberg__ProcessListReply message = AXEBERG__PROCESS_LIST_REPLY__INIT;
        struct fake_reply reply;

        info.pid = 5;
        info.state = info.command = (char *) "";
        message.processes = infos;
        message.n_processes = 1;
        message.more = true;
        for (int i = 0; i < 3 && fake_receive(fake); i++) {
                if (fake->request.header.method != wire_method("ProcessList"))
                        break;
                reply = reply_to(fake, 0);
                reply.message = &message.base;
                fake_send(fake, &reply);
                if (i == 2)
                        fake_complain(fake, "the same process a third time");
        }
        fake_answer(fake, 0);
        fake_serve(fake);
}

START_TEST(test_a_process_list_without_end) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_endless_processes);
        struct ax_process *list = NULL;

        assert_error(ax_process_list(ax, &list), AX_EPROTO);
        ck_assert_ptr_null(list);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

static void serve_hello_without_pid(struct fake *fake) {
        Axeberg__HelloReply message = AXEBERG__HELLO_REPLY__INIT;
        struct fake_reply reply;

        message.version = AX_PROTOCOL_VERSION;
        if (!fake_expect(fake, "Hello"))
                return;
        reply = reply_to(fake, *(int *) fake->userdata);
        reply.message = &message.base;
        fake_send(fake, &reply);
        if (fake_receive(fake))
                fake_complain(fake, "the connection goes on");
}

START_TEST(test_a_hello_without_a_pid) {
        for (int status = 0; status < 2; status++) {
                ax_client *ax = NULL;
                struct fake fake = { .userdata = &status };

                assert_error(fake_connect_unanswered(&fake, serve_hello_without_pid, &ax), AX_EPROTO);
                ck_assert_ptr_null(ax);
                fake_end(&fake);
        }
}
END_TEST

/* Daemons of other versions: one refuses the client, one does not notice. */
static void serve_other_version(struct fake *fake) {
        Axeberg__HelloReply message = AXEBERG__HELLO_REPLY__INIT;
        struct fake_reply reply;

        if (!fake_expect(fake, "Hello"))
                return;
        message.version = AX_PROTOCOL_VERSION - 1;
        message.pid = FAKE_PID;
        reply = reply_to(fake, *(int *) fake->userdata);
        if (reply.status == 0)
                reply.message = &message.base;
        fake_send(fake, &reply);
        if (fake_receive(fake))
                fake_complain(fake, "the connection goes on");
}

START_TEST(test_daemons_of_other_versions) {
        int statuses[] = { -AX_EPROTO, 0 };

        for (int i = 0; i < 2; i++) {
                ax_client *ax = NULL;
                struct fake fake = { .userdata = &statuses[i] };

                assert_error(fake_connect_unanswered(&fake, serve_other_version, &ax), AX_EPROTO);
                ck_assert_ptr_null(ax);
                fake_end(&fake);
        }
        ck_assert_ptr_nonnull(strstr(ax_strerror(-AX_EPROTO), "different version"));
}
END_TEST

/* ---- descriptors ----------------------------------------------------------------------------- */

enum { SENT = 5 };

static void fill_fds(struct canned *canned, int fd) {
        canned->n_fds = SENT;
        for (size_t i = 0; i < SENT; i++)
                canned->fds[i] = fd;
}

START_TEST(test_descriptors_nobody_asked_for_are_closed) {
        struct canned canned = { .method = "Getppid", .status = 1 };
        struct fake fake = { .userdata = &canned };
        ax_client *ax = connect_ok(&fake, serve_canned);
        size_t before = count_descriptors();

        fill_fds(&canned, STDERR_FILENO);
        assert_result(ax_getppid(ax), 1);
        ck_assert_uint_eq(count_descriptors(), before);
        assert_result(ax_getppid(ax), 0);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/* With errors, with a reply that says there are others, with a frame that breaks the connection. */
START_TEST(test_descriptors_of_bad_replies_are_closed) {
        Axeberg__MountListReply none = AXEBERG__MOUNT_LIST_REPLY__INIT;
        const struct canned canned[] = {
                { .method = "MountList", .status = -AX_EPERM },
                { .method = "MountList", .status = 0, .message = &none.base },
                { .method = "MountList", .trailer = noise, .trailer_size = 1 },
                { .method = "Readdir", .status = -AX_ENOENT },
                { .method = "Readdir", .status = 1 },
        };

        for (size_t i = 0; i < sizeof(canned) / sizeof(canned[0]); i++) {
                struct canned copy = canned[i];
                struct fake fake = { .userdata = &copy };
                ax_client *ax = connect_ok(&fake, serve_canned);
                struct ax_mount *mounts = NULL;
                char **names = NULL;
                size_t before = count_descriptors(), after;

                fill_fds(&copy, STDERR_FILENO);
                if (strcmp(copy.method, "MountList") == 0)
                        ck_assert_int_lt(ax_mount_list(ax, &mounts), 0);
                else
                        ck_assert_int_lt(ax_readdir(ax, "/", &names), 0);
                ck_assert_ptr_null(mounts);
                ck_assert_ptr_null(names);
                after = count_descriptors();
                ck_assert_msg(after == before, "case %zu: %zu descriptors, before %zu", i, after, before);
                ax_disconnect(ax);
                fake_end(&fake);
        }
}
END_TEST

START_TEST(test_no_room_for_a_descriptor) {
        Axeberg__NamesReply message = AXEBERG__NAMES_REPLY__INIT;
        struct canned canned = { .method = "Readdir", .status = 1, .message = &message.base };
        struct fake fake = { .userdata = &canned };
        ax_client *ax = connect_ok(&fake, serve_canned);
        struct rlimit limit, low;
        int spare = dup(STDERR_FILENO);
        char **names = NULL;

        message.size = 2;
        fill_fds(&canned, STDERR_FILENO);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        low.rlim_cur = (rlim_t) spare;
        close(spare);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
        while (dup(STDERR_FILENO) >= 0)
                ;
        assert_error(ax_readdir(ax, "/", &names), AX_EMFILE);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_result(ax_getppid(ax), 0);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("replies");

        fixture_add(suite, test_bad_frames_end_the_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_an_empty_packet_ends_the_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_second_reply_ends_the_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_more_data_than_asked_for, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_counts_beyond_the_data, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_message_that_does_not_unpack, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_process_list_without_end, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_hello_without_a_pid, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_daemons_of_other_versions, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_descriptors_nobody_asked_for_are_closed, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_descriptors_of_bad_replies_are_closed, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_no_room_for_a_descriptor, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
