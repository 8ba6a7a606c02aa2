#include "transport.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "cancel.h"

enum { ROOM_WAIT_MS = 20 };

/* A Cancel has its call's serial and this bit, which calls do not have; so it needs no record. A call is cancelled once at most. */
#define CANCEL_SERIAL UINT32_C(0x80000000)

/* Counts forks: a handle or a cancel switch of another count is a child's copy of its parent's. */
atomic_uint client_forks;

static void on_fork_in_child(void) {
        atomic_fetch_add_explicit(&client_forks, 1, memory_order_relaxed);
        ax_cancel_use(NULL);
}

static void register_fork_handler(void) {
        pthread_atfork(NULL, NULL, on_fork_in_child);
}

static void waiter_init(struct waiter *waiter) {
        pthread_condattr_t attributes;

        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&waiter->wake, &attributes);
        pthread_condattr_destroy(&attributes);
}

/* Sleeps, with the lock released, until woken; spuriously too. `rpc`: the call that the thread waits for, or NULL. Return: 0, ETIMEDOUT. */
static int sleep_until_woken(ax_client *ax, struct rpc *rpc, const struct timespec *deadline) {
        struct waiter waiter;
        int r;

        waiter_init(&waiter);
        DL_APPEND(ax->waiters, &waiter);
        if (rpc)
                rpc->sleeper = &waiter;
        r = deadline ? pthread_cond_timedwait(&waiter.wake, &ax->lock, deadline)
                     : pthread_cond_wait(&waiter.wake, &ax->lock);
        DL_DELETE(ax->waiters, &waiter);
        if (rpc)
                rpc->sleeper = NULL;
        pthread_cond_destroy(&waiter.wake);
        return r;
}

static void wake_all(ax_client *ax) {
        struct waiter *waiter;

        DL_FOREACH (ax->waiters, waiter) {
                pthread_cond_signal(&waiter->wake);
        }
}

/*
 * Whoever stops reading or waiting calls this: somebody who still sleeps becomes the reader. The one that is woken may be on its way out already; then
 * it passes the role on in turn.
 */
static void pass_reader_on(ax_client *ax) {
        if (!ax->has_reader && ax->waiters)
                pthread_cond_signal(&ax->waiters->wake);
}

static void end_call(ax_client *ax, struct rpc *rpc, int status) {
        DL_DELETE(ax->in_flight, rpc);
        rpc->status = status;
        rpc->done = true;
}

/*
 * With the lock held. The calls in flight fail for the reason, later ones because the connection is gone. Shutting the socket down tells the
 * daemon, and wakes whoever waits for room to send.
 */
static void break_connection(ax_client *ax, int reason) {
        struct rpc *rpc, *next;

        ax->broken = -AX_ESRCH;
        shutdown(ax->fd, SHUT_RDWR);
        DL_FOREACH_SAFE (ax->in_flight, rpc, next) {
                end_call(ax, rpc, reason);
        }
        wake_all(ax);
}

static struct rpc *rpc_from_serial(ax_client *ax, uint32_t serial) {
        struct rpc *rpc;

        DL_FOREACH (ax->in_flight, rpc) {
                if (rpc->serial == serial)
                        return rpc;
        }
        return NULL;
}

struct received {
        struct ax_frame_header header;
        const uint8_t *message, *trailer;
        size_t message_size;
        int fds[AX_FRAME_MAX_FDS];
        size_t n_fds;
        bool fds_lost; /* there were more than this process has room for */
};

static void close_received_fds(struct received *frame) {
        for (size_t i = 0; i < frame->n_fds; i++)
                close(frame->fds[i]);
        frame->n_fds = 0;
}

static void take_fds(struct msghdr *message, struct received *frame) {
        frame->n_fds = 0;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
                size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                        continue;
                if (count > AX_FRAME_MAX_FDS - frame->n_fds)
                        count = AX_FRAME_MAX_FDS - frame->n_fds; /* cannot be: the control buffer has no more room */
                memcpy(frame->fds + frame->n_fds, CMSG_DATA(header), count * sizeof(int));
                frame->n_fds += count;
        }
}

