/* SPDX-License-Identifier: MIT */
/*
 * Threads that call the library, for cases that play the server themselves.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "axeberg.h"
#include "fake_server.h"

struct caller {
        ax_client *ax;
        ax_cancel *cancel; /* that its call uses */
        pthread_t thread;
        atomic_int tid; /* 0 before the thread runs */
        int number;     /* the case's */
        int64_t result;
};

/* Connects to a server with this body; the case fails if that fails. */
ax_client *connect_ok(struct fake *fake, void (*body)(struct fake *fake));

void caller_start(struct caller *caller, void *(*body)(void *userdata));
/* A body: calls ax_getppid(). */
void *run_getppid(void *userdata);

/* Returns true if the caller's thread sleeps in poll(2); for fixture_wait(). */
bool sleeps_in_poll(void *userdata);
