/* SPDX-License-Identifier: MIT */
/*
 * Thousands of frames that nobody in his right mind would send, over many connections.
 *
 * Three sources: bytes without any form, frames with a right header and formless content, and
 * requests built field by field from the protocol's own descriptors – every method there is, with
 * odd values –, of which every second is then mutated. The same seed gives the same frames; it is
 * printed, and AXEBERG_SEED sets it. Whatever happens to the sender, the daemon must live, answer
 * in well-formed frames, serve others, and keep nothing.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 400, FRAMES_EACH = 60 };

struct random {
        uint64_t state;
};

/* xorshift64* */
static uint32_t next(struct random *random) {
        random->state ^= random->state >> 12;
        random->state ^= random->state << 25;
        random->state ^= random->state >> 27;
        return (uint32_t) ((random->state * UINT64_C(2685821657736338717)) >> 32);
}

static uint32_t below(struct random *random, uint32_t limit) {
        return next(random) % limit;
}

/* ---- building requests ----------------------------------------------------------------------- */

struct buffer {
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        size_t size;
};

static void put_byte(struct buffer *buffer, uint8_t byte) {
        if (buffer->size < sizeof(buffer->bytes))
                buffer->bytes[buffer->size++] = byte;
}

static void put_varint(struct buffer *buffer, uint64_t value) {
        while (value >= 0x80) {
                put_byte(buffer, (uint8_t) (value | 0x80));
                value >>= 7;
        }
        put_byte(buffer, (uint8_t) value);
}

static uint64_t odd_number(struct random *random) {
        static const uint64_t interesting[] = { 0,     1,     2,     3,         4,          5,         63,
                                                64,    127,   128,   1023,      1024,       4095,      4096,
                                                61440, 65535, 65536, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX };

        if (below(random, 4) == 0)
                return (uint64_t) next(random) << 32 | next(random);
        return interesting[below(random, sizeof(interesting) / sizeof(interesting[0]))];
}

static void put_string(struct buffer *buffer, struct random *random) {
        static const char *const words[] = { "/",   "tmp",    "dev", "proc",     "self",     "home",    "user", "a",
                                             "b",   "..",     ".",   "",         "fd",       "console", "null", "zero",
                                             "cwd", "status", "1",   "\xff\xfe", "\xc3\xa4", "x\nz" };
        char text[8192];
        size_t size = 0;

        if (below(random, 50) == 0) {
                size = below(random, sizeof(text));
                memset(text, (int) ('a' + below(random, 3)), size);
        } else {
                for (uint32_t n = below(random, 6); n > 0; n--)
                        size += (size_t) snprintf(text + size, sizeof(text) - size, "%s%s", below(random, 4) ? "/" : "",
                                                  words[below(random, sizeof(words) / sizeof(words[0]))]);
        }
        put_varint(buffer, size);
        for (size_t i = 0; i < size; i++)
                put_byte(buffer, (uint8_t) text[i]);
}

static void put_field(struct buffer *buffer, const ProtobufCFieldDescriptor *field, struct random *random) {
        bool is_string = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES;

        put_varint(buffer, (uint64_t) field->id << 3 | (is_string ? 2u : 0u));
        if (is_string)
                put_string(buffer, random);
        else
                put_varint(buffer, odd_number(random));
}

static void put_header(struct buffer *buffer, const struct ax_frame_header *header) {
        ax_frame_header_encode(header, buffer->bytes);
}

/* A request of a random method, with a right header. */
static void build_request(struct buffer *buffer, struct random *random, uint32_t serial) {
        const ProtobufCServiceDescriptor *service = &axeberg__kernel__descriptor;
        uint32_t method = below(random, service->n_methods);
        const ProtobufCMessageDescriptor *input = service->methods[method].input;
        struct ax_frame_header header = { .serial = serial, .method = method };

        buffer->size = AX_FRAME_HEADER_SIZE;
        for (unsigned i = 0; i < input->n_fields; i++)
                for (uint32_t n = below(random, 8) ? 1 : below(random, 4); n > 0; n--)
                        put_field(buffer, &input->fields[i], random);
        if (below(random, 4) == 0)
                header.trailer = below(random, below(random, 10) ? 100 : 30000);
        for (uint32_t i = 0; i < header.trailer; i++)
                put_byte(buffer, (uint8_t) next(random));
        header.length = (uint32_t) buffer->size;
        put_header(buffer, &header);
}

/* Make the lengths agree again. */
static void correct_header(struct buffer *buffer) {
        struct ax_frame_header header;

        ax_frame_header_decode(&header, buffer->bytes);
        header.length = (uint32_t) buffer->size;
        if (header.trailer > buffer->size - AX_FRAME_HEADER_SIZE)
                header.trailer = (uint32_t) (buffer->size - AX_FRAME_HEADER_SIZE);
        put_header(buffer, &header);
}

/*
 * Change some bytes, mostly behind the header: a spoiled header ends the connection before anybody
 * looks further.
 */