static int parse_frame(ax_client *ax, size_t size, struct received *frame) {
        if (size < AX_FRAME_HEADER_SIZE)
                return -AX_EPROTO;
        ax_frame_header_decode(&frame->header, ax->receive_buffer);
        if (frame->header.length != size || frame->header.trailer > size - AX_FRAME_HEADER_SIZE)
                return -AX_EPROTO;
        frame->message = ax->receive_buffer + AX_FRAME_HEADER_SIZE;
        frame->message_size = size - AX_FRAME_HEADER_SIZE - frame->header.trailer;
        frame->trailer = frame->message + frame->message_size;
        return 0;
}

/* The reader's: waits for one frame, without the lock. Return: 0, -AX_EAGAIN (only with MSG_DONTWAIT in flags), another error: the end. */
static int receive_frame(ax_client *ax, struct received *frame, int flags) {
        union {
                struct cmsghdr align;
                char data[CMSG_SPACE(sizeof(int) * AX_FRAME_MAX_FDS)];
        } control;
        struct iovec iov = { .iov_base = ax->receive_buffer, .iov_len = sizeof(ax->receive_buffer) };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        int tries = 0, r;
        ssize_t n;

        /* ECONNRESET is told once, before what the daemon said last: the reason of a refused Hello */
        do
                n = recvmsg(ax->fd, &message, MSG_CMSG_CLOEXEC | flags);
        while (n < 0 && (errno == EINTR || (errno == ECONNRESET && tries++ == 0)));
        if (n < 0 && errno == EAGAIN)
                return -AX_EAGAIN;
        if (n <= 0)
                return -AX_ESRCH;
        take_fds(&message, frame);
        frame->fds_lost = message.msg_flags & MSG_CTRUNC;
        r = message.msg_flags & MSG_TRUNC ? -AX_EPROTO : parse_frame(ax, (size_t) n, frame);
        if (r < 0)
                close_received_fds(frame);
        return r;
}

static bool is_empty_type(const ProtobufCMessageDescriptor *type) {
        return type == &axeberg__empty__descriptor;
}

/* Fills the call's results from a reply. Return: 0, -AX_EPROTO: the daemon does not keep to the protocol. */
static int complete_call(ax_client *ax, struct rpc *rpc, struct received *frame) {
        const ProtobufCServiceDescriptor *service = ax->service.base.descriptor;
        const ProtobufCMessageDescriptor *type = service->methods[rpc->method].output;

        if (frame->header.method != rpc->method || frame->header.trailer > rpc->data_size)
                return -AX_EPROTO;
        if (frame->fds_lost && rpc->max_fds > 0 && !rpc->fds_optional) {
                close_received_fds(frame);
                rpc->status = -AX_EMFILE;
                return 0;
        }
        if (frame->header.status >= 0 && !is_empty_type(type)) {
                rpc->message = protobuf_c_message_unpack(type, NULL, frame->message_size, frame->message);
                if (!rpc->message)
                        return -AX_EPROTO;
        }
        if (frame->header.trailer > 0)
                memcpy(rpc->data, frame->trailer, frame->header.trailer);
        rpc->data_received = frame->header.trailer;
        rpc->n_fds = frame->n_fds < rpc->max_fds ? frame->n_fds : rpc->max_fds;
        if (rpc->n_fds > 0)
                memcpy(rpc->fds, frame->fds, rpc->n_fds * sizeof(int));
        for (size_t i = rpc->n_fds; i < frame->n_fds; i++)
                close(frame->fds[i]);
        frame->n_fds = 0;
        rpc->status = frame->header.status;
        return 0;
}

/* Nobody waits for it. */
static int handle_cancel_reply(ax_client *ax, struct received *frame) {
        close_received_fds(frame);
        if (ax->cancels_in_flight == 0 || frame->header.flags != AX_FRAME_REPLY ||
            frame->header.method != AX_METHOD(cancel) || frame->header.trailer > 0)
                return -AX_EPROTO;
        ax->cancels_in_flight--;
        return 0;
}

