/* SPDX-License-Identifier: MIT */
/* connection.h - a connection to the daemon, which lives until its last user is done with it */
#pragma once

#include <axeberg.h>

#include <stdatomic.h>
#include <stdbool.h>

struct connection {
        ax_client *ax;
        atomic_uint refs;
};

/**
 * connection_new() - connect
 * @ret: the connection with one reference
 * @socket_path: of the daemon; NULL: the library's default
 *
 * Returns 0 or a negative AX_E… code.
 */
int connection_new(struct connection **ret, const char *socket_path);
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);
void connection_unrefp(struct connection **connection);

/**
 * connection_is_lost() - returns true if the daemon has gone, for a call that failed with -AX_ESRCH
 */
bool connection_is_lost(struct connection *connection);