static void mutate(struct buffer *buffer, struct random *random) {
        bool spoil_header = below(random, 30) == 0 || buffer->size == AX_FRAME_HEADER_SIZE;
        size_t from = spoil_header ? 0 : AX_FRAME_HEADER_SIZE;

        for (uint32_t n = 1 + below(random, 6); n > 0; n--) {
                size_t at = from + below(random, (uint32_t) (buffer->size - from));

                switch (below(random, 5)) {
                case 0:
                        buffer->bytes[at] ^= (uint8_t) (1u << below(random, 8));
                        break;
                case 1:
                        buffer->bytes[at] = (uint8_t) next(random);
                        break;
                case 2:
                        buffer->bytes[at] = below(random, 2) ? 0xff : 0;
                        break;
                case 3:
                        buffer->size = at + 1;
                        break;
                default:
                        put_byte(buffer, (uint8_t) next(random));
                        break;
                }
        }
        if (!spoil_header)
                correct_header(buffer);
}

static void build_noise(struct buffer *buffer, struct random *random, uint32_t serial) {
        struct ax_frame_header header = { .serial = serial,
                                          .method = below(random, axeberg__kernel__descriptor.n_methods + 3) };

        buffer->size = 1 + below(random, below(random, 10) ? 200 : AX_FRAME_MAX_SIZE - 1);
        for (size_t i = 0; i < buffer->size; i++)
                buffer->bytes[i] = (uint8_t) next(random);
        if (below(random, 8) == 0 || buffer->size < AX_FRAME_HEADER_SIZE)
                return;
        header.length = (uint32_t) buffer->size;
        header.trailer = below(random, 2) ? 0 : below(random, (uint32_t) (buffer->size - AX_FRAME_HEADER_SIZE + 1));
        put_header(buffer, &header);
}

/* ---- sending them ---------------------------------------------------------------------------- */

/* Take what has come back. Returns false if the connection has ended. */
static bool drain(int fd) {
        struct wire_frame frame;
        int r;

        while ((r = wire_receive(fd, &frame, 0)) == 1) {
                ck_assert_msg(frame.header.flags == AX_FRAME_REPLY || frame.header.flags == AX_FRAME_EVENT,
                              "flags of a reply: %#x", frame.header.flags);
                ck_assert_int_ge(frame.header.status, -1200);
                wire_frame_close_fds(&frame);
        }
        ck_assert_msg(r == 0 || r == -ETIMEDOUT || r == -EPIPE, "an ill-formed reply: %s", strerror(-r));
        return r == -ETIMEDOUT;
}

/*
 * Send, reading meanwhile if the daemon takes no more before we do. Returns false if the connection
 * has ended.
 */
static bool send_patiently(int fd, const struct buffer *buffer, struct random *random) {
        int n_fds = below(random, 20) == 0 ? 2 : 0, r;

        while ((r = wire_send_bytes(fd, buffer->bytes, buffer->size, (int[2]){ 0, 1 }, (size_t) n_fds)) == -EAGAIN ||
               r == -EPERM) {
                struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };

                n_fds = r == -EPERM ? 0 : n_fds; /* the host lets no descriptors through */
                ck_assert_int_eq(poll(&poller, 1, 20000), 1);
                if (!drain(fd))
                        return false;
        }
        return r == 0 && drain(fd);
}

/* What an earlier connection has sent may end a later one's process: Kill takes -1. */
static int connect_greeting(void) {
        for (;;) {
                int fd = wire_connect(the_daemon.socket), r;

                ck_assert_int_ge(fd, 0);
                r = wire_hello(fd);
                if (r > 1)
                        return fd;
                ck_assert_int_eq(r, -AX_ESRCH);
                close(fd);
        }
}

static int connect_sometimes_greeting(struct random *random) {
        int fd = below(random, 10) ? connect_greeting() : wire_connect(the_daemon.socket);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        return fd;
}

static bool is_alone(void *userdata) {
        struct ax_status status = { 0 };
        ax_client *ax;
        int r = ax_connect(&ax, the_daemon.socket);

        (void) userdata;
        if (r < 0)
                return false;
        r = ax_status(ax, &status);
        ax_disconnect(ax);
        return r == 0 && status.sessions == 1;
}

/*
 * Every connection has numbers of its own, so that how far one got does not change what the next
 * one sends.
 */
static void fuzz(const char *what, void (*build)(struct buffer *buffer, struct random *random, uint32_t serial)) {
        static struct buffer buffer;
        uint64_t seed = fixture_seed();
        unsigned sent = 0;

        for (uint64_t i = 0; i < CONNECTIONS; i++) {
                struct random random = { (seed * CONNECTIONS + i) * 2 + 1 };
                int fd = connect_sometimes_greeting(&random);

                for (uint32_t j = 0; j < FRAMES_EACH; j++, sent++) {
                        build(&buffer, &random, below(&random, 50) ? 2 + j : below(&random, 10));
                        if (!send_patiently(fd, &buffer, &random))
                                break;
                }
                close(fd);
        }
        printf("%s: %u frames\n", what, sent);
        fixture_wait(is_alone, NULL, "the end of all connections");
}

static void build_mutated(struct buffer *buffer, struct random *random, uint32_t serial) {
        build_request(buffer, random, serial);
        if (below(random, 2))
                mutate(buffer, random);
}

START_TEST(test_noise) {
        fuzz("noise", build_noise);
}
END_TEST

START_TEST(test_odd_requests) {
        fuzz("odd requests", build_request);
}
END_TEST

START_TEST(test_mutated_requests) {
        fuzz("mutated requests", build_mutated);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("fuzz");

        fixture_add(suite, test_noise, 0);
        fixture_add(suite, test_odd_requests, 0);
        fixture_add(suite, test_odd_requests, FIXTURE_DURABLE);
        fixture_add(suite, test_mutated_requests, 0);
        return fixture_main(suite);
}
