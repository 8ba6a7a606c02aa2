/*
 * A read-only text, made when it was opened: what files in /proc give.
 */
#pragma once

#include "object/object.h"

/* Takes over `text`, which came from malloc(). `status` is what stat shows. Return: 0, -ENOMEM (text is then still the caller's). */
int text_object_new(struct object **ret, char *text, size_t size, const char *path, const struct statx *status);
