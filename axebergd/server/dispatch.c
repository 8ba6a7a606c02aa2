#include "server/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/process.h"
#include "server/server.h"
#include "server/session.h"
#include "syscalls/describe.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/log.h"

/*
 * Unpacked requests live in this arena until their handler returns. protobuf-c has no limit of its own; a message that needs more than this is
 * refused. The largest honest request, two paths or a Hello, needs a tenth.
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

static bool method_takes_trailer(uint32_t method) {
        return method == AX_METHOD(write) || method == AX_METHOD(console_push_input) ||
               method == AX_METHOD(window_input);
}

static struct session *session_from_call(const struct call *call) {
        return (struct session *) call->connection;
}

static void call_free(struct call *call) {
        struct session *session = session_from_call(call);

        if (call->in_flight && session)
                session_forget_call(session, call);
        free(call->trailer_copy);
        free(call->event);
        free(call);
}

/* Begins the event of a call that the trace wants. */
static void begin_event(struct call *call, const ProtobufCMessage *request) {
        const struct process *process = call->process;

        if (!process || !trace_wants(&call->kernel->trace, AX_TRACE_SYSCALL, process->pid) ||
            !describe_is_traced(call->method))
                return;
        call->event = calloc(1, sizeof(*call->event));
        if (!call->event)
                return;
        call->event->pid = process->pid;
        call->event->host_pid = process->host_pid;
        call->event->uid = process->identity->uid;
        call->event->category = AX_TRACE_SYSCALL;
        describe_request(call, request, call->event);
}

/* Counts the call that is being answered, and records its event. */
static void finish_figures(struct call *call, const ProtobufCMessage *reply) {
        uint64_t nsec = clock_nsec() - call->started_nsec;

        if (!call->continued) {
                call->kernel->counters.call_errors += call->reply.status < 0;
                if (call->method < STATS_MAX_CALLS)
                        call_stats_add(&call->kernel->calls[call->method], nsec, call->reply.status < 0);
        }
        if (!call->event)
                return;
        call->event->duration_nsec = nsec;
        describe_reply(call, reply, call->event);
        trace_record(&call->kernel->trace, call->event);
}

/* The closure of every call: packs the reply and sends it. */
static void dispatch_on_reply(const ProtobufCMessage *message, void *data) {
        struct call *call = data;
        struct session *session = session_from_call(call);
        size_t size = protobuf_c_message_get_packed_size(message);
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
                        session_send(session, frame, AX_FRAME_HEADER_SIZE + size, call->reply.trailer,
                                     call->reply.trailer_size, call->reply.fds, call->reply.n_fds);
                } else {
                        session_fail(session); /* every request gets an answer, or its connection ends */
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
        const ProtobufCServiceDescriptor *service = session->server->service.base.descriptor;

        if (!session->greeted && header->method != AX_METHOD(hello) &&
            !(header->method == AX_METHOD(start) && session->connection.spawned))
                return -EPROTO;
        if (header->method >= service->n_methods)
                return -ENOSYS;
        if (header->trailer > 0 && !method_takes_trailer(header->method))
                return -EINVAL;
        if ((session->greeted || session->connection.spawned) && !session->connection.process)
                return -ESRCH;
        return 0;
}

static struct call *call_new(struct session *session, const struct ax_frame_header *header, const uint8_t *frame) {
        struct call *call = calloc(1, sizeof(*call));

        if (!call)
                return NULL;
        call->kernel = session->server->kernel;
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

static void invoke(struct session *session, struct call *call, const uint8_t *message, size_t size) {
        ProtobufCService *service = &session->server->service.base;
        const ProtobufCMessageDescriptor *type = service->descriptor->methods[call->method].input;
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
        service->invoke(service, call->method, request, dispatch_on_reply, call);
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
                invoke(session, call, frame + AX_FRAME_HEADER_SIZE,
                       header.length - AX_FRAME_HEADER_SIZE - header.trailer);
                return 0;
        }
        call_reply(call, r);
        return r == -EPROTO ? r : 0;
}
