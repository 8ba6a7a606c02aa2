/*
 * Cancel switches, as the transport sees them.
 */
#pragma once

#include <stdint.h>

#include "axeberg.h"

/* The calling thread's call is out: from now on its switch interrupts it, and at once where it has been fired already. */
void cancel_watch(ax_client *ax, uint32_t serial);
/* The calling thread's call is over. */
void cancel_unwatch(void);
