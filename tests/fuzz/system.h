/* SPDX-License-Identifier: MIT */
/*
 * The daemon's kernel and server in this process, without the program around them: no D-Bus, no
 * host programs.
 *
 * Clients are in this process, too. One kernel serves all inputs; in between everybody is
 * disconnected, and what must be gone then is looked for.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "config.h"
#include "kernel.h"
#include "server/server.h"

struct system {
        struct config config;
        sd_event *event;
        struct kernel kernel;
        struct server server;
        unsigned files; /* descriptors of this process while nobody is connected */
        uint64_t charges[USER_RESOURCES];
};

extern struct system the_system;

/* Starts it in the sandbox. `settings`: pairs of name and value, then NULL. */
void system_start(const char *const *settings);

/* Before each input. */
void system_begin(void);

/* The client's end of a new connection of that user, non-blocking. */
int system_connect(uid_t uid);

/* One turn of the event loop, see sd_event_run(3). */
int system_turn(uint64_t timeout_usec);

/* Runs the event loop until nothing is ready. Returns how many events there were. */
unsigned system_run(void);

/* The same, and workers have no jobs left. */
void system_settle(void);

/*
 * Everybody is disconnected: runs the loop, wants nothing of theirs left, and empties the stores.
 */
void system_reset(void);
