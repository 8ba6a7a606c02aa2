/* SPDX-License-Identifier: MIT */
#include "mutator.h"

#include <string.h>

#include "target.h"

enum { MAX_RECORDS = 200 };

struct parts {
        size_t starts[MAX_RECORDS + 1]; /* the last one: the end */
        unsigned n;
};

static void find_parts(struct parts *parts, const uint8_t *data, size_t size) {
        struct reader reader = reader_of(data, size);
        struct record record;

        parts->n = 0;
        parts->starts[0] = 0;
        while (parts->n < MAX_RECORDS && record_next(&reader, &record))
                parts->starts[++parts->n] = (size_t) (reader.at - data);
}

/* Puts bytes in the place of others. Return: the new size; the old one if there is no room. */
static size_t splice(uint8_t *data, size_t size, size_t room, size_t at, size_t old, const uint8_t *bytes, size_t new) {
        if (size - old + new > room)
                return size;
        memmove(data + at + new, data + at + old, size - at - old);
        memcpy(data + at, bytes, new);
        return size - old + new;
}

static size_t put_record(uint8_t *bytes, const struct record *record) {
        bytes[0] = record->kind;
        bytes[1] = record->selector;
        bytes[2] = (uint8_t) record->size;
        bytes[3] = (uint8_t) (record->size >> 8);
        return RECORD_OVERHEAD + record->size;
}

static size_t make(const struct mutator *mutator, uint8_t *bytes, struct random *random) {
        struct record record = { 0 };

        mutator->make(mutator, &record, bytes + RECORD_OVERHEAD, random);
        return put_record(bytes, &record);
}

static size_t change(const struct mutator *mutator, uint8_t *bytes, const uint8_t *old, size_t size,
                     struct random *random) {
        struct reader reader = reader_of(old, size);
        struct record record;

        if (!record_next(&reader, &record))
                return 0;
        if (record.size > MUTATOR_MAX_DATA)
                record.size = MUTATOR_MAX_DATA;
        memcpy(bytes + RECORD_OVERHEAD, record.data, record.size);
        mutator->change(mutator, &record, bytes + RECORD_OVERHEAD, random);
        return put_record(bytes, &record);
}

static size_t mutate_once(const struct mutator *mutator, uint8_t *data, size_t size, size_t room,
                          struct random *random) {
        static uint8_t record[RECORD_OVERHEAD + RECORD_MAX_DATA];
        struct parts parts;
        size_t at, end, to;
        unsigned one;

        find_parts(&parts, data, size);
        one = below(random, parts.n);
        to = parts.starts[below(random, parts.n + 1)];
        at = parts.starts[one];
        end = parts.n > 0 ? parts.starts[one + 1] : 0;
        switch (parts.n == 0 ? 0 : below(random, 10)) {
        case 0:
        case 1:
        case 2:
                return splice(data, size, room, to, 0, record, make(mutator, record, random));
        case 3:
                return splice(data, size, room, at, end - at, record, 0);
        case 4:
                memcpy(record, data + at, end - at);
                return splice(data, size, room, to, 0, record, end - at);
        case 5:
                return below(random, 10) ? size : LLVMFuzzerMutate(data, size, room);
        default:
                return splice(data, size, room, at, end - at, record,
                              change(mutator, record, data + at, end - at, random));
        }
}

size_t mutator_mutate(const struct mutator *mutator, uint8_t *data, size_t size, size_t room, unsigned seed) {
        struct random random = random_of(seed);

        for (uint32_t n = 1 + below(&random, 3); n > 0; n--)
                size = mutate_once(mutator, data, size, room, &random);
        return size;
}

size_t mutator_cross(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size, uint8_t *out,
                     size_t room, unsigned seed) {
        struct random random = random_of(seed);
        struct parts parts;
        size_t head, tail;

        find_parts(&parts, first, first_size);
        head = parts.starts[below(&random, parts.n + 1)];
        find_parts(&parts, second, second_size);
        tail = parts.starts[below(&random, parts.n + 1)];
        if (head > room)
                return 0;
        if (second_size - tail > room - head)
                tail = second_size;
        memcpy(out, first, head);
        memcpy(out + head, second + tail, second_size - tail);
        return head + second_size - tail;
}
