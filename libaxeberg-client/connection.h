/* SPDX-License-Identifier: MIT */
/*
 * Connecting over a socket that is there already.
 */
#pragma once

#include "axeberg.h"

/* Takes over the connected socket and says Hello. Returns what ax_connect() does. */
int connection_new(ax_client **ret, int fd);
