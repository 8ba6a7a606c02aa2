/* SPDX-License-Identifier: MIT */
/*
 * Replies and the size of a frame: lists stop in time, and nothing longer is sent.
 */
#include "fixture.h"

#include <string.h>

#include "syscalls/reply_list.h"

enum { MOST_ITEMS = 8192 };

/* The reply that a list of items of this size makes; returns how many there are. */
static size_t fill(Axeberg__ProcessListReply *reply, char *command, size_t size) {
        static Axeberg__ProcessInfo infos[MOST_ITEMS], *pointers[MOST_ITEMS];
        struct reply_list taken = { 0 };

        memset(command, 'x', size);
        command[size] = '\0';
        axeberg__process_list_reply__init(reply);
        reply->processes = pointers;
        for (; reply->n_processes < MOST_ITEMS; reply->n_processes++) {
                Axeberg__ProcessInfo *info = &infos[reply->n_processes];

                axeberg__process_info__init(info);
                info->pid = (int32_t) reply->n_processes + 1;
                info->calls = info->memory = info->age_usec = UINT64_MAX;
                info->command = command;
                if (!reply_list_takes(&taken, &info->base))
                        break;
                pointers[reply->n_processes] = info;
        }
        return reply->n_processes;
}

START_TEST(test_a_list_fills_a_frame_and_never_more) {
        static char command[REPLY_LIST_SPACE];

        for (size_t size = 0; size < REPLY_LIST_SPACE - 256; size += 1 + size / 7) {
                Axeberg__ProcessListReply reply;
                size_t count = fill(&reply, command, size), packed;

                ck_assert_uint_gt(count, 0);
                ck_assert_uint_lt(count, MOST_ITEMS);
                packed = axeberg__process_list_reply__get_packed_size(&reply);
                ck_assert_uint_le(packed, REPLY_LIST_SPACE);
                ck_assert_uint_gt(packed + packed / count + REPLY_LIST_TAG * (count + 1), REPLY_LIST_SPACE);
        }
}
END_TEST

START_TEST(test_a_reply_fits_up_to_the_last_byte) {
        ck_assert(reply_fits_frame(0, 0));
        ck_assert(reply_fits_frame(AX_FRAME_MAX_PAYLOAD, 0));
        ck_assert(reply_fits_frame(0, AX_FRAME_MAX_PAYLOAD));
        ck_assert(reply_fits_frame(AX_FRAME_MAX_PAYLOAD - 100, 100));
        ck_assert(!reply_fits_frame(AX_FRAME_MAX_PAYLOAD - 100, 101));
        ck_assert(!reply_fits_frame(AX_FRAME_MAX_PAYLOAD + 1, 0));
        ck_assert(!reply_fits_frame(0, AX_FRAME_MAX_PAYLOAD + 1));
        ck_assert(!reply_fits_frame(SIZE_MAX, SIZE_MAX));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("replies that fit");

        fixture_add(suite, test_a_list_fills_a_frame_and_never_more, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_reply_fits_up_to_the_last_byte, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
