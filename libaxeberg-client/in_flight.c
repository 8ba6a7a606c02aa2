/* SPDX-License-Identifier: MIT */
#include "in_flight.h"

#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "debug.h"

static struct rpc *rpc_from_serial(ax_client *ax, uint32_t serial) {
        struct rpc *rpc;

        DL_FOREACH (ax->in_flight, rpc) {
                if (rpc->serial == serial)
                        return rpc;
        }
        return NULL;
}

int in_flight_add(ax_client *ax, struct rpc *rpc) {
        int r;

        pthread_mutex_lock(&ax->lock);
        r = ax->broken;
        if (r == 0) {
                do
                        ax->last_serial++;
                while (ax->last_serial == 0 || rpc_from_serial(ax, ax->last_serial));
                rpc->serial = ax->last_serial;
                DL_APPEND(ax->in_flight, rpc);
        }
        pthread_mutex_unlock(&ax->lock);
        return r;
}

static void end_call(ax_client *ax, struct rpc *rpc, int status) {
        assert(!rpc->done);
        DL_DELETE(ax->in_flight, rpc);
        rpc->status = status;
        rpc->done = true;
}

void in_flight_fail(ax_client *ax, struct rpc *rpc, int error) {
        pthread_mutex_lock(&ax->lock);
        if (!rpc->done)
                end_call(ax, rpc, error);
        pthread_mutex_unlock(&ax->lock);
}

static void wake_all(ax_client *ax) {
        struct waiter *waiter;

        DL_FOREACH (ax->waiters, waiter) {
                pthread_cond_signal(&waiter->wake);
        }
}

void in_flight_break(ax_client *ax, int reason) {
        struct rpc *rpc, *next;

        if (ax->broken == 0)
                debug_say(ax->debug, "process %d: the connection is lost: %s (%s)", atomic_load(&ax->pid),
                          ax_strerror(reason), ax_error_name(reason));
        ax->broken = -AX_ESRCH;
        shutdown(ax->fd, SHUT_RDWR);
        DL_FOREACH_SAFE (ax->in_flight, rpc, next) {
                end_call(ax, rpc, reason);
        }
        wake_all(ax);
}

static void take_fds(struct rpc *rpc, struct frame *frame) {
        rpc->n_fds = frame->n_fds < rpc->max_fds ? frame->n_fds : rpc->max_fds;
        if (rpc->n_fds > 0)
                memcpy(rpc->fds, frame->fds, rpc->n_fds * sizeof(int));
        for (size_t i = rpc->n_fds; i < frame->n_fds; i++)
                close(frame->fds[i]);
        frame->n_fds = 0;
}

/*
 * Fills the call's results from a reply. Returns 0, or -AX_EPROTO if the daemon breaks the
 * protocol.
 */
static int complete_call(ax_client *ax, struct rpc *rpc, struct frame *frame) {
        const ProtobufCServiceDescriptor *service = ax->service.base.descriptor;
        const ProtobufCMessageDescriptor *type = service->methods[rpc->method].output;
        uint32_t signal = frame->header.flags >> AX_FRAME_SIGNAL_SHIFT;

        if (frame->header.method != rpc->method || frame->header.trailer > rpc->data_size ||
            signal >= AX_SIGNAL_LIMIT || (signal != 0 && rpc->quiet))
                return -AX_EPROTO;
        rpc->signal = (int) signal;
        if (frame->fds_lost && rpc->max_fds > 0 && !rpc->fds_optional) {
                frame_close_fds(frame);
                rpc->status = -AX_EMFILE;
                return 0;
        }
        if (frame->header.status >= 0 && type != &axeberg__empty__descriptor) {
                rpc->message = protobuf_c_message_unpack(type, NULL, frame->message_size, frame->message);
                if (!rpc->message)
                        return -AX_EPROTO;
        }
        if (frame->header.trailer > 0)
                memcpy(rpc->data, frame->trailer, frame->header.trailer);
        rpc->data_received = frame->header.trailer;
        take_fds(rpc, frame);
        rpc->status = frame->header.status;
        return 0;
}

static int handle_reply(ax_client *ax, struct frame *frame) {
        bool is_reply = (frame->header.flags & AX_FRAME_KIND) == AX_FRAME_REPLY;
        struct rpc *rpc = is_reply ? rpc_from_serial(ax, frame->header.serial) : NULL;
        int r = rpc ? complete_call(ax, rpc, frame) : -AX_EPROTO;

        if (r < 0)
                return r;
        end_call(ax, rpc, rpc->status);
        if (rpc->sleeper)
                pthread_cond_signal(&rpc->sleeper->wake);
        return 0;
}

static int handle_event(ax_client *ax, const struct frame *frame) {
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

int in_flight_handle(ax_client *ax, struct frame *frame) {
        int r = frame->header.serial == 0 ? handle_event(ax, frame) : handle_reply(ax, frame);

        if (frame->n_fds > 0) /* those that no call has taken */
                frame_close_fds(frame);
        return r;
}
