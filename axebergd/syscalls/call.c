#include "syscalls/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "process/process.h"
#include "syscalls/describe.h"

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

void call_continues(struct call *call) {
        call->continued = true;
        call->kernel->counters.calls--;
        call->process->calls--;
}

int call_keep(struct call *call) {
        int r;

        if (call->in_flight)
                return 0;
        if (call->trailer_size > 0) {
                call->trailer_copy = malloc(call->trailer_size);
                if (!call->trailer_copy)
                        return -ENOMEM;
                memcpy(call->trailer_copy, call->trailer, call->trailer_size);
                call->trailer = call->trailer_copy;
        }
        r = call->connection->ops->keep(call->connection, call);
        if (r == 0)
                call->in_flight = true;
        return r;
}

/* A stopped process makes no progress: what could go on is held until it is continued. */
static void call_on_run(struct waiter *waiter) {
        struct call *call = (struct call *) ((char *) waiter - offsetof(struct call, waiter));

        if (call->process->state == PROCESS_STOPPED)
                wait_queue_add(&call->process->held, waiter);
        else
                call->resume(call);
}

/* Not of readers of the trace, who would be woken by it. */
static void trace_parking(const struct call *call, const char *what) {
        if (describe_is_traced(call->method))
                trace_process(call->process, AX_TRACE_SCHEDULER, what, "%s", describe_method(call->method));
}

int call_park(struct call *call, struct wait_queue *queue, void (*resume)(struct call *),
              int (*drop)(struct call *, int)) {
        int r;

        if (signal_is_due(call->process))
                return -EINTR;
        r = call_keep(call);
        if (r < 0)
                return r;
        call->resume = resume;
        call->drop = drop;
        call->waiter.run_queue = &call->kernel->run_queue;
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

void call_abort(struct call *call, int status) {
        call_unpark(call); /* from a queue that may go with what is dropped */
        status = call->drop(call, status);
        call_reply(call, status);
}
