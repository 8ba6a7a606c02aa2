/* SPDX-License-Identifier: MIT */
/*
 * How inputs of records are changed: whole records come, go, move and are doubled; what is in one
 * is its target's business.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "input.h"
#include "messages.h"

enum { MUTATOR_MAX_DATA = 8192 };

struct mutator {
        /*
         * Makes a record: fills in `kind`, `selector` and `size`, and `data`, which has room for
         * MUTATOR_MAX_DATA bytes.
         */
        void (*make)(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random);
        /* Changes one. `data` holds what it has, with the same room. */
        void (*change)(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random);
        const void *userdata;
};

size_t mutator_mutate(const struct mutator *mutator, uint8_t *data, size_t size, size_t room, unsigned seed);
/* The beginning of one and the end of another. */
size_t mutator_cross(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size, uint8_t *out,
                     size_t room, unsigned seed);
