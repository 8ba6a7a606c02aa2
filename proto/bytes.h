/* SPDX-License-Identifier: MIT */
/*
 * bytes.h - a number of bytes as people write it
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Digits, and K, M, G or T for powers of 1024: "512", "64M". Returns false, and leaves `ret` alone,
 * if the text is anything else (" 1", "-1", "1.5G") or too large.
 */
bool parse_bytes(const char *text, uint64_t *ret);
