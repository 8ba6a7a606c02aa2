/* SPDX-License-Identifier: MIT */
/*
 * The calls that wait for the daemon's reply, and what the daemon sends: replies complete them,
 * events say that there are signals to handle. If the connection breaks, all of them fail.
 * Replies find their calls by the serial.
 */
#pragma once

#include "client.h"
#include "rpc.h"
#include "transport.h"

/* Gives the call a serial of its own. Returns 0, or why the connection is of no use. */
int in_flight_add(ax_client *ax, struct rpc *rpc);
/*
 * Fails a call that could not be sent, unless it has been completed by the end of the connection.
 */
void in_flight_fail(ax_client *ax, struct rpc *rpc, int error);

/* With the lock held: handles a frame. After a negative result the connection is of no use. */
int in_flight_handle(ax_client *ax, struct frame *frame);
/*
 * With the lock held: breaks the connection. The calls in flight fail with the reason, later ones
 * with -AX_ESRCH. Shutting the socket down informs the daemon, and wakes threads that wait for
 * room.
 */
void in_flight_break(ax_client *ax, int reason);
