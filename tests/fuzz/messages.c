/* SPDX-License-Identifier: MIT */
#include "messages.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "target.h"

struct random random_of(unsigned seed) {
        return (struct random){ .state = (uint64_t) seed * 2 + 1 };
}

uint32_t below(struct random *random, uint32_t limit) {
        random->state ^= random->state >> 12;
        random->state ^= random->state << 25;
        random->state ^= random->state >> 27;
        return limit == 0 ? 0 : (uint32_t) ((random->state * UINT64_C(2685821657736338717)) >> 32) % limit;
}

/*
 * ---- numbers -----------------------------------------------------------------------------------
 * -------------------
 */

void numbers_add(struct numbers *numbers, uint64_t number) {
        numbers->values[numbers->next++ % TOKENS] = number;
}

static uint64_t resolve(const struct numbers *numbers, uint64_t number) {
        return number >= TOKEN && number < TOKEN + TOKENS ? numbers->values[number - TOKEN] : number;
}

/* A number field's size in its structure; 0: it is none. */
static size_t number_size(const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
        case PROTOBUF_C_TYPE_UINT32:
                return sizeof(uint32_t);
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_SINT64:
        case PROTOBUF_C_TYPE_UINT64:
                return sizeof(uint64_t);
        default:
                return 0;
        }
}

static uint64_t get_number(const void *at, size_t size) {
        uint64_t number = 0;

        memcpy(&number, at, size); /* little-endian, as every machine that has libFuzzer */
        return number;
}

void numbers_learn(struct numbers *numbers, const ProtobufCMessage *reply) {
        const ProtobufCMessageDescriptor *type = reply->descriptor;

        if (type->n_fields > 3)
                return;
        for (unsigned i = 0; i < type->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &type->fields[i];
                size_t size = field->label == PROTOBUF_C_LABEL_REPEATED ? 0 : number_size(field);

                if (size > 0)
                        numbers_add(numbers, get_number((const char *) reply + field->offset, size));
        }
}

static bool resolve_at(void *at, size_t size, const struct numbers *numbers) {
        uint64_t number = get_number(at, size), resolved = resolve(numbers, number);

        memcpy(at, &resolved, size);
        return resolved != number;
}

static bool resolve_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                          const struct numbers *numbers) {
        size_t size = number_size(field), n = 1;
        char *at = (char *) message + field->offset;
        bool changed = false;

        if (size == 0)
                return false;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                n = *(size_t *) ((char *) message + field->quantifier_offset);
                at = *(char **) at;
        }
        for (size_t i = 0; i < n; i++)
                changed |= resolve_at(at + i * size, size, numbers);
        return changed;
}

size_t message_resolve(uint8_t *bytes, size_t size, size_t room, const ProtobufCMessageDescriptor *type,
                       const struct numbers *numbers) {
        ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, bytes);
        bool changed = false;

        if (!message)
                return size;
        for (unsigned i = 0; i < type->n_fields; i++)
                changed |= resolve_field(message, &type->fields[i], numbers);
        if (changed && protobuf_c_message_get_packed_size(message) <= room)
                size = protobuf_c_message_pack(message, bytes);
        protobuf_c_message_free_unpacked(message, NULL);
        return size;
}

/*
 * ---- fields ------------------------------------------------------------------------------------
 * -------------------
 */

struct buffer {
        uint8_t *bytes;
        size_t size, room;
};

static void put_byte(struct buffer *buffer, uint8_t byte) {
        if (buffer->size < buffer->room)
                buffer->bytes[buffer->size++] = byte;
}

static void put_varint(struct buffer *buffer, uint64_t value) {
        for (; value >= 0x80; value >>= 7)
                put_byte(buffer, (uint8_t) (value | 0x80));
        put_byte(buffer, (uint8_t) value);
}

static uint64_t odd_number(struct random *random) {
        static const uint64_t interesting[] = { 23,          63,
                                                64,          127,
                                                128,         1023,
                                                1024,        4095,
                                                4096,        61440,
                                                65535,       65536,
                                                1u << 20,    1u << 24,
                                                INT32_MAX,   UINT32_MAX,
                                                INT64_MAX,   UINT64_C(1) << 63,
                                                UINT64_MAX,  0xffffffff80000000,
                                                0xffffffffff };

        switch (below(random, 8)) {
        case 0:
                return (uint64_t) below(random, UINT32_MAX) << 32 | below(random, UINT32_MAX);
        case 1:
        case 2:
                return interesting[below(random, sizeof(interesting) / sizeof(interesting[0]))];
        case 3:
                return TOKEN + below(random, TOKENS);
        case 4:
                return UINT64_C(1) << below(random, 64);
        default:
                return below(random, 12);
        }
}

/* What paths are made of. */
static const char *const words[] = {
        "/",
        "tmp",
        "dev",
        "proc",
        "self",
        "home",
        "user",
        "a",
        "b",
        "..",
        ".",
        "",
        "fd",
        "console",
        "null",
        "zero",
        "cwd",
        "status",
        "1",
        "0",
        "trace",
        "metrics",
        "full",
        "random",
        "mounts",
        "c",
        "meminfo",
        "maps",
        "cmdline",
        "stat",
        "io",
        "uptime",
        "version",
        "3",
        "tmp/b",
        "home/user/a",
        "\xff\xfe",
        "\xc3\xa4",
        "x\nz",
        "\x1b[2J",
        "\xc2\x9b[31m",
        "\xe2\x80\xae",
        "/proc/self",
        "/proc/self/fd",
        "/tmp/a",
};

