/*
 * The operator's side of the console.
 */
#include <errno.h>

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

static void take_reply(struct call *call, size_t n, uint64_t lost) {
        Axeberg__ConsoleTakeReply reply = AXEBERG__CONSOLE_TAKE_REPLY__INIT;

        reply.lost = lost;
        call->reply.trailer = take_buffer;
        call->reply.trailer_size = n;
        call_reply_message(call, (int) n, &reply.base);
}

static int take_drop(struct call *call, int status) {
        call->data = NULL;
        return status;
}

/* Parked without data of its own: the size to take is kept in the pointer's place. */
static void take_attempt(struct call *call) {
        struct console *console = call->kernel->console;
        size_t size = (size_t) (uintptr_t) call->data;
        uint64_t lost;
        size_t n = console_take_output(console, take_buffer, size, &lost);
        int r;

        if (n > 0) {
                take_reply(call, n, lost);
                return;
        }
        r = call_park(call, console_output_queue(console), take_attempt, take_drop);
        if (r < 0)
                call_reply(call, r);
}

SYSCALL(sys_console_take_output, ConsoleTakeRequest, ConsoleTakeReply) {
        size_t size = request->size < sizeof(take_buffer) ? request->size : sizeof(take_buffer);
        uint64_t lost;
        size_t n;

        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        if (request->wait && size == 0) {
                call_reply(call, -EINVAL);
                return;
        }
        if (request->wait) {
                call->data = (void *) (uintptr_t) size;
                take_attempt(call);
                return;
        }
        n = console_take_output(call->kernel->console, take_buffer, size, &lost);
        take_reply(call, n, lost);
}

void syscalls_add_console(Axeberg__Kernel_Service *service) {
        service->console_push_input = sys_console_push_input;
        service->console_take_output = sys_console_take_output;
}
