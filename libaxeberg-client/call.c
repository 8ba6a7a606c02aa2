/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <assert.h>
#include <stdlib.h>

#include "cancel.h"
#include "debug.h"
#include "in_flight.h"
#include "methods.h"
#include "reader.h"
#include "signal_handlers.h"
#include "transport.h"

/* Sends a call. After a negative error it is not in flight any more. */
static int send_call(ax_client *ax, struct rpc *rpc, const ProtobufCMessage *request) {
        size_t size = protobuf_c_message_get_packed_size(request);
        uint8_t buffer[AX_FRAME_HEADER_SIZE + 512], *frame = buffer;
        int r;

        if (size > AX_FRAME_MAX_PAYLOAD || rpc->trailer_size > AX_FRAME_MAX_PAYLOAD - size)
                return -AX_EMSGSIZE;
        if (AX_FRAME_HEADER_SIZE + size > sizeof(buffer) && !(frame = malloc(AX_FRAME_HEADER_SIZE + size)))
                return -AX_ENOMEM;
        r = in_flight_add(ax, rpc);
        if (r == 0) {
                size = frame_encode(frame, rpc->serial, rpc->method, request, rpc->trailer_size);
                r = reader_send(ax, frame, size, rpc->trailer, rpc->trailer_size);
                if (r < 0)
                        in_flight_fail(ax, rpc, r);
        }
        if (frame != buffer)
                free(frame);
        return r;
}

static int make_call(ax_client *ax, struct rpc *rpc, const ProtobufCMessage *request) {
        int r, cancel_state;

        /*
         * pthread_cancel(3) is for after the call: here it would leave locks behind that others
         * wait for
         */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
        r = send_call(ax, rpc, request);
        if (r == 0 && cancel_current) {
                cancel_watch(ax, rpc->serial);
                reader_wait(ax, rpc);
                cancel_unwatch();
        } else if (r == 0) {
                reader_wait(ax, rpc);
        }
        pthread_setcancelstate(cancel_state, NULL);
        return r;
}

int call_notify(ax_client *ax, uint32_t method, ProtobufCMessage *request) {
        uint8_t frame[AX_FRAME_HEADER_SIZE + 64];
        int r, cancel_state;

        request->descriptor = ax->service.base.descriptor->methods[method].input;
        pthread_mutex_lock(&ax->lock);
        r = ax->broken;
        pthread_mutex_unlock(&ax->lock);
        if (r < 0)
                return r;
        assert(protobuf_c_message_get_packed_size(request) <= sizeof(frame) - AX_FRAME_HEADER_SIZE);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
        r = reader_send(ax, frame, frame_encode(frame, 0, method, request, 0), NULL, 0);
        pthread_setcancelstate(cancel_state, NULL);
        return r;
}

/* Runs the handlers of the signals that are there to be handled. */
static void run_handlers(ax_client *ax, const struct rpc *rpc) {
        if (rpc->signal != 0)
                client_handle_signal(ax, rpc->signal);
        if (!rpc->quiet && atomic_load_explicit(&ax->handlers_due, memory_order_relaxed))
                client_run_handlers(ax);
}

/* What the stubs call. */
static void invoke(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
                   ProtobufCClosure closure, void *data) {
        ax_client *ax = (ax_client *) service;
        uint64_t started_nsec = debug_begin(ax);
        struct rpc *rpc = data;
        int r;

        ((ProtobufCMessage *) request)->descriptor = service->descriptor->methods[method].input;
        rpc->method = method;
        rpc->done = false;
        rpc->signal = 0;
        rpc->message = NULL;
        rpc->sleeper = NULL;
        rpc->data_received = rpc->n_fds = 0;
        r = make_call(ax, rpc, request);
        if (r < 0)
                rpc->status = r;
        debug_end(ax, ax_methods[method].name, rpc->status, started_nsec);
        if (r < 0)
                return;
        run_handlers(ax, rpc);
        if (rpc->message) {
                closure(rpc->message, rpc);
                protobuf_c_message_free_unpacked(rpc->message, NULL);
        }
}

static void refuse_null(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
                        ProtobufCClosure closure, void *data) {
        (void) service, (void) method, (void) request, (void) closure;
        ((struct rpc *) data)->status = -AX_EINVAL;
}

static void refuse_gone(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
                        ProtobufCClosure closure, void *data) {
        (void) service, (void) method, (void) request, (void) closure;
        ((struct rpc *) data)->status = -AX_ESRCH;
}

ProtobufCService *call_refusal(const ax_client *ax) {
        static ProtobufCService null = { .descriptor = &axeberg__kernel__descriptor, .invoke = refuse_null };
        static ProtobufCService gone = { .descriptor = &axeberg__kernel__descriptor, .invoke = refuse_gone };

        return ax ? &gone : &null;
}

void call_init(ax_client *ax) {
        axeberg__kernel__init(&ax->service, NULL);
        ax->service.base.invoke = invoke;
}

void rpc_ignore(const Axeberg__Empty *reply, void *data) {
        (void) reply;
        (void) data;
}

void rpc_take_id(const Axeberg__IdReply *reply, void *data) {
        uint64_t *ret = ((struct rpc *) data)->context;

        if (ret)
                *ret = reply->id;
}
