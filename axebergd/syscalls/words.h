/* SPDX-License-Identifier: MIT */
/*
 * Values in words, for the trace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text of a bounded size. */
struct text {
        char *at;
        size_t left;
        bool begun; /* the next item needs a comma in front of it */
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);
/* Begins a new item of a list. */
void text_separate(struct text *text);
/* As strace(1) has it. `flags` are printable()'s; of PRINTABLE_BYTES only the first are shown. */
void text_add_quoted(struct text *text, const void *data, size_t size, unsigned flags);
/* A number that is more than one: `words` is the proto's enum Words. Returns false for PLAIN. */
bool text_add_words(struct text *text, unsigned words, uint64_t value);
