/* SPDX-License-Identifier: MIT */
/*
 * The one point where every call enters: the frame is checked, counted, unpacked with bounded
 * memory and handed to its handler.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct session;

/* Return: 0, or a negative errno: the client broke the protocol and is to be disconnected. */
int dispatch(struct session *session, const uint8_t *frame, size_t size);
