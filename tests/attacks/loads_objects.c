/* SPDX-License-Identifier: MIT */
/*
 * Loads of pipes, windows and timers, and of calls that wait.
 */
#include "load_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- pipes ----------------------------------------------------------------------------------- */

struct pipe_load {
        struct load_place place;
        int reader, writer;
        unsigned n_readers; /* connections */
};

static int make_pipe(struct flood_connection *connection, struct pipe_load *load) {
        struct wire_frame reply;
        Axeberg__PipeReply *answer;
        int r = wire_call(connection->fd, ++connection->serial, AX_METHOD(pipe), NULL, &reply);

        if (r < 0)
                return r;
        answer = axeberg__pipe_reply__unpack(NULL, reply.message_size, reply.message);
        if (!answer)
                return -EBADMSG;
        load->reader = answer->reader;
        load->writer = answer->writer;
        axeberg__pipe_reply__free_unpacked(answer, NULL);
        return 0;
}

/* The first connection writes single bytes; all others read them. */
static size_t request_byte(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        const struct pipe_load *load = flood->userdata;
        Axeberg__ReadRequest read = AXEBERG__READ_REQUEST__INIT;
        Axeberg__WriteRequest write = AXEBERG__WRITE_REQUEST__INIT;

        read.fd = load->reader;
        read.size = 1;
        write.fd = load->writer;
        if (connection->number > 0)
                return flood_pack(connection, bytes, AX_METHOD(read), &read.base, NULL, 0);
        return flood_pack(connection, bytes, AX_METHOD(write), &write.base, "x", 1);
}

/* @n_readers connections with @in_flight reads each of one pipe, and a writer. */
static int run_pipe(const struct load_place *place, unsigned n_readers, unsigned in_flight) {
        struct flood_connection *connections = calloc(n_readers + 1, sizeof(*connections));
        struct pipe_load load = { .place = *place };
        struct flood flood = flood_for(place, n_readers + 1, in_flight);
        int r;

        if (!connections)
                return -ENOMEM;
        flood.request = request_byte;
        flood.userdata = &load;
        connections[0] = (struct flood_connection){ .fd = flood_connect(place->socket_path), .serial = 1 };
        r = connections[0].fd < 0 ? connections[0].fd : make_pipe(&connections[0], &load);
        for (unsigned i = 1; r == 0 && i <= n_readers; i++) {
                r = spawn_child(&connections[0], &connections[i]);
                connections[i].number = i;
        }
        return r < 0 ? r : flood_run_on(&flood, connections);
}

int run_readers(const struct load_place *place) {
        return run_pipe(place, 1, 255);
}

int run_parked(const struct load_place *place) {
        return run_pipe(place, 16, 250);
}

/* ---- windows and timers ---------------------------------------------------------------------- */

static size_t request_window(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__WindowCreateRequest create = AXEBERG__WINDOW_CREATE_REQUEST__INIT;
        Axeberg__FdRequest close = AXEBERG__FD_REQUEST__INIT;

        (void) flood;
        create.title = "load";
        close.fd = connection->object;
        if (connection->object >= 0)
                return flood_pack(connection, bytes, AX_METHOD(close), &close.base, NULL, 0);
        return flood_pack(connection, bytes, AX_METHOD(window_create), &create.base, NULL, 0);
}

static void answered_window(struct flood *flood, struct flood_connection *connection, const struct wire_frame *reply) {
        (void) flood;
        connection->object = reply->header.method == AX_METHOD(window_create) ? reply->header.status : -1;
}

static int prepare_window(struct flood *flood, struct flood_connection *connection) {
        (void) flood;
        connection->object = -1;
        return 0;
}

int run_windows(const struct load_place *place) {
        struct flood flood = flood_for(place, 16, 1);

        flood.prepare = prepare_window;
        flood.request = request_window;
        flood.answered = answered_window;
        return flood_run(&flood);
}

static int make_task(struct flood_connection *connection, uint64_t *ret) {
        struct wire_frame reply;
        Axeberg__IdReply *answer;
        int r = wire_call(connection->fd, ++connection->serial, AX_METHOD(task_create), NULL, &reply);

        if (r < 0)
                return r;
        answer = axeberg__id_reply__unpack(NULL, reply.message_size, reply.message);
        if (!answer)
                return -EBADMSG;
        *ret = answer->id;
        axeberg__id_reply__free_unpacked(answer, NULL);
        return 0;
}

/* The shortest interval that is taken: twice as long until it is. */
static int prepare_timers(struct flood *flood, struct flood_connection *connection) {
        Axeberg__TimerSetRequest timer = AXEBERG__TIMER_SET_REQUEST__INIT;
        int r = make_task(connection, &connection->step);

        (void) flood;
        timer.task = connection->step;
        timer.delay_ms = 0.1;
        for (int i = 0; r == 0 && i < 1250; i++) {
                r = flood_call(connection, "TimerInterval", &timer.base);
                for (; r == -EINVAL && timer.delay_ms < 1000; timer.delay_ms *= 2)
                        r = flood_call(connection, "TimerInterval", &timer.base);
        }
        return r == -EDQUOT ? 0 : r;
}

static size_t request_task(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__TaskWaitRequest wait = AXEBERG__TASK_WAIT_REQUEST__INIT;

        (void) flood;
        wait.task = connection->step;
        wait.timeout_ms = -1;
        return flood_pack(connection, bytes, AX_METHOD(task_wait), &wait.base, NULL, 0);
}

int run_timers(const struct load_place *place) {
        struct flood flood = flood_for(place, 4, 1);

        flood.prepare = prepare_timers;
        flood.request = request_task;
        return flood_run(&flood);
}

/* ---- parked calls that are called off -------------------------------------------------------- */

static size_t request_and_cancel(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__ReadRequest read = AXEBERG__READ_REQUEST__INIT;
        Axeberg__CancelRequest cancel = AXEBERG__CANCEL_REQUEST__INIT;

        (void) flood;
        read.fd = connection->object;
        read.size = 1;
        cancel.serial = connection->serial;
        if (connection->step++ % 2 == 0)
                return flood_pack(connection, bytes, AX_METHOD(read), &read.base, NULL, 0);
        return flood_pack(connection, bytes, AX_METHOD(cancel), &cancel.base, NULL, 0);
}

static int prepare_pipe(struct flood *flood, struct flood_connection *connection) {
        struct pipe_load load = { 0 };
        int r = make_pipe(connection, &load);

        (void) flood;
        connection->object = load.reader;
        return r;
}

int run_cancels(const struct load_place *place) {
        struct flood flood = flood_for(place, 64, 8);

        flood.prepare = prepare_pipe;
        flood.request = request_and_cancel;
        return flood_run(&flood);
}
