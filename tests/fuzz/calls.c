/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <stdbool.h>
#include <string.h>

#include "axeberg.pb-c.h"
#include "clients.h"
#include "frame.h"
#include "screens.h"
#include "target.h"

enum { MAX_MESSAGE = 4096, MAX_TRAILER = 4000 };

static const ProtobufCServiceDescriptor *service(void) {
        return &axeberg__kernel__descriptor;
}

static uint8_t pick_selector(struct random *random) {
        return (uint8_t) (below(random, CLIENTS) | (below(random, 12) == 0 ? SELECT_AT_ONCE : 0));
}

static uint8_t pick_method(const struct mutator *mutator, struct random *random) {
        const struct calls *calls = mutator->userdata;

        if (!calls || !calls->methods || below(random, 8) == 0)
                return (uint8_t) below(random, service()->n_methods);
        return (uint8_t) calls->methods[below(random, (uint32_t) calls->n_methods)];
}

static void make_call(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        uint8_t method = pick_method(mutator, random);
        size_t message = message_build(data + CALL_HEADER, MAX_MESSAGE, service()->methods[method].input, random);
        size_t trailer = 0;

        if (method == AX_METHOD(write) || method == AX_METHOD(console_push_input) || method == AX_METHOD(window_type))
                trailer = below(random, below(random, 8) ? 40 : MAX_TRAILER);
        for (size_t i = 0; i < trailer; i++)
                data[CALL_HEADER + message + i] = (uint8_t) below(random, 256);
        if (trailer > 0 && below(random, 6) == 0)
                data[CALL_HEADER + message] = (uint8_t) (SCREEN_SAYS + below(random, 4));
        data[0] = method;
        data[1] = (uint8_t) trailer;
        data[2] = (uint8_t) (trailer >> 8);
        record->size = CALL_HEADER + message + trailer;
}

void calls_make(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        record->kind = below(random, 5) ? RECORD_CALL : (uint8_t) below(random, RECORD_KINDS);
        record->selector = pick_selector(random);
        if (record->kind == RECORD_CALL || record->kind == RECORD_PASS) {
                make_call(mutator, record, data, random);
                return;
        }
        record->size = below(random, 30);
        for (size_t i = 0; i < record->size; i++)
                data[i] = (uint8_t) below(random, below(random, 2) ? 8 : 256);
}

static bool is_call(const struct record *record, const uint8_t *data) {
        uint8_t kind = record->kind % RECORD_KINDS;

        return (kind == RECORD_CALL || kind == RECORD_PASS) && record->size >= CALL_HEADER &&
               data[0] < service()->n_methods;
}

/* The trailer keeps its length and its place at the end. */
static void change_message(struct record *record, uint8_t *data, struct random *random) {
        static uint8_t bytes[MUTATOR_MAX_DATA];
        size_t trailer = (size_t) data[1] | (size_t) data[2] << 8, left = record->size - CALL_HEADER, message;

        if (trailer > left)
                trailer = left;
        if (trailer > MAX_TRAILER)
                trailer = MAX_TRAILER;
        memcpy(bytes, data + record->size - trailer, trailer);
        message = left - trailer < MAX_MESSAGE ? left - trailer : MAX_MESSAGE;
        message = message_mutate(data + CALL_HEADER, message, MAX_MESSAGE, service()->methods[data[0]].input, random);
        memcpy(data + CALL_HEADER + message, bytes, trailer);
        record->size = CALL_HEADER + message + trailer;
}

void calls_change(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        (void) mutator;
        if (below(random, 12) == 0)
                record->selector = pick_selector(random);
        else if (is_call(record, data))
                change_message(record, data, random);
        else
                record->size = LLVMFuzzerMutate(data, record->size, MUTATOR_MAX_DATA);
}
