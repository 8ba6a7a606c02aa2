/* SPDX-License-Identifier: MIT */
/*
 * What the library makes of names, long transfers and arguments: names are taken from the trailer
 * or a memfd and checked, transfers are cut into frames and put together again, and what is wrong
 * at first sight reaches nobody.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_server.h"

static ax_client *connect_ok(struct fake *fake, void (*body)(struct fake *fake)) {
        ax_client *ax = NULL;

        assert_result(fake_connect(fake, body, &ax), 0);
        return ax;
}

/* The reply to fake->request. */
static struct fake_reply reply_to(const struct fake *fake, int status) {
        return (struct fake_reply){ .serial = fake->request.header.serial,
                                    .method = fake->request.header.method,
                                    .status = status };
}

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

/* ---- names ----------------------------------------------------------------------------------- */

static int names_memfd(const char *text, size_t size) {
        int fd = memfd_create("names", MFD_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, size), (ssize_t) size);
        return fd;
}

static void check_names(bool memfd, const char *text, size_t size, uint64_t told_size, int count, int expected) {
        Axeberg__NamesReply message = AXEBERG__NAMES_REPLY__INIT;
        struct canned canned = { .method = "Readdir", .status = count, .message = &message.base };
        struct fake fake = { .userdata = &canned };
        ax_client *ax = connect_ok(&fake, serve_canned);
        char **names = NULL;

        message.size = told_size;
        if (memfd) {
                canned.fds[0] = names_memfd(text, size);
                canned.n_fds = 1;
        } else {
                canned.trailer = text;
                canned.trailer_size = size;
        }
        assert_result(ax_readdir(ax, "/", &names), expected);
        for (int i = 0; i < expected; i++, text += strlen(text) + 1)
                ck_assert_str_eq(names[i], text);
        if (expected >= 0)
                ck_assert_ptr_null(names[expected]);
        else
                ck_assert_ptr_null(names);
        ax_names_free(names);
        ax_disconnect(ax);
        fake_end(&fake);
        if (memfd)
                close(canned.fds[0]);
}

START_TEST(test_names_come_in_both_ways) {
        for (int memfd = 0; memfd < 2; memfd++) {
                check_names(memfd, "a\0bc\0d", 7, 7, 3, 3);
                check_names(memfd, "", 0, 0, 0, 0);
        }
}
END_TEST

START_TEST(test_names_that_are_not_what_is_said) {
        for (int memfd = 0; memfd < 2; memfd++) {
                check_names(memfd, "a\0bc\0d", 7, 7, 4, -AX_EPROTO);
                check_names(memfd, "a\0bc\0d", 7, 7, INT32_MAX / 64, -AX_EPROTO);
                check_names(memfd, "a\0bc\0d", 7, 8, 3, -AX_EPROTO);
                check_names(memfd, "a\0bc\0d", 7, 6, 3, -AX_EPROTO);
                check_names(memfd, "a\0bc\0d", 7, UINT64_MAX, 3, -AX_EPROTO);
                check_names(memfd, "", 0, 0, 1, -AX_EPROTO);
        }
        check_names(false, "unended", 7, 7, 1, 1);
}
END_TEST

/* ---- transfers ------------------------------------------------------------------------------- */

enum { BIG = 2 * AX_FRAME_MAX_DATA + 1000 };

/* A script: one result for each request of a transfer. */
struct transfer {
        const char *method;
        int results[4];
        size_t n_results;
};

static int64_t requested_offset(struct fake *fake, const char *method) {
        Axeberg__PwriteRequest *write;
        Axeberg__PreadRequest *read;
        int64_t offset = -1;

        if (strcmp(method, "Pwrite") == 0 && (write = fake_unpack(fake, pwrite_request))) {
                offset = write->offset;
                axeberg__pwrite_request__free_unpacked(write, NULL);
        } else if (strcmp(method, "Pread") == 0 && (read = fake_unpack(fake, pread_request))) {
                offset = read->offset;
                axeberg__pread_request__free_unpacked(read, NULL);
        }
        return offset;
}