static void put_string(struct buffer *buffer, struct random *random) {
        char text[4200];
        size_t size = 0;

        if (below(random, 60) == 0) {
                size = below(random, sizeof(text));
                memset(text, below(random, 2) ? '/' : 'a', size);
        } else {
                for (uint32_t n = below(random, 5); n > 0; n--)
                        size += (size_t) snprintf(text + size, sizeof(text) - size, "%s%s", below(random, 4) ? "/" : "",
                                                  words[below(random, sizeof(words) / sizeof(words[0]))]);
        }
        put_varint(buffer, size);
        for (size_t i = 0; i < size; i++)
                put_byte(buffer, (uint8_t) text[i]);
}

static void put_message(struct buffer *buffer, const ProtobufCMessageDescriptor *type, struct random *random);

static void put_submessage(struct buffer *buffer, const ProtobufCMessageDescriptor *type, struct random *random) {
        uint8_t bytes[2048];
        struct buffer inner = { .bytes = bytes, .room = sizeof(bytes) };

        put_message(&inner, type, random);
        put_varint(buffer, inner.size);
        for (size_t i = 0; i < inner.size; i++)
                put_byte(buffer, bytes[i]);
}

static uint64_t zigzag(uint64_t number) {
        return number << 1 ^ (uint64_t) - (int64_t) (number >> 63);
}

static void put_double(struct buffer *buffer, struct random *random) {
        static const double values[] = {
                0, 0.5, 1, 2, -1, 1e-300, 1e300, 100, 1e18, __builtin_inf(), __builtin_nan("")
        };
        double value = values[below(random, sizeof(values) / sizeof(values[0]))];
        uint8_t bytes[sizeof(value)];

        memcpy(bytes, &value, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
                put_byte(buffer, bytes[i]);
}

static void put_field(struct buffer *buffer, const ProtobufCFieldDescriptor *field, struct random *random) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
        case PROTOBUF_C_TYPE_BYTES:
                put_varint(buffer, (uint64_t) field->id << 3 | 2);
                put_string(buffer, random);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                put_varint(buffer, (uint64_t) field->id << 3 | 2);
                put_submessage(buffer, field->descriptor, random);
                break;
        case PROTOBUF_C_TYPE_DOUBLE:
                put_varint(buffer, (uint64_t) field->id << 3 | 1);
                put_double(buffer, random);
                break;
        case PROTOBUF_C_TYPE_SINT32:
        case PROTOBUF_C_TYPE_SINT64:
                put_varint(buffer, (uint64_t) field->id << 3);
                put_varint(buffer, zigzag(below(random, 8) ? odd_number(random) : -(uint64_t) below(random, 5)));
                break;
        case PROTOBUF_C_TYPE_BOOL:
                put_varint(buffer, (uint64_t) field->id << 3);
                put_varint(buffer, below(random, 2));
                break;
        default:
                put_varint(buffer, (uint64_t) field->id << 3);
                put_varint(buffer, odd_number(random));
                break;
        }
}

static void put_message(struct buffer *buffer, const ProtobufCMessageDescriptor *type, struct random *random) {
        for (unsigned i = 0; i < type->n_fields; i++) {
                uint32_t n = below(random, 5) ? 1 : below(random, 4);

                if (type->fields[i].label != PROTOBUF_C_LABEL_REPEATED && n > 1)
                        n = 0;
                for (; n > 0; n--)
                        put_field(buffer, &type->fields[i], random);
        }
}

size_t message_build(uint8_t *bytes, size_t room, const ProtobufCMessageDescriptor *type, struct random *random) {
        struct buffer buffer = { .bytes = bytes, .room = room };

        put_message(&buffer, type, random);
        return buffer.size;
}

/* A field at the end wins over an equal one before it. */
static size_t message_add_field(uint8_t *bytes, size_t size, size_t room, const ProtobufCMessageDescriptor *type,
                                struct random *random) {
        struct buffer buffer = { .bytes = bytes, .size = size, .room = room };
        ProtobufCMessage *message;

        put_field(&buffer, &type->fields[below(random, type->n_fields)], random);
        message = protobuf_c_message_unpack(type, NULL, buffer.size, bytes);
        if (!message)
                return buffer.size;
        if (protobuf_c_message_get_packed_size(message) <= room) /* without what has been replaced */
                buffer.size = protobuf_c_message_pack(message, bytes);
        protobuf_c_message_free_unpacked(message, NULL);
        return buffer.size;
}

size_t message_mutate(uint8_t *bytes, size_t size, size_t room, const ProtobufCMessageDescriptor *type,
                      struct random *random) {
        if (type->n_fields > 0 && below(random, 4))
                return message_add_field(bytes, size, room, type, random);
        if (room == 0)
                return 0;
        return LLVMFuzzerMutate(bytes, size, room);
}
