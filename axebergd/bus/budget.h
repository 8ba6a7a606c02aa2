/* SPDX-License-Identifier: MIT */
/*
 * The tenth of the kernel's time that the bus has: it is measured, and once it is used up the bus
 * waits until there is some again.
 */
#pragma once

#include "bus/objects.h"

/*
 * Begins to measure. `resumed` is called after each pause, with the bus attached to the event loop
 * again, or an error if that failed. Returns 0 or a negative errno.
 */
int budget_init(struct bus *bus, void (*resumed)(struct bus *bus, int error));
void budget_deinit(struct bus *bus);
/* Measures the messages of the connection. Returns 0 or a negative errno. */
int budget_watch(struct bus *bus);
/* Time of the kernel's thread that was spent for the bus. */
void budget_spend(struct bus *bus, uint64_t usec);
