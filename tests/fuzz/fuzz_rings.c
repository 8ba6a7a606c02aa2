/* SPDX-License-Identifier: MIT */
/*
 * Rings: a client that writes what it likes into the memory that it shares with the daemon, in
 * between frames on the socket. A second client is served all the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "input.h"
#include "ring.h"
#include "sandbox.h"
#include "system.h"
#include "target.h"
#include "wire.h"

enum {
        HOSTILE_UID = 1000,
        INNOCENT_UID = 1001,
        MAX_RECORDS = 100,
        CONTROL_SIZE = offsetof(struct ax_rings, request_data)
};

static struct {
        int fd; /* -1: none */
        struct ax_rings *map;
        struct ax_ring_sender requests;
        uint32_t serial;
} hostile;

static int innocent;
static struct wire_frame frame;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        sandbox_enter();
        system_start(NULL);
        return 0;
}

static void disconnect(void) {
        if (hostile.fd >= 0)
                close(hostile.fd);
        if (hostile.map)
                munmap(hostile.map, sizeof(*hostile.map));
        hostile.map = NULL;
        hostile.fd = -1;
}

static void say_hello(int fd, bool rings) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;

        request.version = AX_PROTOCOL_VERSION;
        request.rings = rings;
        must(wire_send(fd, 1, AX_METHOD(hello), &request.base) == 0);
        system_settle();
        must(wire_receive(fd, &frame, 0) == 1 && frame.header.status == 0);
}

/* `seals`: as the daemon wants it. */
static void connect_hostile(bool seals) {
        disconnect();
        hostile.fd = system_connect(HOSTILE_UID);
        say_hello(hostile.fd, true);
        must(frame.n_fds == 4);
        hostile.map = mmap(NULL, sizeof(*hostile.map), PROT_READ | PROT_WRITE, MAP_SHARED, frame.fds[3], 0);
        must(hostile.map != MAP_FAILED);
        if (seals)
                must(fcntl(frame.fds[3], F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
        wire_frame_close_fds(&frame);
        hostile.requests = (struct ax_ring_sender){ .ring = &hostile.map->requests, .data = hostile.map->request_data };
        hostile.serial = 1;
}

static size_t build(uint8_t *bytes, const struct record *record) {
        size_t size = record->size > 2000 ? 2000 : record->size;
        const struct ax_frame_header header = { .length = (uint32_t) (AX_FRAME_HEADER_SIZE + size),
                                                .serial = ++hostile.serial,
                                                .method = record->selector };

        ax_frame_header_encode(&header, bytes);
        memcpy(bytes + AX_FRAME_HEADER_SIZE, record->data, size);
        return header.length;
}

static void ring_the_bell(void) {
        (void) !send(hostile.fd, "", AX_BELL_SIZE, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void push(const struct record *record) {
        uint8_t bytes[AX_FRAME_HEADER_SIZE + 2000];
        size_t size = build(bytes, record);

        if (ax_ring_push(&hostile.requests, bytes, size, NULL, 0) > 0 && ax_ring_takes_bell(&hostile.requests))
                ring_the_bell();
}

static void send_on_socket(const struct record *record, bool counts) {
        uint8_t bytes[AX_FRAME_HEADER_SIZE + 2000];
        size_t size = build(bytes, record);

        if (wire_send_bytes(hostile.fd, bytes, size, NULL, 0) == 0 && counts)
                atomic_fetch_add(&hostile.map->requests.socket_sent, 1);
}

static void scribble(const struct record *record, size_t begin, size_t room) {
        struct reader reader = reader_of(record->data, record->size);
        size_t at = (size_t) read_number(&reader, 2) % room, size = reader_left(&reader);

        memcpy((uint8_t *) hostile.map + begin + at, reader.at, size < room - at ? size : room - at);
}

static void move_head(const struct record *record) {
        struct reader reader = reader_of(record->data, record->size);

        hostile.requests.head += (uint32_t) read_number(&reader, 4);
        atomic_store(&hostile.map->requests.head, hostile.requests.head);
}

/* Takes all replies, as far as they are well-formed, and looks whether the session is over. */
static void take_replies(void) {
        int r;

        atomic_store(&hostile.map->replies.tail, atomic_load(&hostile.map->replies.head));
        do {
                r = wire_receive(hostile.fd, &frame, 0);
                wire_frame_close_fds(&frame);
        } while (r == 1 || r == -EBADMSG); /* a bell is no frame */
        if (r != -ETIMEDOUT)
                connect_hostile(true);
}

static void act(const struct record *record) {
        switch (record->kind % 8) {
        case 0:
        case 1:
                push(record);
                break;
        case 2:
                scribble(record, 0, CONTROL_SIZE);
                break;
        case 3:
                scribble(record, CONTROL_SIZE, sizeof(*hostile.map) - CONTROL_SIZE);
                break;
        case 4:
                move_head(record);
                break;
        case 5:
                send_on_socket(record, record->selector % 2);
                break;
        case 6:
                take_replies();
                break;
        default:
                connect_hostile(record->selector % 4 != 0);
        }
        if (record->selector % 3 == 0)
                ring_the_bell();
        if (record->selector % 5 != 0)
                system_run();
}

static void ask_innocently(void) {
        must(wire_send(innocent, 2, AX_METHOD(getppid), NULL) == 0);
        system_settle();
        if (wire_receive(innocent, &frame, 0) != 1 || frame.header.status != 1)
                finding("the other client is not served");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct reader reader = reader_of(data, size);
        struct record record;

        system_begin();
        innocent = system_connect(INNOCENT_UID);
        say_hello(innocent, false);
        wire_frame_close_fds(&frame);
        hostile.fd = -1;
        connect_hostile(true);
        for (int i = 0; i < MAX_RECORDS && record_next(&reader, &record); i++)
                act(&record);
        ask_innocently();
        disconnect();
        close(innocent);
        system_reset();
        return 0;
}
