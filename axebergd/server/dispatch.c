/* SPDX-License-Identifier: MIT */
#include "server/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "axeberg.h"
#include "handlers.h"
#include "kernel.h"
#include "methods.h"
#include "process/process.h"
#include "server/input.h"
#include "server/session.h"
#include "syscalls/describe.h"
#include "syscalls/reply_list.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/log.h"

/*
 * Unpacked requests live in this arena until their handler returns. protobuf-c has no limit of its
 * own; a message that needs more than this is refused. The largest honest request, two paths or a
 * Hello, needs a tenth.
 */
static struct arena {
        _Alignas(16) uint8_t data[262144];
        size_t used;
} arena;

static void *arena_alloc(void *userdata, size_t size) {
        void *memory;

        (void) userdata;
        if (size > sizeof(arena.data) - arena.used)
                return NULL;
        memory = arena.data + arena.used;
        arena.used += (size + 15) & ~(size_t) 15;
        if (arena.used > sizeof(arena.data))
                arena.used = sizeof(arena.data);
        return memory;
}

static void arena_free(void *userdata, void *memory) {
        (void) userdata;
        (void) memory;
}

static ProtobufCAllocator arena_allocator = { .alloc = arena_alloc, .free = arena_free };

static Axeberg__Kernel_Service service = AXEBERG__KERNEL__INIT(sys_);

static struct session *session_from_call(const struct call *call) {
        return (struct session *) call->connection;
}

static void call_free(struct call *call) {
        struct session *session = session_from_call(call);

        if (call->in_flight && session)
                session_forget_call(session, call);
        if (call->trailer_copy)
                input_release_trailer(call->trailer_copy, call->trailer_size);
        user_charge_deinit(&call->buffer_charge);
        free(call->event);
        free(call);
}

/* Begins the event of a call that the trace wants. */
static void begin_event(struct call *call, const ProtobufCMessage *request) {
        const struct process *process = call->process;

        if (!process || !trace_wants(&call->kernel->trace, AX_TRACE_SYSCALL, process->traced) ||
            ax_methods[call->method].untraced)
                return;
        call->event = malloc(sizeof(*call->event));
        if (call->event && process_event_init(call->event, process, AX_TRACE_SYSCALL))
                describe_request(call, request, call->event);
}

/* Counts the call that is being answered, and records its event. */
static void finish_figures(struct call *call, const ProtobufCMessage *reply) {
        uint64_t nsec = clock_nsec() - call->started_nsec;

        if (!call->continued) {
                call->kernel->counters.call_errors += call->reply.status < 0;
                if (call->method < AX_METHODS)
                        call_stats_add(&call->kernel->calls[call->method], nsec, call->reply.status < 0);
        }
        if (!call->event)
                return;
        call->event->duration_nsec = nsec;
        describe_reply(call, reply, call->event);
        trace_record(&call->kernel->trace, call->event);
}

/* A reply that is longer than a frame may be becomes an error. Lists say `more` before that. */
static const ProtobufCMessage *fit_frame(struct call *call, const ProtobufCMessage *message, size_t *size) {
        static const Axeberg__Empty empty = AXEBERG__EMPTY__INIT;

        *size = protobuf_c_message_get_packed_size(message);
        if (reply_fits_frame(*size, call->reply.trailer_size))
                return message;
        call->reply = (struct call_reply){ .status = -EMSGSIZE };
        *size = 0;
        return &empty.base;
}

/* The closure of every call: packs the reply and sends it. */
static void dispatch_on_reply(const ProtobufCMessage *reply, void *data) {
        struct call *call = data;
        struct session *session = session_from_call(call);
        size_t size;
        const ProtobufCMessage *message = fit_frame(call, reply, &size);
        uint8_t buffer[AX_FRAME_HEADER_SIZE + 1024], *frame = buffer;
        struct ax_frame_header header = {
                .length = (uint32_t) (AX_FRAME_HEADER_SIZE + size + call->reply.trailer_size),
                .serial = call->serial,
                .method = call->method,
                .status = call->reply.status,
                .trailer = (uint32_t) call->reply.trailer_size,
                .flags = AX_FRAME_REPLY,
        };

        finish_figures(call, message);
        if (session) {
                if (size > sizeof(buffer) - AX_FRAME_HEADER_SIZE)
                        frame = malloc(AX_FRAME_HEADER_SIZE + size);
                if (frame) {
                        ax_frame_header_encode(&header, frame);
                        protobuf_c_message_pack(message, frame + AX_FRAME_HEADER_SIZE);
                        session_send(session, &(struct output_parts){
                                                      .head = frame,
                                                      .head_size = AX_FRAME_HEADER_SIZE + size,
                                                      .trailer = call->reply.trailer,
                                                      .trailer_size = call->reply.trailer_size,
                                                      .fds = call->reply.fds,
                                                      .n_fds = call->reply.n_fds,
                                              });
                } else {
                        session_fail(session); /* no request goes unanswered */
                }
                if (frame != buffer)
                        free(frame);
        }
        call_free(call);
}