static void serve_transfer(struct fake *fake) {
        const struct transfer *transfer = fake->userdata;
        static char data[AX_FRAME_MAX_DATA];
        bool reads = strcmp(transfer->method, "Pread") == 0;
        int64_t offset = 5;

        for (size_t i = 0; i < transfer->n_results; i++) {
                int result = transfer->results[i];
                struct fake_reply reply;

                if (!fake_expect(fake, transfer->method))
                        return;
                if (requested_offset(fake, transfer->method) != offset)
                        fake_complain(fake, "request %zu is not at offset %lld", i, (long long) offset);
                reply = reply_to(fake, result);
                memset(data, 'a' + (int) i, sizeof(data));
                reply.trailer = data;
                reply.trailer_size = reads && result > 0 ? (size_t) result : 0;
                fake_send(fake, &reply);
                offset += result;
        }
        if (fake_expect(fake, "Exit"))
                fake_answer(fake, 0);
}

static void check_transfer(struct transfer transfer, ssize_t expected) {
        struct fake fake = { .userdata = &transfer };
        ax_client *ax = connect_ok(&fake, serve_transfer);
        char *buf = calloc(1, BIG);
        ssize_t r =
                strcmp(transfer.method, "Pread") == 0 ? ax_pread(ax, 3, buf, BIG, 5) : ax_pwrite(ax, 3, buf, BIG, 5);

        ax_disconnect(ax);
        fake_end(&fake);
        assert_result(r, expected);
        for (ssize_t i = 0; r > 0 && i < r && buf[0]; i += AX_FRAME_MAX_DATA)
                ck_assert_int_eq(buf[i], 'a' + (int) (i / AX_FRAME_MAX_DATA));
        free(buf);
}

START_TEST(test_long_reads) {
        const int full = AX_FRAME_MAX_DATA;

        check_transfer((struct transfer){ "Pread", { full, full, 1000 }, 3 }, BIG);
        check_transfer((struct transfer){ "Pread", { full, 7 }, 2 }, full + 7);
        check_transfer((struct transfer){ "Pread", { full, 0 }, 2 }, full);
        check_transfer((struct transfer){ "Pread", { full, -AX_EIO }, 2 }, full);
        check_transfer((struct transfer){ "Pread", { 7 }, 1 }, 7);
        check_transfer((struct transfer){ "Pread", { -AX_EIO }, 1 }, -AX_EIO);
}
END_TEST

START_TEST(test_long_writes) {
        const int full = AX_FRAME_MAX_DATA;

        check_transfer((struct transfer){ "Pwrite", { full, full, 1000 }, 3 }, BIG);
        check_transfer((struct transfer){ "Pwrite", { full, -AX_ENOSPC }, 2 }, full);
        check_transfer((struct transfer){ "Pwrite", { full, 0 }, 2 }, full);
        check_transfer((struct transfer){ "Pwrite", { -AX_EPIPE }, 1 }, -AX_EPIPE);
}
END_TEST

static void serve_reads_at_the_end(struct fake *fake) {
        static const char data[AX_FRAME_MAX_DATA];
        struct fake_reply reply;

        if (!fake_expect(fake, "Pread"))
                return;
        reply = reply_to(fake, sizeof(data));
        reply.trailer = data;
        reply.trailer_size = sizeof(data);
        fake_send(fake, &reply);
        if (!fake_receive(fake))
                return;
        if (fake->request.header.method == wire_method("Pread"))
                fake_complain(fake, "a read beyond the largest offset");
        fake_answer(fake, 0);
        fake_serve(fake);
}

START_TEST(test_offsets_do_not_overflow) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_reads_at_the_end);
        char *buf = malloc(BIG);

        assert_result(ax_pread(ax, 3, buf, BIG, INT64_MAX - 10), AX_FRAME_MAX_DATA);
        ax_disconnect(ax);
        fake_end(&fake);
        free(buf);
}
END_TEST

