/* SPDX-License-Identifier: MIT */
/*
 * methods.h - what axeberg.proto says about its methods
 *
 * The table is generated (generate.c) from the options in the proto, which say what each member
 * means.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axeberg.pb-c.h"
#include "frame.h"

/* How many there are. */
enum {
        AX_METHODS =
                (sizeof(Axeberg__Kernel_Service) - offsetof(Axeberg__Kernel_Service, hello)) / sizeof(void (*)(void)),
};

/* A field of a message. */
struct ax_field {
        uint8_t words; /* enum Words */
        bool hidden, if_set, unnamed, result;
};

struct ax_method {
        const char *name;                       /* as the library has it, without "ax_" */
        const struct ax_field *request, *reply; /* as protobuf-c's fields; NULL: none has options */
        uint8_t trailer;
        bool untraced, returns_data;
};

extern const struct ax_method ax_methods[AX_METHODS];
