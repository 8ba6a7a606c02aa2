/* SPDX-License-Identifier: MIT */
/*
 * A handler that notes the signals it gets.
 */
#pragma once

#include "fixture.h"

struct handled {
        int signals[64], count;
};

/* For ax_signal_handle(); @userdata: a struct handled. */
void note_signal(ax_client *ax, int signal, void *userdata);

/* These signals have come, in this order, and no others. */
void assert_handled(const struct handled *handled, const int *expected, int count);
