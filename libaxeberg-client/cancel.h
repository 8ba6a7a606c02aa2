/* SPDX-License-Identifier: MIT */
/*
 * The side of cancel switches that calls see (ax_cancel_new()).
 */
#pragma once

#include <stdint.h>

#include "axeberg.h"

/*
 * The calling thread's switch, or NULL. Each call looks at it, so it lies in each thread's own
 * block.
 */
extern _Thread_local ax_cancel *cancel_current __attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * Says that the calling thread's call has been sent: from now on its switch, which it has,
 * interrupts the call, at once if it has been fired already.
 */
void cancel_watch(ax_client *ax, uint32_t serial);
/* Says that the call is over. */
void cancel_unwatch(void);
