/* SPDX-License-Identifier: MIT */
/*
 * What libFuzzer calls. Without it, replay.c does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t room, unsigned seed);

/* libFuzzer's, for mutators. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
