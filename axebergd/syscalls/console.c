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

SYSCALL(sys_console_push_input, Empty, Empty) {
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

/* Return: whether there was something to answer with. */
static bool take(struct call *call, struct taking *taking, bool even_nothing) {
        Axeberg__ConsoleTakeReply reply = AXEBERG__CONSOLE_TAKE_REPLY__INIT;
        struct console *console = call->kernel->console;
        size_t n = taking->follow
                           ? console_follow_output(console, &taking->offset, take_buffer, taking->size, &reply.lost)
                           : console_take_output(console, take_buffer, taking->size, &reply.lost);

        if (n == 0 && !even_nothing)
                return false;
        reply.offset = taking->offset;
        call->reply.trailer = take_buffer;
        call->reply.trailer_size = n;
        call_reply_message(call, (int) n, &reply.base);
        return true;
}

static int take_drop(struct call *call, int status) {
        free(call->data);
        return status;
}

static void take_attempt(struct call *call) {
        struct taking *taking = call->data;
        int r;

        if (take(call, taking, false)) {
                free(taking);
                return;
        }
        r = call_park(call, console_output_queue(call->kernel->console), take_attempt, take_drop);
        if (r < 0) {
                free(taking);
                call_reply(call, r);
        }
}

SYSCALL(sys_console_take_output, ConsoleTakeRequest, ConsoleTakeReply) {
        struct taking taking = { .size = request->size, .follow = request->follow, .offset = request->offset };

        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        if (request->wait && taking.size == 0) {
                call_reply(call, -EINVAL);
                return;
        }
        if (taking.size > sizeof(take_buffer))
                taking.size = sizeof(take_buffer);
        if (!request->wait) {
                take(call, &taking, true);
                return;
        }
        call->data = malloc(sizeof(taking));
        if (!call->data) {
                call_reply(call, -ENOMEM);
                return;
        }
        *(struct taking *) call->data = taking;
        take_attempt(call);
}

SYSCALL(sys_console_size, ConsoleSizeRequest, ConsoleSizeReply) {
        Axeberg__ConsoleSizeReply reply = AXEBERG__CONSOLE_SIZE_REPLY__INIT;
        struct console *console = call->kernel->console;
        int r = 0;

        if (request->set && !process_is_administrator(call->process))
                r = -EPERM;
        else if (request->set)
                r = console_set_size(console, request->rows, request->columns);
        console_size(console, &reply.rows, &reply.columns);
        call_reply_message(call, r, &reply.base);
}

void syscalls_add_console(Axeberg__Kernel_Service *service) {
        service->console_push_input = sys_console_push_input;
        service->console_take_output = sys_console_take_output;
        service->console_size = sys_console_size;
}
