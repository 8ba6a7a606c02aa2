/*
 * Small questions about strings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are well-formed UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF). */
bool text_is_utf8(const char *text, size_t size);
