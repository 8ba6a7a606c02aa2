/* SPDX-License-Identifier: MIT */
/*
 * Running the program's signal handlers.
 *
 * The daemon keeps the signals, and says once that there are some to handle. A thread that is in
 * a library call then takes them one by one, runs the handler of each, and says when that is
 * done, until there are no more.
 */
#pragma once

#include "axeberg.h"

/* Runs the handlers of the signals that are due. Returns how many ran, or a negative error. */
int client_run_handlers(ax_client *ax);
