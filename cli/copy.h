/*
 * Copying a file from one path of the namespace to another.
 */
#pragma once

#include "axctl.h"

/* Copies a regular file with its mode, times and, where allowed, its owner; nothing is left of a failed one. Return: 0, negative error. */
int copy_within(struct axctl *axctl, const char *from, const char *to, const struct ax_stat *status);
