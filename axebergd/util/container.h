/* SPDX-License-Identifier: MIT */
/*
 * From a member that is embedded in a struct to that struct.
 */
#pragma once

#include <stddef.h>

#define container_of(pointer, type, member)                                                                            \
        ((type *) (void *) &((char *) (pointer))[-(ptrdiff_t) offsetof(type, member)])
