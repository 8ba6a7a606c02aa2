/* SPDX-License-Identifier: MIT */
/*
 * The operator's side of the console.
 */
#include <errno.h>
#include <stdlib.h>

#include "kernel.h"
#include "object/console.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"

static uint8_t take_buffer[AX_FRAME_MAX_DATA];

SYSCALL(console_push_input, Empty, Empty) {
        (void) request;
        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        call_reply(call, console_push_input(call->kernel->console, call->trailer, call->trailer_size));
}

struct taking {
        size_t size;
        bool follow;
        uint64_t offset;
};

static void taking_reply(struct call *call, const struct taking *taking, size_t size, uint64_t lost) {
        Axeberg__ConsoleFollowReply followed = AXEBERG__CONSOLE_FOLLOW_REPLY__INIT;
        Axeberg__ConsoleTakeReply taken = AXEBERG__CONSOLE_TAKE_REPLY__INIT;

        followed.offset = taking->offset;
        followed.lost = taken.lost = lost;
        call->reply.trailer = take_buffer;
        call->reply.trailer_size = size;
        call_reply_message(call, (int) size, taking->follow ? &followed.base : &taken.base);
}

/* Answers if there is something, or `even_nothing`. Returns true if it has answered. */
static bool take(struct call *call, struct taking *taking, bool even_nothing) {
        struct console *console = call->kernel->console;
        uint64_t lost;
        size_t n = taking->follow ? console_follow_output(console, &taking->offset, take_buffer, taking->size, &lost)
                                  : console_take_output(console, take_buffer, taking->size, &lost);

        if (n == 0 && !even_nothing)
                return false;
        taking_reply(call, taking, n, lost);
        return true;
}

static void take_attempt(struct call *call) {
        struct taking *taking = call->data;
        int r;

        if (take(call, taking, false)) {
                free(taking);
                return;
        }
        r = call_park(call, console_output_queue(call->kernel->console), take_attempt, call_drop_data);
        if (r < 0) {
                free(taking);
                call_reply(call, r);
        }
}

/* Checks what is asked. Answers the call with an error, and returns false, if it may not be. */
static bool taking_check(struct call *call, struct taking *taking, bool wait) {
        int r = !process_is_administrator(call->process) ? -EPERM : wait && taking->size == 0 ? -EINVAL : 0;

        if (taking->size > sizeof(take_buffer))
                taking->size = sizeof(take_buffer);
        if (r < 0)
                call_reply(call, r);
        return r == 0;
}

static void wait_and_take(struct call *call, struct taking taking) {
        if (!taking_check(call, &taking, true))
                return;
        call->data = malloc(sizeof(taking));
        if (!call->data) {
                call_reply(call, -ENOMEM);
                return;
        }
        *(struct taking *) call->data = taking;
        take_attempt(call);
}

SYSCALL(console_take_output, ConsoleTakeRequest, ConsoleTakeReply) {
        struct taking taking = { .size = request->size };

        if (taking_check(call, &taking, false))
                take(call, &taking, true);
}

SYSCALL(console_wait_output, ConsoleTakeRequest, ConsoleTakeReply) {
        wait_and_take(call, (struct taking){ .size = request->size });
}

SYSCALL(console_follow, ConsoleFollowRequest, ConsoleFollowReply) {
        wait_and_take(call, (struct taking){ .size = request->size, .follow = true, .offset = request->offset });
}

SYSCALL(console_size, Empty, ConsoleSizeReply) {
        Axeberg__ConsoleSizeReply reply = AXEBERG__CONSOLE_SIZE_REPLY__INIT;

        (void) request;
        console_size(call->kernel->console, &reply.rows, &reply.columns);
        call_reply_message(call, 0, &reply.base);
}

SYSCALL(console_set_size, ConsoleSetSizeRequest, Empty) {
        if (process_is_administrator(call->process))
                call_reply(call, console_set_size(call->kernel->console, request->rows, request->columns));
        else
                call_reply(call, -EPERM);
}
