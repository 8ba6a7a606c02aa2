/* SPDX-License-Identifier: MIT */
/*
 * Figures in a form for people.
 */
#pragma once

#include <stdint.h>

enum { DURATION_SIZE = 32, BYTES_SIZE = 24, BAR_WIDTH = 20, BAR_SIZE = BAR_WIDTH + 3 };

/* "3d 04:05:06" and shorter. */
const char *duration_text(uint64_t usec, char text[static DURATION_SIZE]);
/* "512", "1.5K", "2.0G": powers of 1024. */
const char *bytes_text(uint64_t bytes, char text[static BYTES_SIZE]);
/* "[#####...............]"; empty without a limit. */
const char *bar_text(uint64_t used, uint64_t limit, char text[static BAR_SIZE]);
