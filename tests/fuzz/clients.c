/* SPDX-License-Identifier: MIT */
#include "clients.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "messages.h"
#include "sandbox.h"
#include "system.h"
#include "wire.h"

enum { MAX_WAITING = 256, HELD = 16, LEAST_STATUS = -1200, MAX_FILE = 1 << 20 };

static const uid_t users[] = { 0, 1000, 1001 };

struct client {
        int fd;             /* -1: the place is free */
        bool deaf;          /* reads nothing */
        bool wild;          /* has sent what is no request: any answer may come */
        uint32_t serial;    /* of the last request */
        unsigned n_waiting; /* requests without an answer */
        struct {
                uint32_t serial, method;
        } waiting[MAX_WAITING];
};

static struct client clients[CLIENTS];
static unsigned next_place;
static int held[HELD]; /* descriptors that came with answers */
static unsigned next_held;
static struct numbers numbers;

static const ProtobufCServiceDescriptor *service(void) {
        return &axeberg__kernel__descriptor;
}

/*
 * ---- answers -----------------------------------------------------------------------------------
 * -------------------
 */

static void client_close(struct client *client) {
        if (client->fd >= 0)
                close(client->fd);
        *client = (struct client){ .fd = -1 };
}

static void client_adopt(struct client *client, int fd) {
        client_close(client);
        client->fd = fd;
        fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void hold(int fd) {
        int *place = &held[next_held++ % HELD];

        if (*place >= 0)
                close(*place);
        *place = fd;
}

/* A socket is the connection of a child; all else is held. */
static void take_descriptor(int fd) {
        struct stat status;

        must(fstat(fd, &status) == 0);
        if (S_ISSOCK(status.st_mode))
                client_adopt(&clients[3 + next_place++ % (CLIENTS - 3)], fd);
        else
                hold(fd);
}

static void forget_waiting(struct client *client, const struct ax_frame_header *header) {
        for (unsigned i = 0; i < client->n_waiting; i++)
                if (client->waiting[i].serial == header->serial) {
                        if (client->waiting[i].method != header->method)
                                finding("request %u of method %u is answered as one of method %u", header->serial,
                                        client->waiting[i].method, header->method);
                        client->waiting[i] = client->waiting[--client->n_waiting];
                        return;
                }
        if (!client->wild)
                finding("an answer to request %u, which nobody waits for", header->serial);
}

static void check_message(const struct wire_frame *frame) {
        const ProtobufCMessageDescriptor *type = service()->methods[frame->header.method].output;
        ProtobufCMessage *reply = protobuf_c_message_unpack(type, NULL, frame->message_size, frame->message);

        if (!reply)
                finding("the answer of %s is no %s", service()->methods[frame->header.method].name, type->name);
        if (frame->header.method == AX_METHOD(hello))
                numbers_add(&numbers, (uint64_t) ((const Axeberg__HelloReply *) reply)->pid);
        else if (frame->header.status >= 0)
                numbers_learn(&numbers, reply);
        protobuf_c_message_free_unpacked(reply, NULL);
}

/* For whoever looks at an input by hand. */
static void tell(const struct client *client, const struct wire_frame *frame) {
        const struct ax_frame_header *header = &frame->header;

        fprintf(stderr, "client %td: %s %u: %d, %zu bytes, trailer %u, %zu descriptors\n", client - clients,
                header->flags == AX_FRAME_EVENT         ? "event"
                : header->method < service()->n_methods ? service()->methods[header->method].name
                                                        : "?",
                header->serial, header->status, frame->message_size, header->trailer, frame->n_fds);
}

static void take_frame(struct client *client, struct wire_frame *frame) {
        const struct ax_frame_header *header = &frame->header;

        if (getenv("AXEBERG_FUZZ_VERBOSE"))
                tell(client, frame);
        if ((header->flags & AX_FRAME_KIND) != AX_FRAME_REPLY && header->flags != AX_FRAME_EVENT)
                finding("flags %#x in an answer", header->flags);
        if (header->flags >> AX_FRAME_SIGNAL_SHIFT >= AX_SIGNAL_LIMIT)
                finding("signal %u in an answer", header->flags >> AX_FRAME_SIGNAL_SHIFT);
        if (header->status < LEAST_STATUS)
                finding("status %d", header->status);
        if ((header->flags & AX_FRAME_KIND) == AX_FRAME_REPLY) {
                forget_waiting(client, header);
                if (header->method < service()->n_methods)
                        check_message(frame);
                if ((header->method == AX_METHOD(spawn) || header->method == AX_METHOD(spawn_client)) &&
                    header->status > 0)
                        numbers_add(&numbers, (uint64_t) header->status);
        } else if (header->serial != 0)
                finding("an event with serial %u", header->serial);
        for (size_t i = 0; i < frame->n_fds; i++)
                take_descriptor(frame->fds[i]);
}

/* Takes what has come. A spawned child may take this very place. */
static void client_read(struct client *client) {
        static struct wire_frame frame;
        int r = 0, fd = client->fd;

        while (fd >= 0 && client->fd == fd && !client->deaf && (r = wire_receive(fd, &frame, 0)) == 1)
                take_frame(client, &frame);
        if (r == -EBADMSG)
                finding("an ill-formed answer");
        if (client->fd == fd && fd >= 0 && !client->deaf && r != 1 && r != -ETIMEDOUT)
                client_close(client);
}

static bool somebody_waits(void) {
        for (unsigned i = 0; i < CLIENTS; i++)
                if (clients[i].n_waiting > 0 || clients[i].wild)
                        return true;
        return false;
}

static void read_all(void) {
        for (unsigned i = 0; i < CLIENTS; i++)
                client_read(&clients[i]);
}

static void run(void) {
        system_run();
        read_all();
        if (!somebody_waits())
                return;
        system_settle();
        read_all();
}

/*
 * ---- requests ----------------------------------------------------------------------------------
 * -------------------
 */

static void expect(struct client *client, uint32_t serial, uint32_t method) {
        if (client->n_waiting == MAX_WAITING) {
                client->wild = true;
                return;
        }
        client->waiting[client->n_waiting].serial = serial;
        client->waiting[client->n_waiting++].method = method;
}

static void send_bytes(const struct client *client, const void *bytes, size_t size, const int *fds, size_t n_fds) {
        if (size > 0 && client->fd >= 0)
                (void) wire_send_bytes(client->fd, bytes, size, fds, n_fds);
}

static void send_call(struct client *client, const struct record *record, const int *fds, size_t n_fds) {
        static uint8_t frame[AX_FRAME_MAX_SIZE];
        struct reader reader = reader_of(record->data, record->size);
        uint32_t method = read_byte(&reader) % (service()->n_methods + 1);
        size_t trailer = (size_t) read_number(&reader, 2), message = reader_left(&reader), room;
        struct ax_frame_header header;

        if (client->fd < 0)
                return;
        if (message > AX_FRAME_MAX_PAYLOAD)
                message = AX_FRAME_MAX_PAYLOAD;
        trailer = trailer > message ? message : trailer;
        message -= trailer;
        room = AX_FRAME_MAX_PAYLOAD - trailer;
        memcpy(frame + AX_FRAME_HEADER_SIZE, reader.at, message);
        if (method < service()->n_methods)
                message = message_resolve(frame + AX_FRAME_HEADER_SIZE, message, room, service()->methods[method].input,
                                          &numbers);
        memcpy(frame + AX_FRAME_HEADER_SIZE + message, reader.end - trailer, trailer);
        header = (struct ax_frame_header){
                .length = (uint32_t) (AX_FRAME_HEADER_SIZE + message + trailer),
                .serial = ++client->serial,
                .method = method,
                .trailer = (uint32_t) trailer,
        };
        ax_frame_header_encode(&header, frame);
        expect(client, header.serial, method);
        if (wire_send_bytes(client->fd, frame, header.length, fds, n_fds) < 0)
                client->n_waiting--;
}

static void send_frame(struct client *client, const struct record *record) {
        client->wild = true;
        send_bytes(client, record->data, record->size, NULL, 0);
}

static void send_header(struct client *client, const struct record *record) {
        static uint8_t frame[AX_FRAME_HEADER_SIZE + RECORD_MAX_DATA];
        struct reader reader = reader_of(record->data, record->size);
        struct ax_frame_header header = {
                .length = (uint32_t) read_number(&reader, 4),
                .serial = (uint32_t) read_number(&reader, 4),
                .method = (uint32_t) read_number(&reader, 4),
                .status = (int32_t) read_number(&reader, 4),
                .trailer = (uint32_t) read_number(&reader, 4),
                .flags = (uint32_t) read_number(&reader, 4),
        };
        size_t size = AX_FRAME_HEADER_SIZE + reader_left(&reader);

        if (header.length == 0)
                header.length = (uint32_t) size;
        ax_frame_header_encode(&header, frame);
        memcpy(frame + AX_FRAME_HEADER_SIZE, reader.at, reader_left(&reader));
        client->wild = true;
        send_bytes(client, frame, size, NULL, 0);
}

static void pass_descriptors(struct client *client, const struct record *record) {
        int fds[3] = { eventfd(0, EFD_CLOEXEC), -1, -1 };

        must(fds[0] >= 0 && pipe2(fds + 1, O_CLOEXEC) == 0);
        send_call(client, record, fds, 3);
        for (unsigned i = 0; i < 3; i++)
                close(fds[i]);
}

/*
 * ---- descriptors -------------------------------------------------------------------------------
 * -------------------
 */

static void write_some(int fd, size_t size) {
        static const char bytes[4096];
        struct iovec part = { .iov_base = (void *) bytes, .iov_len = size % sizeof(bytes) };
        struct pollfd poller = { .fd = fd, .events = POLLOUT };

        if (poll(&poller, 1, 0) == 1 && poller.revents == POLLOUT)
                (void) !pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
}

static void read_some(int fd, size_t size) {
        char bytes[4096];
        struct iovec part = { .iov_base = bytes, .iov_len = size % sizeof(bytes) };

        (void) !preadv2(fd, &part, 1, -1, RWF_NOWAIT);
}

static void use_descriptor(const struct record *record) {
        struct reader reader = reader_of(record->data, record->size);
        int *fd = &held[read_byte(&reader) % HELD];
        uint8_t action = read_byte(&reader);
        uint32_t argument = (uint32_t) read_number(&reader, 4);

        if (*fd < 0)
                return;
        switch (action % 9) {
        case 0:
                close(*fd);
                *fd = -1;
                break;
        case 1: /* the description is the daemon's, too */
                fcntl(*fd, F_SETFL, 0);
                break;
        case 2:
                (void) !ftruncate(*fd, argument % MAX_FILE);
                break;
        case 3:
                write_some(*fd, argument);
                break;
        case 4:
                read_some(*fd, argument);
                break;
        case 5:
                lseek(*fd, (off_t) (int32_t) argument, (int) (argument % 3));
                break;
        case 6:
                fallocate(*fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, argument % MAX_FILE + 1);
                break;
        case 7:
                fcntl(*fd, F_SETPIPE_SZ, 4096);
                break;
        default:
                fchmod(*fd, argument & 0777);
                break;
        }
}

/*
 * ---- clients -----------------------------------------------------------------------------------
 * -------------------
 */

static void client_greet(struct client *client) {
        uint8_t bytes[AX_FRAME_HEADER_SIZE + 64];
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        size_t size;

        request.version = AX_PROTOCOL_VERSION;
        size = wire_pack(bytes, ++client->serial, AX_METHOD(hello), &request.base, NULL, 0);
        expect(client, client->serial, AX_METHOD(hello));
        send_bytes(client, bytes, size, NULL, 0);
}

static void client_connect(struct client *client, unsigned user, bool greets) {
        client_adopt(client, system_connect(users[user % (sizeof(users) / sizeof(users[0]))]));
        if (greets)
                client_greet(client);
        else
                client->wild = true; /* a refusal of the connection has serial 1 */
}

static void wait_a_moment(const struct record *record) {
        struct reader reader = reader_of(record->data, record->size);

        poll(NULL, 0, 1 + read_byte(&reader) % 3);
}

void clients_do(const struct record *record) {
        struct client *client = &clients[(record->selector & CLIENT_MASK) % CLIENTS];
        struct reader reader = reader_of(record->data, record->size);

        switch (record->kind % RECORD_KINDS) {
        case RECORD_CALL:
                send_call(client, record, NULL, 0);
                break;
        case RECORD_FRAME:
                send_frame(client, record);
                break;
        case RECORD_REQUEST:
                send_header(client, record);
                break;
        case RECORD_CONNECT:
                client_connect(client, read_byte(&reader), read_byte(&reader) % 8 != 7);
                break;
        case RECORD_CLOSE:
                client_close(client);
                break;
        case RECORD_DESCRIPTOR:
                use_descriptor(record);
                break;
        case RECORD_PASS:
                pass_descriptors(client, record);
                break;
        case RECORD_DEAFEN:
                client->deaf = !client->deaf;
                break;
        case RECORD_WAIT:
                wait_a_moment(record);
                break;
        }
        if (!(record->selector & SELECT_AT_ONCE))
                run();
}

void clients_start(void) {
        numbers = (struct numbers){ 0 };
        next_place = next_held = 0;
        for (unsigned i = 0; i < HELD; i++)
                held[i] = -1;
        for (unsigned i = 0; i < CLIENTS; i++)
                clients[i] = (struct client){ .fd = -1 };
        for (unsigned i = 0; i < 3; i++) {
                client_connect(&clients[i], i, true);
                run();
        }
}

void clients_end(void) {
        for (unsigned i = 0; i < CLIENTS; i++)
                client_close(&clients[i]);
        for (unsigned i = 0; i < HELD; i++)
                if (held[i] >= 0)
                        close(held[i]);
}

void clients_run(const uint8_t *data, size_t size) {
        struct reader reader = reader_of(data, size);
        struct record record;

        system_begin();
        clients_start();
        for (unsigned i = 0; i < 200 && record_next(&reader, &record); i++)
                clients_do(&record);
        clients_end();
        system_reset();
}
