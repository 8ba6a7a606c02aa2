/* SPDX-License-Identifier: MIT */
/* connection.c - see connection.h */
#include "connection.h"

#include <stdlib.h>

int connection_new(struct connection **ret, const char *socket_path) {
        struct connection *connection = malloc(sizeof(*connection));
        int r;

        if (!connection)
                return -AX_ENOMEM;
        *connection = (struct connection){ .refs = 1 };
        r = ax_connect(&connection->ax, socket_path);
        if (r < 0) {
                free(connection);
                return r;
        }
        *ret = connection;
        return 0;
}

struct connection *connection_ref(struct connection *connection) {
        atomic_fetch_add(&connection->refs, 1);
        return connection;
}

void connection_unref(struct connection *connection) {
        if (!connection || atomic_fetch_sub(&connection->refs, 1) != 1)
                return;
        ax_disconnect(connection->ax);
        free(connection);
}

void connection_unrefp(struct connection **connection) {
        connection_unref(*connection);
}

/*
 * /proc answers ESRCH for a process that has just ended, too. A call that cannot fail otherwise
 * tells which it was.
 */
bool connection_is_lost(struct connection *connection) {
        return ax_getppid(connection->ax) == -AX_ESRCH;
}
