/* SPDX-License-Identifier: MIT */
/*
 * What the calls of a stopped process do.
 *
 * A stopped process makes no progress, and neither does its host program (lifecycle.h stops and
 * continues both). No further call is read from its connections. A call that waits goes on waiting,
 * and one that could go on is held until the process is continued. One that a worker has is
 * finished, and its reply can be read later.
 */
#pragma once

#include <stdbool.h>

struct process;
struct waiter;

bool process_is_stopped(const struct process *process);
/* Keeps a call that could go on until the process is continued. */
void process_hold(struct process *process, struct waiter *waiter);
/* Lets the held calls go on. */
void process_release_held(struct process *process);
