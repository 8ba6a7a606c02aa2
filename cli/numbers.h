/* SPDX-License-Identifier: MIT */
/*
 * Numbers on the command line, and those that are typed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The number of a user, a group or a process: digits only. Returns false if it is no number, or the
 * one that stands for nobody.
 */
bool parse_id(const char *text, uint32_t *ret);

/* A time as in timeout(1): seconds, or with one of the units s, m, h, d; fractions are fine. */
bool parse_seconds(const char *text, double *ret);
