/* SPDX-License-Identifier: MIT */
/*
 * The peer: libfuse's example passthrough_ll, which passes everything on to a directory and lets
 * the kernel cache names, attributes and contents without ever telling it of a change.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct peer {
        pid_t pid; /* -1: not there */
        char mount[128];
};

/*
 * Start it on DIRECTORY/peer, for a directory of its own below @tmpfs. @ret is "" if it is not
 * there or does not start.
 */
void peer_start(struct peer *peer, const char *directory, const char *tmpfs, char *ret, size_t size);

/* Harmless if it was not started. */
void peer_stop(struct peer *peer);
