/* SPDX-License-Identifier: MIT */
/*
 * Small questions about strings. printable.h has the rest: UTF-8, and how text of others is shown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Returns true if the bytes are well-formed UTF-8 (RFC 3629). */
bool text_is_utf8(const char *text, size_t size);
