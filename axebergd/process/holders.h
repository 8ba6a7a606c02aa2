/*
 * Which processes have most of what a user has taken: for the log, where the user is at a limit.
 */
#pragma once

#include <stddef.h>

#include "process/user.h"

struct kernel;

/* "7 sleep: 12, 9 bash: 5", the largest first; empty where no process has any. */
void holders_describe(const struct kernel *kernel, const struct user *user, enum user_resource resource, char *text,
                      size_t size);
