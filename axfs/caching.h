/* SPDX-License-Identifier: MIT */
/*
 * For how long the host's kernel may use what it was told before it asks again, in seconds.
 *
 * Not at all: a library client may change a name or an attribute at any time, and the next
 * operation on the mount has to see that. So the kernel asks for each name of each path anew.
 * Contents need no asking: the kernel reads and writes the store's file itself (passthrough).
 */
#pragma once

#define NAME_TIMEOUT_S 0.0
#define ATTRIBUTES_TIMEOUT_S 0.0
