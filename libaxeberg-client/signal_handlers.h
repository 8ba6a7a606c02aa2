/* SPDX-License-Identifier: MIT */
/*
 * Running the program's signal handlers.
 *
 * The daemon keeps the signals, and says once that there are some to handle. A thread that is in
 * a library call then takes them one by one, runs the handler of each, and says when that is
 * done, until there are no more. If it serves a call just then, the first comes with the reply.
 */
#pragma once

#include "axeberg.h"

/*
 * Runs the handler of a signal that came with a reply, and of those that are there to be handled
 * when it is done.
 */
void client_handle_signal(ax_client *ax, int signal);
/* Runs the handlers of the signals that are due. Returns how many ran, or a negative error. */
int client_run_handlers(ax_client *ax);