static bool may_wait(const struct fake *fake) {
        Axeberg__ReadRequest *request =
                axeberg__read_request__unpack(NULL, fake->request.message_size, fake->request.message);
        bool result = request && !request->continued;

        axeberg__read_request__free_unpacked(request, NULL);
        return result;
}

/* A console: it has data, and then nothing for now. */
static void serve_console(struct fake *fake) {
        static const char data[AX_FRAME_MAX_DATA];
        struct fake_reply reply;

        if (!fake_expect(fake, "Read"))
                return;
        if (!may_wait(fake))
                fake_complain(fake, "a first read that does not wait");
        reply = reply_to(fake, sizeof(data));
        reply.trailer = data;
        reply.trailer_size = sizeof(data);
        fake_send(fake, &reply);
        if (!fake_expect(fake, "Read"))
                return;
        if (may_wait(fake))
                fake_complain(fake, "a read that would wait");
        fake_answer(fake, -AX_EAGAIN);
        fake_serve(fake);
}

START_TEST(test_a_console_is_not_waited_for_twice) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_console);
        char *buf = malloc(BIG);

        assert_result(ax_read(ax, AX_STDIN, buf, BIG), AX_FRAME_MAX_DATA);
        ax_disconnect(ax);
        fake_end(&fake);
        free(buf);
}
END_TEST

/* ---- arguments ------------------------------------------------------------------------------- */

static void serve_exit_only(struct fake *fake) {
        if (fake_expect(fake, "Exit"))
                fake_answer(fake, 0);
}

START_TEST(test_bad_arguments_reach_nobody) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_exit_only);
        char *path = malloc(5000);

        memset(path, 'x', 4999);
        path[4999] = '\0';
        assert_error(ax_getppid(NULL), AX_EINVAL);
        assert_error(ax_read(NULL, 0, path, 1), AX_EINVAL);
        assert_error(ax_read(ax, 0, NULL, 1), AX_EINVAL);
        assert_error(ax_write(ax, 0, NULL, 1), AX_EINVAL);
        assert_error(ax_pread(ax, 0, path, 1, -1), AX_EINVAL);
        assert_error(ax_pwrite(ax, 0, path, 1, INT64_MIN), AX_EINVAL);
        assert_error(ax_open(ax, NULL, AX_READ), AX_EINVAL);
        assert_error(ax_open(ax, "", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, path, AX_READ), AX_ENAMETOOLONG);
        assert_error(ax_rename(ax, "a", NULL), AX_EINVAL);
        assert_error(ax_stat(ax, "/", NULL), AX_EINVAL);
        assert_error(ax_readdir(ax, "/", NULL), AX_EINVAL);
        assert_error(ax_getcwd(ax, NULL, 5), AX_EINVAL);
        assert_error(ax_getcwd(ax, path, 0), AX_EINVAL);
        assert_error(ax_readlink(ax, "/", path, 0), AX_EINVAL);
        assert_error(ax_console_push_input(ax, NULL, 1), AX_EINVAL);
        assert_error(ax_status(ax, NULL), AX_EINVAL);
        assert_error(ax_mount_report(ax, NULL), AX_EINVAL);
        assert_error(ax_cancel_new(NULL), AX_EINVAL);
        assert_error(ax_fileno(NULL), AX_EINVAL);
        ax_cancel_fire(NULL);
        ax_disconnect(NULL);
        ax_names_free(NULL);
        assert_result(ax_getpid(ax), FAKE_PID);
        ax_disconnect(ax);
        fake_end(&fake);
        free(path);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("transfers");

        fixture_add(suite, test_names_come_in_both_ways, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_names_that_are_not_what_is_said, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_long_reads, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_long_writes, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_offsets_do_not_overflow, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_console_is_not_waited_for_twice, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_bad_arguments_reach_nobody, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