static int check_header(const struct session *session, const struct ax_frame_header *header, size_t size) {
        if (header->length != size || header->trailer > size - AX_FRAME_HEADER_SIZE)
                return log_client(LOG_WARNING, EBADMSG, session->connection.peer.host_pid,
                                  session->connection.peer.user->uid,
                                  "client %d: frame of %zu bytes says length %u, trailer %u",
                                  (int) session->connection.peer.host_pid, size, header->length, header->trailer);
        if (header->serial == 0 || header->flags != 0)
                return log_client(LOG_WARNING, EBADMSG, session->connection.peer.host_pid,
                                  session->connection.peer.user->uid, "client %d: serial %u, flags %#x in a request",
                                  (int) session->connection.peer.host_pid, header->serial, header->flags);
        if (session_has_in_flight(session, header->serial))
                return log_client(LOG_WARNING, EBADMSG, session->connection.peer.host_pid,
                                  session->connection.peer.user->uid, "client %d: serial %u is in flight already",
                                  (int) session->connection.peer.host_pid, header->serial);
        return 0;
}

/* Whether the call may be made now at all. Return: 0, or the error to answer with. */
static int check_call(const struct session *session, const struct ax_frame_header *header) {
        if (!session->greeted && header->method != AX_METHOD(hello) &&
            !(header->method == AX_METHOD(start) && session->connection.spawned))
                return -EPROTO;
        if (header->method >= AX_METHODS)
                return -ENOSYS;
        if (header->trailer > 0 && ax_methods[header->method].trailer == 0)
                return -EINVAL;
        if ((session->greeted || session->connection.spawned) && !session->connection.process)
                return -ESRCH;
        return 0;
}

static struct call *call_new(struct session *session, const struct ax_frame_header *header, const uint8_t *frame) {
        struct call *call = malloc(sizeof(*call)); /* calloc(3) reuses no memory of the thread */

        if (!call)
                return NULL;
        memset(call, 0, sizeof(*call));
        call->kernel = session->table->kernel;
        call->connection = &session->connection;
        call->process = session->connection.process;
        call->serial = header->serial;
        call->method = header->method;
        call->trailer = frame + header->length - header->trailer;
        call->trailer_size = header->trailer;
        call->closure = dispatch_on_reply;
        call->started_nsec = clock_nsec();
        return call;
}

static void invoke(struct call *call, const uint8_t *message, size_t size) {
        const ProtobufCMessageDescriptor *type = axeberg__kernel__descriptor.methods[call->method].input;
        ProtobufCMessage *request;

        arena.used = 0;
        request = protobuf_c_message_unpack(type, &arena_allocator, size, message);
        if (!request) {
                call_reply(call, -EBADMSG);
                return;
        }
        if (call->process)
                call->process->calls++;
        begin_event(call, request);
        service.base.invoke(&service.base, call->method, request, NULL, call);
}

int dispatch(struct session *session, const uint8_t *frame, size_t size) {
        struct ax_frame_header header;
        struct call *call;
        int r;

        ax_frame_header_decode(&header, frame);
        r = check_header(session, &header, size);
        if (r < 0)
                return r;
        call = call_new(session, &header, frame);
        if (!call)
                return -ENOMEM;
        call->kernel->counters.calls++;
        r = check_call(session, &header);
        if (r == 0) {
                session->greeted |= header.method == AX_METHOD(hello);
                invoke(call, frame + AX_FRAME_HEADER_SIZE, header.length - AX_FRAME_HEADER_SIZE - header.trailer);
                return 0;
        }
        call_reply(call, r);
        return r == -EPROTO ? r : 0;
}
