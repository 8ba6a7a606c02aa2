/* SPDX-License-Identifier: MIT */
/*
 * Signals of the host that become signals of axeberg.
 *
 * A program that ax_spawn() started gets signals from the host, too: a terminal's Ctrl-C, for
 * example. If it has an action of its own for the same signal of axeberg's, and none for the
 * host's, the host's is sent on to its own process. So it need not know where a signal came from.
 */
#pragma once

#include <stdbool.h>

#include "client.h"

/* Makes this connection, which ax_spawn() left for the program, the one that host signals go to. */
void host_signals_adopt(ax_client *ax);
/* Ends that, if it is this one. */
void host_signals_release(ax_client *ax);

/* Sends the host's signal on from now on, or no more. What the program has set itself stays. */
void host_signals_bind(const ax_client *ax, int signal, bool on);
