/* SPDX-License-Identifier: MIT */
/*
 * A fuzz input, taken apart: a sequence of records, each a kind, a selector, and a length with so
 * many bytes. What is cut off is as long as it is, so every string of bytes is an input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_OVERHEAD = 4, RECORD_MAX_DATA = 65535 };

struct record {
        uint8_t kind, selector;
        const uint8_t *data;
        size_t size;
};

/* Bytes that are read one after the other; behind the end come zeros. */
struct reader {
        const uint8_t *at, *end;
};

/* Returns false at the end. */
static inline bool record_next(struct reader *reader, struct record *ret) {
        size_t left = (size_t) (reader->end - reader->at), size;

        if (left < RECORD_OVERHEAD)
                return false;
        size = (size_t) reader->at[2] | (size_t) reader->at[3] << 8;
        if (size > left - RECORD_OVERHEAD)
                size = left - RECORD_OVERHEAD;
        *ret = (struct record){
                .kind = reader->at[0], .selector = reader->at[1], .data = reader->at + RECORD_OVERHEAD, .size = size
        };
        reader->at += RECORD_OVERHEAD + size;
        return true;
}

static inline struct reader reader_of(const uint8_t *data, size_t size) {
        return (struct reader){ .at = data, .end = data + size };
}

static inline size_t reader_left(const struct reader *reader) {
        return (size_t) (reader->end - reader->at);
}

static inline uint8_t read_byte(struct reader *reader) {
        return reader->at < reader->end ? *reader->at++ : 0;
}

static inline uint64_t read_number(struct reader *reader, unsigned bytes) {
        uint64_t number = 0;

        for (unsigned i = 0; i < bytes; i++)
                number |= (uint64_t) read_byte(reader) << 8 * i;
        return number;
}
