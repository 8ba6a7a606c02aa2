/* SPDX-License-Identifier: MIT */
/*
 * Calls in words: names, arguments and results, as a trace shows them.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syscalls/describe.h"

static struct trace_event event;

static void describe(uint32_t method, const ProtobufCMessage *request, const void *data, size_t size) {
        struct call call = { .method = method, .trailer = data, .trailer_size = size };

        event = (struct trace_event){ 0 };
        describe_request(&call, request, &event);
}

static void assert_request(uint32_t method, const ProtobufCMessage *request, const char *name, const char *text) {
        describe(method, request, NULL, 0);
        ck_assert_str_eq(event.name, name);
        ck_assert_str_eq(event.text, text);
}

static void assert_reply(uint32_t method, int status, const ProtobufCMessage *reply, int64_t result,
                         const char *outcome) {
        const struct call call = { .method = method, .reply.status = status };

        event = (struct trace_event){ 0 };
        describe_reply(&call, reply, &event);
        ck_assert(event.has_result);
        ck_assert_int_eq(event.result, result);
        ck_assert_str_eq(event.outcome, outcome);
}

/* ---- arguments ------------------------------------------------------------------------------- */

START_TEST(test_a_call_without_arguments) {
        Axeberg__Empty empty = AXEBERG__EMPTY__INIT;

        assert_request(AX_METHOD(getppid), &empty.base, "getppid", "");
        assert_request(AX_METHOD(system_memstats), &empty.base, "system_memstats", "");
}
END_TEST

START_TEST(test_flags_and_numbers_have_names) {
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        Axeberg__SeekRequest seek = AXEBERG__SEEK_REQUEST__INIT;
        Axeberg__KillRequest signal = AXEBERG__KILL_REQUEST__INIT;
        Axeberg__MemAllocRequest alloc = AXEBERG__MEM_ALLOC_REQUEST__INIT;
        Axeberg__ChmodRequest mode = AXEBERG__CHMOD_REQUEST__INIT;

        open.path = "/tmp/f";
        open.flags = AX_READ;
        assert_request(AX_METHOD(open), &open.base, "open", "\"/tmp/f\", READ");
        open.flags = AX_O_WRITE | AX_O_CREATE | AX_O_EXCLUSIVE;
        assert_request(AX_METHOD(open), &open.base, "open", "\"/tmp/f\", O_WRITE|O_CREATE|O_EXCLUSIVE");
        open.flags = 0;
        assert_request(AX_METHOD(open), &open.base, "open", "\"/tmp/f\", 0");
        open.flags = AX_O_READ | 0x40000000;
        assert_request(AX_METHOD(open), &open.base, "open", "\"/tmp/f\", READ|0x40000000");
        seek.fd = 3;
        seek.offset = -10;
        seek.whence = SEEK_END;
        assert_request(AX_METHOD(seek), &seek.base, "seek", "3, -10, SEEK_END");
        seek.whence = 77;
        assert_request(AX_METHOD(seek), &seek.base, "seek", "3, -10, 77");
        signal.pid = -1;
        signal.signal = AX_SIGTERM;
        assert_request(AX_METHOD(kill), &signal.base, "kill", "-1, SIGTERM");
        signal.signal = 99;
        assert_request(AX_METHOD(kill), &signal.base, "kill", "-1, 99");
        alloc.size = 4096;
        alloc.protection = AX_PROT_READ_WRITE;
        assert_request(AX_METHOD(mem_alloc), &alloc.base, "mem_alloc", "4096, READ_WRITE");
        mode.path = "f";
        mode.mode = 0640;
        assert_request(AX_METHOD(chmod), &mode.base, "chmod", "\"f\", 0640");
}
END_TEST

START_TEST(test_texts_are_quoted_and_printable) {
        Axeberg__PathRequest path = AXEBERG__PATH_REQUEST__INIT;
        Axeberg__TwoPathRequest paths = AXEBERG__TWO_PATH_REQUEST__INIT;

        path.path = "a\"b\\c\nd\033[2J\xe2\x80\xae";
        assert_request(AX_METHOD(mkdir), &path.base, "mkdir", "\"a\\\"b\\\\c\\nd\\x1b[2J\\u202e\"");
        paths.from = "one";
        paths.to = "";
        assert_request(AX_METHOD(rename), &paths.base, "rename", "\"one\", \"\"");
}
END_TEST

START_TEST(test_data_is_shown_to_some_length) {
        static const char long_data[] = "0123456789abcdefghijklmnopqrstuvwxyz";
        Axeberg__WriteRequest write = AXEBERG__WRITE_REQUEST__INIT;
        Axeberg__PwriteRequest pwrite = AXEBERG__PWRITE_REQUEST__INIT;

        write.fd = 3;
        describe(AX_METHOD(write), &write.base, "\xc3\xa4\n", 3);
        ck_assert_str_eq(event.text, "3, \"\\xc3\\xa4\\n\", 3");
        describe(AX_METHOD(write), &write.base, long_data, 32);
        ck_assert_str_eq(event.text, "3, \"0123456789abcdefghijklmnopqrstuv\", 32");
        describe(AX_METHOD(write), &write.base, long_data, 33);
        ck_assert_str_eq(event.text, "3, \"0123456789abcdefghijklmnopqrstuv\"..., 33");
        pwrite.fd = 4;
        pwrite.offset = 1000;
        describe(AX_METHOD(pwrite), &pwrite.base, "x", 1);
        ck_assert_str_eq(event.text, "4, \"x\", 1, 1000");
}
END_TEST

