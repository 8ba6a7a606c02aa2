/* SPDX-License-Identifier: MIT */
/*
 * Sessions, dispatch and every system call: sequences of frames from hostile clients.
 */
#include "calls.h"
#include "clients.h"
#include "sandbox.h"
#include "system.h"
#include "target.h"

static const struct mutator mutator = { .make = calls_make, .change = calls_change };

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        sandbox_enter();
        system_start(NULL);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        clients_run(data, size);
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
        return mutator_mutate(&mutator, data, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t room, unsigned seed) {
        return mutator_cross(first, first_size, second, second_size, out, room, seed);
}
