/* SPDX-License-Identifier: MIT */
#include "server/intake.h"

#include <errno.h>
#include <sys/socket.h>

#include "account/closer.h"
#include "frame.h"
#include "server/input.h"
#include "util/cleanup.h"
#include "util/log.h"

void intake_deinit(struct intake *intake) {
        if (intake->early.frame)
                input_restore_frame(steal_pointer(&intake->early.frame));
        user_charge_deinit(&intake->early.charge);
        intake->rings = rings_free(intake->rings);
}

int intake_complain(const struct intake *intake) {
        return log_client(LOG_WARNING, EBADMSG, intake->host_pid, intake->user->uid, "client %d: nonsense in its rings",
                          (int) intake->host_pid);
}

/*
 * No method takes descriptors. They are the client's, and so is the time that closing them takes.
 */
static int reject_descriptors(struct intake *intake, const struct input_control *control) {
        for (size_t i = 0; i < control->n_fds; i++)
                close_later(intake->workers, intake->user, control->fds[i]);
        if (control->n_fds == 0)
                return 0;
        return log_client(LOG_WARNING, EBADMSG, intake->host_pid, intake->user->uid,
                          "client %d: %zu descriptors in a frame", (int) intake->host_pid, control->n_fds);
}

/* Returns the packet's size, 0 (there is none yet) or a negative errno: the session is over. */
static ssize_t receive_packet(struct intake *intake, const uint8_t **ret_frame) {
        bool wants_control = intake->wants_sender || intake->admits_descriptors;
        struct input_control control;
        ssize_t n = input_receive(intake->fd, ret_frame, wants_control ? &control : NULL);
        int r;

        if (n <= 0 || !wants_control)
                return n;
        if (intake->wants_sender) {
                intake->sender = control.sender;
                intake->wants_sender = false;
                setsockopt(intake->fd, SOL_SOCKET, SO_PASSCRED, &(int){ 0 }, sizeof(int));
        }
        r = reject_descriptors(intake, &control);
        return r < 0 ? r : n;
}

static ssize_t take_early(struct intake *intake, const uint8_t **ret_frame) {
        *ret_frame = intake->early.frame;
        input_restore_frame(steal_pointer(&intake->early.frame));
        user_charge_deinit(&intake->early.charge);
        rings_count_received(intake->rings);
        return (ssize_t) intake->early.size;
}

/* A frame on the socket waits for what was sent before it and is still in the ring. */
static int keep_early(struct intake *intake, size_t size) {
        int r = user_charge(intake->user, &intake->early.charge, USER_BUFFERS, INPUT_BUFFER_SIZE);

        if (r < 0)
                return r;
        intake->early.frame = input_take_frame();
        intake->early.size = size;
        return -EAGAIN;
}

static bool is_counted(const uint8_t *frame, size_t size) {
        struct ax_frame_header header;

        if (size < AX_FRAME_HEADER_SIZE)
                return false;
        ax_frame_header_decode(&header, frame);
        return !(header.flags & AX_FRAME_ASIDE);
}

/* What is next on the socket. As intake_receive(). */
static ssize_t receive_from_socket(struct intake *intake, const uint8_t **ret_frame) {
        bool is_expected = rings_next(intake->rings) == AX_RING_SOCKET;
        ssize_t n = receive_packet(intake, ret_frame);

        if (n <= 0 || !intake->rings)
                return n;
        if (n == AX_BELL_SIZE)
                return rings_begin(intake->rings) < 0 ? intake_complain(intake) : -EAGAIN;
        if (!is_counted(*ret_frame, (size_t) n))
                return n;
        if (!is_expected && rings_next(intake->rings) == AX_RING_FRAME)
                return keep_early(intake, (size_t) n);
        rings_count_received(intake->rings);
        return n;
}

/* What the rings, or the client's word in them, say to be on the socket. */
static ssize_t receive_expected(struct intake *intake, const uint8_t **ret_frame) {
        ssize_t n = intake->early.frame ? take_early(intake, ret_frame) : receive_from_socket(intake, ret_frame);

        return n == 0 ? intake_complain(intake) : n;
}

/* The frame is copied out once, and nobody looks at the ring's copy again. */
static ssize_t receive_from_ring(struct intake *intake, const uint8_t **ret_frame) {
        static uint8_t frame[AX_RING_MAX_FRAME];
        size_t size = rings_pop(intake->rings, frame);

        *ret_frame = frame;
        return size == 0 ? intake_complain(intake) : (ssize_t) size;
}

ssize_t intake_receive(struct intake *intake, bool readable, const uint8_t **ret_frame) {
        if (rings_rouse(intake->rings) && readable) { /* the bell comes first: then it wakes us once */
                ssize_t n = receive_from_socket(intake, ret_frame);

                if (n != -EAGAIN)
                        return n;
                readable = false;
        }
        switch (rings_next(intake->rings)) {
        case AX_RING_FRAME:
                return receive_from_ring(intake, ret_frame);
        case AX_RING_SOCKET:
                return receive_expected(intake, ret_frame);
        case AX_RING_BROKEN:
                return intake_complain(intake);
        default:
                if (intake->early.frame)
                        return take_early(intake, ret_frame);
                return readable ? receive_from_socket(intake, ret_frame) : 0;
        }
}

bool intake_has_input(const struct intake *intake) {
        return intake->early.frame || rings_have_input(intake->rings);
}

bool intake_rest(struct intake *intake) {
        return !intake->early.frame && rings_rest(intake->rings);
}
