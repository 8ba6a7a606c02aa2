/* SPDX-License-Identifier: MIT */
/*
 * The devices without state: null, zero, full, random, urandom.
 */
#pragma once

#include "object/object.h"

struct device_type {
        const char *name;
        unsigned major, minor; /* Linux's numbers, Documentation/admin-guide/devices.txt */
        ssize_t (*read)(void *buffer, size_t size);
        ssize_t (*write)(size_t size);
};

extern const struct device_type device_types[];
extern const size_t n_device_types;

/* Returns 0 or -ENOMEM. */
int device_open(const struct device_type *type, uint64_t ino, unsigned flags, struct object **ret);
