/*
 * Small questions about strings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are well-formed UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF). */
bool text_is_utf8(const char *text, size_t size);
/* Copies text with '?' for each byte that is not part of well-formed UTF-8, cut behind a whole character. `size`: of `to`, with the zero at the end. */
void text_make_utf8(char *to, size_t size, const char *from);