static int handle_event(ax_client *ax, struct received *frame) {
        close_received_fds(frame);
        if (frame->header.flags != AX_FRAME_EVENT)
                return -AX_EPROTO;
        if (frame->header.method != AXEBERG__EVENT__EVENT_SIGNAL)
                return 0; /* of a newer daemon */
        ax->doorbells++;
        atomic_store(&ax->handlers_due, true);
        if (ax->event_fd >= 0)
                eventfd_write(ax->event_fd, 1);
        wake_all(ax);
        return 0;
}

/* With the lock held. Return: 0, negative error: the connection is of no more use. */
static int handle_frame(ax_client *ax, struct received *frame) {
        struct rpc *rpc;
        int r;

        if (frame->header.serial == 0)
                return handle_event(ax, frame);
        if (frame->header.serial & CANCEL_SERIAL)
                return handle_cancel_reply(ax, frame);
        rpc = frame->header.flags == AX_FRAME_REPLY ? rpc_from_serial(ax, frame->header.serial) : NULL;
        r = rpc ? complete_call(ax, rpc, frame) : -AX_EPROTO;
        if (r < 0) {
                close_received_fds(frame);
                return r;
        }
        end_call(ax, rpc, rpc->status);
        if (rpc->sleeper)
                pthread_cond_signal(&rpc->sleeper->wake);
        return 0;
}

/* With the lock held, as the reader; the lock is released while waiting. */
static void read_one(ax_client *ax, int flags) {
        struct received frame;
        int r;

        pthread_mutex_unlock(&ax->lock);
        r = receive_frame(ax, &frame, flags);
        pthread_mutex_lock(&ax->lock);
        if (r == 0)
                r = handle_frame(ax, &frame);
        if (r < 0 && r != -AX_EAGAIN)
                break_connection(ax, r);
}

static void wait_for_reply(ax_client *ax, struct rpc *rpc) {
        pthread_mutex_lock(&ax->lock);
        while (!rpc->done) {
                if (ax->has_reader) {
                        sleep_until_woken(ax, rpc, NULL);
                        continue;
                }
                ax->has_reader = true;
                while (!rpc->done)
                        read_one(ax, 0);
                ax->has_reader = false;
        }
        pass_reader_on(ax);
        pthread_mutex_unlock(&ax->lock);
}

/*
 * The daemon does not read while we do not: takes replies in until there is room for a request. Another thread that reads may stop at any time without
 * knowing of us, so beside one, room is waited for only a little while at once.
 */
static void make_room(ax_client *ax) {
        struct pollfd poll_fd = { .fd = ax->fd };
        bool reader;

        pthread_mutex_lock(&ax->lock);
        reader = !ax->has_reader;
        ax->has_reader = true;
        poll_fd.events = reader ? POLLIN | POLLOUT : POLLOUT;
        pthread_mutex_unlock(&ax->lock);
        poll(&poll_fd, 1, reader ? -1 : ROOM_WAIT_MS);
        if (!reader)
                return;
        pthread_mutex_lock(&ax->lock);
        if (poll_fd.revents & (POLLIN | POLLHUP | POLLERR))
                read_one(ax, MSG_DONTWAIT);
        ax->has_reader = false;
        pass_reader_on(ax);
        pthread_mutex_unlock(&ax->lock);
}

