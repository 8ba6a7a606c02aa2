/* SPDX-License-Identifier: MIT */
#include "syscalls/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "methods.h"
#include "process/lifecycle.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/stop.h"

void call_reply_message(struct call *call, int status, const ProtobufCMessage *message) {
        call_unpark(call);
        call->reply.status = status;
        call->closure(message, call);
}

void call_reply(struct call *call, int64_t status) {
        Axeberg__Empty empty = AXEBERG__EMPTY__INIT;

        call_reply_message(call, (int) status, &empty.base);
}

void call_reply_trailer(struct call *call, int status, const void *data, size_t size) {
        call->reply.trailer = data;
        call->reply.trailer_size = size;
        call_reply(call, status);
}

void call_reply_id(struct call *call, int status, uint64_t id) {
        Axeberg__IdReply reply = AXEBERG__ID_REPLY__INIT;

        reply.id = id;
        call_reply_message(call, status, &reply.base);
}

void call_continues(struct call *call) {
        call->continued = true;
        call->kernel->counters.calls--;
        call->process->calls--;
}

/*
 * What a call that is kept counts as, beside its data. It takes less memory, but it may have to be
 * woken, and a loop over all that one user has waiting must be short.
 */
enum { KEPT_SIZE = 16384 };

int call_keep(struct call *call) {
        int r;

        if (call->in_flight)
                return 0;
        r = user_charge(call->connection->peer.user, &call->buffer_charge, USER_BUFFERS,
                        KEPT_SIZE + call_buffer_size(call->trailer_size));
        if (r == 0)
                r = call->connection->ops->keep(call->connection, call);
        if (r == 0)
                call->in_flight = true;
        return r;
}

static void call_on_run(struct waiter *waiter) {
        struct call *call = (struct call *) ((char *) waiter - offsetof(struct call, waiter));

        if (process_is_stopped(call->process))
                process_hold(call->process, waiter);
        else
                call->resume(call);
}

/* Not of readers of the trace, who would be woken by it. */
static void trace_parking(const struct call *call, const char *what) {
        if (!ax_methods[call->method].untraced)
                trace_process(call->process, AX_TRACE_SCHEDULER, what, "%s", ax_methods[call->method].name);
}

int call_park(struct call *call, struct wait_queue *queue, void (*resume)(struct call *),
              int (*drop)(struct call *, int)) {
        int r;

        if (signal_interrupts(call->process))
                return -EINTR;
        r = call_keep(call);
        if (r < 0)
                return r;
        call->resume = resume;
        call->drop = drop;
        call->waiter.lane = &call->process->user->lane;
        call->waiter.run = call_on_run;
        call->waiter.granted = false;
        wait_queue_add(queue, &call->waiter);
        if (!call->parked) {
                process_park(call->process);
                trace_parking(call, "parked");
        }
        call->parked = true;
        return 0;
}

void call_unpark(struct call *call) {
        if (!call->parked)
                return;
        call->parked = false;
        wait_queue_remove(&call->waiter);
        if (call->process) {
                process_unpark(call->process);
                trace_parking(call, "woken");
        }
}

int call_drop_data(struct call *call, int status) {
        free(call->data);
        return status;
}

void call_abort(struct call *call, int status) {
        call_unpark(call); /* from a queue that may go with what is dropped */
        status = call->drop(call, status);
        call_reply(call, status);
}
