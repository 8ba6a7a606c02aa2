/* SPDX-License-Identifier: MIT */
/*
 * The signals that a handler was called for.
 */
#include "handled.h"

void note_signal(ax_client *ax, int signal, void *userdata) {
        struct handled *handled = userdata;

        (void) ax;
        if (handled->count < 64)
                handled->signals[handled->count++] = signal;
}

void assert_handled(const struct handled *handled, const int *expected, int count) {
        ck_assert_int_eq(handled->count, count);
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(handled->signals[i], expected[i]);
}