static int send_frame(ax_client *ax, const uint8_t *head, size_t head_size, const void *trailer, size_t trailer_size) {
        struct iovec iov[2] = {
                { .iov_base = (void *) head, .iov_len = head_size },
                { .iov_base = (void *) trailer, .iov_len = trailer_size },
        };
        struct msghdr message = { .msg_iov = iov, .msg_iovlen = trailer_size > 0 ? 2 : 1 };

        for (;;) {
                ssize_t n = trailer_size > 0 ? sendmsg(ax->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                                             : send(ax->fd, head, head_size, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n >= 0)
                        return 0;
                if (errno == EAGAIN)
                        make_room(ax);
                else if (errno == EPIPE || errno == ECONNRESET)
                        return 0; /* reading tells why: the daemon may have said so before it closed */
                else if (errno != EINTR)
                        return errno == ENOMEM || errno == ENOBUFS ? -AX_ENOMEM : -AX_ESRCH;
        }
}

static void add_in_flight(ax_client *ax, struct rpc *rpc) {
        do
                ax->last_serial = (ax->last_serial + 1) & ~CANCEL_SERIAL;
        while (ax->last_serial == 0 || rpc_from_serial(ax, ax->last_serial));
        rpc->serial = ax->last_serial;
        DL_APPEND(ax->in_flight, rpc);
}

/* Takes a call that could not be sent back; it may have been completed by a breaking connection meanwhile. */
static void forget_call(ax_client *ax, struct rpc *rpc, int error) {
        pthread_mutex_lock(&ax->lock);
        if (!rpc->done)
                end_call(ax, rpc, error);
        pthread_mutex_unlock(&ax->lock);
}

static int begin_call(ax_client *ax, struct rpc *rpc, unsigned method) {
        int r;

        rpc->method = method;
        rpc->done = false;
        rpc->message = NULL;
        rpc->sleeper = NULL;
        rpc->data_received = rpc->n_fds = 0;
        pthread_mutex_lock(&ax->lock);
        r = ax->broken;
        if (r == 0)
                add_in_flight(ax, rpc);
        pthread_mutex_unlock(&ax->lock);
        return r;
}

static void encode_frame(const struct rpc *rpc, const ProtobufCMessage *request, size_t size, uint8_t *frame) {
        struct ax_frame_header header = {
                .length = (uint32_t) (AX_FRAME_HEADER_SIZE + size + rpc->trailer_size),
                .serial = rpc->serial,
                .method = rpc->method,
                .trailer = (uint32_t) rpc->trailer_size,
        };

        ax_frame_header_encode(&header, frame);
        protobuf_c_message_pack(request, frame + AX_FRAME_HEADER_SIZE);
}

/* Sends a call. Return: 0, negative error: it is not in flight any more. */
static int send_call(ax_client *ax, struct rpc *rpc, unsigned method, const ProtobufCMessage *request) {
        size_t size = protobuf_c_message_get_packed_size(request);
        uint8_t buffer[AX_FRAME_HEADER_SIZE + 512], *frame = buffer;
        int r;

        if (size > AX_FRAME_MAX_PAYLOAD || rpc->trailer_size > AX_FRAME_MAX_PAYLOAD - size)
                return -AX_EMSGSIZE;
        if (AX_FRAME_HEADER_SIZE + size > sizeof(buffer) && !(frame = malloc(AX_FRAME_HEADER_SIZE + size)))
                return -AX_ENOMEM;
        r = begin_call(ax, rpc, method);
        if (r == 0) {
                encode_frame(rpc, request, size, frame);
                r = send_frame(ax, frame, AX_FRAME_HEADER_SIZE + size, rpc->trailer, rpc->trailer_size);
                if (r < 0)
                        forget_call(ax, rpc, r);
        }
        if (frame != buffer)
                free(frame);
        return r;
}

/* What the generated stubs call. */
static void transport_invoke(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
                             ProtobufCClosure closure, void *data) {
        ax_client *ax = (ax_client *) service;
        struct rpc *rpc = data;
        int r, cancel_state;

        /* pthread_cancel(3) is for after the call: here it would leave locks behind that others wait for */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
        r = send_call(ax, rpc, method, request);
        if (r == 0) {
                cancel_watch(ax, rpc->serial);
                wait_for_reply(ax, rpc);
                cancel_unwatch();
        }
        pthread_setcancelstate(cancel_state, NULL);
        if (r < 0) {
                rpc->status = r;
                return;
        }
        if (!rpc->quiet && atomic_load_explicit(&ax->handlers_due, memory_order_relaxed))
                client_run_handlers(ax);
        if (rpc->message) {
                closure(rpc->message, rpc);
                protobuf_c_message_free_unpacked(rpc->message, NULL);
        }
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

void client_send_cancel(ax_client *ax, uint32_t serial) {
        Axeberg__CancelRequest request = AXEBERG__CANCEL_REQUEST__INIT;
        const struct rpc rpc = { .serial = serial | CANCEL_SERIAL, .method = AX_METHOD(cancel) };
        uint8_t frame[AX_FRAME_HEADER_SIZE + 16];
        size_t size;
        int broken;

        request.serial = serial;
        size = protobuf_c_message_get_packed_size(&request.base);
        encode_frame(&rpc, &request.base, size, frame);
        pthread_mutex_lock(&ax->lock);
        broken = ax->broken;
        ax->cancels_in_flight++;
        pthread_mutex_unlock(&ax->lock);
        if (broken == 0)
                send_frame(ax, frame, AX_FRAME_HEADER_SIZE + size, NULL, 0);
}

static int client_check_generation(const ax_client *ax) {
        if (!ax)
                return -AX_EINVAL;
        return ax->generation == client_fork_generation() ? 0 : -AX_ESRCH;
}

static int milliseconds_until(const struct timespec *deadline) {
        struct timespec now;
        double left_ms;

        if (!deadline)
                return -1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        left_ms = (double) (deadline->tv_sec - now.tv_sec) * 1e3 + (double) (deadline->tv_nsec - now.tv_nsec) / 1e6;
        if (left_ms <= 0)
                return 0;
        return left_ms > 1e6 ? 1000000 : (int) left_ms + 1;
}

/* As the reader: waits for a frame no longer than until the deadline. Return: 0, ETIMEDOUT. */
static int read_until(ax_client *ax, const struct timespec *deadline) {
        struct pollfd poll_fd = { .fd = ax->fd, .events = POLLIN };
        int timeout_ms = milliseconds_until(deadline), n;

        ax->has_reader = true;
        pthread_mutex_unlock(&ax->lock);
        n = poll(&poll_fd, 1, timeout_ms);
        pthread_mutex_lock(&ax->lock);
        if (n > 0)
                read_one(ax, MSG_DONTWAIT);
        ax->has_reader = false;
        pass_reader_on(ax);
        return n == 0 && milliseconds_until(deadline) == 0 ? ETIMEDOUT : 0;
}

int client_wait_events(ax_client *ax, const struct timespec *deadline) {
        int r = 0, result;

        pthread_mutex_lock(&ax->lock);
        while (!ax->handlers_due && ax->broken == 0 && r != ETIMEDOUT)
                r = ax->has_reader ? sleep_until_woken(ax, NULL, deadline) : read_until(ax, deadline);
        result = ax->handlers_due ? 1 : ax->broken;
        pass_reader_on(ax);
        pthread_mutex_unlock(&ax->lock);
        return result;
}

void client_settle_handlers(ax_client *ax, unsigned doorbells) {
        eventfd_t count;

        pthread_mutex_lock(&ax->lock);
        if (ax->doorbells == doorbells) {
                atomic_store(&ax->handlers_due, false);
                if (ax->event_fd >= 0)
                        eventfd_read(ax->event_fd, &count);
        }
        pthread_mutex_unlock(&ax->lock);
}

int client_new(ax_client **ret, int fd) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        ax_client *ax = malloc(sizeof(*ax));

        pthread_once(&once, register_fork_handler);
        if (!ax)
                return -AX_ENOMEM;
        memset(ax, 0, offsetof(ax_client, receive_buffer));
        axeberg__kernel__init(&ax->service, NULL);
        ax->service.base.invoke = transport_invoke;
        ax->generation = client_fork_generation();
        ax->fd = fd;
        ax->event_fd = ax->epoll_fd = -1;
        ax->trace_flag = &trace_is_off;
        pthread_mutex_init(&ax->lock, NULL);
        direct_table_init(&ax->direct);
        pthread_cond_init(&ax->child_started, NULL);
        *ret = ax;
        return 0;
}

void client_free(ax_client *ax) {
        struct host_child *child, *next;

        if (ax->epoll_fd >= 0)
                close(ax->epoll_fd);
        if (ax->event_fd >= 0)
                close(ax->event_fd);
        close(ax->fd);
        region_map_free(&ax->regions);
        client_unmap_pages(ax);
        direct_table_deinit(&ax->direct);
        free(ax->socket_path);
        DL_FOREACH_SAFE (ax->children, child, next) {
                free(child);
        }
        if (client_check_generation(ax) == 0) { /* in a forked child, another thread may have left it locked */
                pthread_cond_destroy(&ax->child_started);
                pthread_mutex_destroy(&ax->lock);
        }
        free(ax);
}
