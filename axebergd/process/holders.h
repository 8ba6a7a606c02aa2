/* SPDX-License-Identifier: MIT */
/*
 * The processes that hold most of what a user has taken: for the log, if the user is at a limit.
 */
#pragma once

#include <stddef.h>

#include "account/user.h"

struct process_table;

/* "7 sleep: 12, 9 bash: 5", the largest first; empty if no process has any. */
void holders_describe(const struct process_table *table, const struct user *user, enum user_resource resource,
                      char *text, size_t size);
