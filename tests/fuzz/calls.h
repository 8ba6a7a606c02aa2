/* SPDX-License-Identifier: MIT */
/*
 * The mutator of inputs that are sequences of calls (clients.h).
 */
#pragma once

#include "mutator.h"

/* The methods that new calls are of. */
struct calls {
        const uint32_t *methods; /* NULL: all */
        size_t n_methods;
};

void calls_make(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random);
void calls_change(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random);
