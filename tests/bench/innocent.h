/* SPDX-License-Identifier: MIT */
/*
 * A client that behaves well, over the socket or through rings: the innocent, and the busy one.
 */
#pragma once

#include "loads.h"
#include "ring_client.h"

enum call { CALL_GETPPID, CALL_STAT, CALL_READ, CALLS };

struct caller {
        struct flood_connection socket;
        struct ring_client rings;
        bool has_rings;
        int file; /* that it reads */
};

/* Each returns 0 or more, or a negative errno. */
int caller_connect(struct caller *caller, const char *socket_path, bool rings);
/* Makes the file and writes to it. */
int caller_open(struct caller *caller, const char *path);
int caller_call(struct caller *caller, enum call call, const char *path);
