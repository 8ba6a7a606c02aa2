/* SPDX-License-Identifier: MIT */
/*
 * Scope-bound cleanup: every early return gives back what was taken so far.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer) {
        free(*(void **) pointer);
}

static inline void cleanup_close(const int *fd) {
        if (*fd >= 0)
                close(*fd);
}

/*
 * TYPE_cleanup(), for a pointer to a struct: put beside the function that gives such a pointer
 * back.
 */
#define DEFINE_CLEANUP(type, function)                                                                                 \
        static inline void type##_cleanup(struct type **pointer) {                                                     \
                function(*pointer);                                                                                    \
        }

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

static inline int steal_fd(int *fd) {
        int taken = *fd;

        *fd = -1;
        return taken;
}

static inline void *steal_pointer_impl(void *pointer) {
        void *taken = *(void **) pointer;

        *(void **) pointer = NULL;
        return taken;
}

#define steal_pointer(pointer) ((__typeof__(*(pointer))) steal_pointer_impl(pointer))
