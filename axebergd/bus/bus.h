/* SPDX-License-Identifier: MIT */
/*
 * The kernel on D-Bus: org.axeberg.Kernel1, on the system bus, or on the user's own for a daemon
 * that is not root's.
 *
 *   /org/axeberg/Kernel1               org.axeberg.Kernel1.Manager   (manager.c)
 *   /org/axeberg/Kernel1/process/PID   org.axeberg.Kernel1.Process   (process_object.c)
 *
 * Anyone may read; changes need an administrator, or authorisation by polkit (authority.c). The
 * kernel's thread never waits for the bus: it asks others asynchronously, gives long answers in
 * steps (listing.c), and signals that a slow bus does not take are dropped and counted. A bus that
 * is not there yet, or goes away, is waited for.
 *
 * Whatever anyone asks, the bus has a tenth of the kernel's time (budget.c). Signals about the
 * processes of one user are limited, too; SignalsLost counts what is dropped.
 */
#pragma once

struct bus;
struct kernel;

/* Goes on the bus, now or when there is one. Returns 0 or a negative errno (logged). */
int bus_start(struct bus **ret, struct kernel *kernel);
/* Leaves it. NULL is fine. */
struct bus *bus_stop(struct bus *bus);
