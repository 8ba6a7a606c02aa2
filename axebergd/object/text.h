/* SPDX-License-Identifier: MIT */
/*
 * A read-only text, made when it was opened: the contents of files in /proc.
 */
#pragma once

#include "object/object.h"

struct user;

/*
 * Takes over `text`, which came from malloc(), and charges for it. `status` is what stat shows.
 * Returns 0, -EDQUOT or -ENOMEM (text is then still the caller's).
 */
int text_object_new(struct object **ret, struct user *user, char *text, size_t size, const char *path,
                    const struct statx *status);
