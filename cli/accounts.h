/* SPDX-License-Identifier: MIT */
/*
 * The host's users and groups, as words of the command line name them: by name, or by number.
 * A name comes before a number, as in chown(1).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool find_uid(const char *text, uint32_t *ret);
bool find_gid(const char *text, uint32_t *ret);
