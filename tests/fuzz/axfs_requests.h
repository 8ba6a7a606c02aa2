/* SPDX-License-Identifier: MIT */
/*
 * The requests that axfs gets from a fuzz target; each is picked from an input.
 */
#pragma once

#include "input.h"

enum { REQUESTS = 27 };

extern void (*const requests[REQUESTS])(struct reader *reader);