START_TEST(test_a_text_is_cut_to_its_room) {
        static char path[5000];
        Axeberg__TwoPathRequest paths = AXEBERG__TWO_PATH_REQUEST__INIT;

        for (size_t size = 0; size < sizeof(path); size += size < 2 * sizeof(event.text) ? 1 : 997) {
                memset(path, '\033', size);
                path[size] = '\0';
                paths.from = paths.to = path;
                describe(AX_METHOD(rename), &paths.base, NULL, 0);
                ck_assert_uint_lt(strnlen(event.text, sizeof(event.text)), sizeof(event.text));
                ck_assert_int_eq(event.outcome[0], '\0'); /* which lies behind it */
                ck_assert_ptr_null(strchr(event.text, '\033'));
        }
}
END_TEST

/* ---- results --------------------------------------------------------------------------------- */

START_TEST(test_a_status_is_a_result) {
        Axeberg__Empty empty = AXEBERG__EMPTY__INIT;

        assert_reply(AX_METHOD(dup), 7, &empty.base, 7, "");
        assert_reply(AX_METHOD(dup), -AX_EBADF, &empty.base, -AX_EBADF, "");
}
END_TEST

START_TEST(test_a_large_number_is_a_result) {
        Axeberg__OffsetReply offset = AXEBERG__OFFSET_REPLY__INIT;
        Axeberg__IdReply id = AXEBERG__ID_REPLY__INIT;

        offset.offset = INT64_C(1) << 40;
        assert_reply(AX_METHOD(seek), 0, &offset.base, INT64_C(1) << 40, "");
        assert_reply(AX_METHOD(seek), -AX_EINVAL, &offset.base, -AX_EINVAL, "");
        id.id = 12;
        assert_reply(AX_METHOD(task_create), 0, &id.base, 12, "");
}
END_TEST

START_TEST(test_a_message_is_an_outcome) {
        Axeberg__PipeReply pipe = AXEBERG__PIPE_REPLY__INIT;
        Axeberg__WaitReply wait = AXEBERG__WAIT_REPLY__INIT;
        Axeberg__StatReply stat = AXEBERG__STAT_REPLY__INIT;

        pipe.reader = 3;
        pipe.writer = 4;
        assert_reply(AX_METHOD(pipe), 0, &pipe.base, 0, "{3, 4}");
        assert_reply(AX_METHOD(pipe), -AX_EMFILE, &pipe.base, -AX_EMFILE, "");
        wait.kind = AX_SIGNALED;
        wait.code = AX_SIGKILL;
        assert_reply(AX_METHOD(wait), 5, &wait.base, 5, "{signaled, 9}");
        assert_reply(AX_METHOD(wait), 0, &wait.base, 0, ""); /* nothing to tell yet */
        wait.host_status = true;
        assert_reply(AX_METHOD(wait), 5, &wait.base, 5, "{as the host program ended}");
        stat.ino = 12;
        stat.size = 34;
        stat.mode = 0100644;
        stat.uid = 56;
        stat.gid = 78;
        stat.nlink = 9; /* which only fills the line */
        assert_reply(AX_METHOD(stat), 0, &stat.base, 0, "{ino 12, size 34, mode 0100644, uid 56, gid 78}");
}
END_TEST

START_TEST(test_data_is_an_outcome) {
        struct call call = { .method = AX_METHOD(read),
                             .reply = { .status = 5, .trailer = "a\0b\n\"", .trailer_size = 5 } };
        Axeberg__Empty empty = AXEBERG__EMPTY__INIT;

        event = (struct trace_event){ 0 };
        describe_reply(&call, &empty.base, &event);
        ck_assert_int_eq(event.result, 5);
        ck_assert_str_eq(event.outcome, "\"a\\x00b\\n\\\"\"");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("calls in words");
        TCase *tcase = tcase_create("calls in words");

        tcase_add_test(tcase, test_a_call_without_arguments);
        tcase_add_test(tcase, test_flags_and_numbers_have_names);
        tcase_add_test(tcase, test_texts_are_quoted_and_printable);
        tcase_add_test(tcase, test_data_is_shown_to_some_length);
        tcase_add_test(tcase, test_a_text_is_cut_to_its_room);
        tcase_add_test(tcase, test_a_status_is_a_result);
        tcase_add_test(tcase, test_a_large_number_is_a_result);
        tcase_add_test(tcase, test_a_message_is_an_outcome);
        tcase_add_test(tcase, test_data_is_an_outcome);
        suite_add_tcase(suite, tcase);
        return fixture_main(suite);
}
