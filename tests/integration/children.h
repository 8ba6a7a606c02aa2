/* SPDX-License-Identifier: MIT */
/*
 * Child processes for a case, and what another process sees of them.
 */
#pragma once

#include "fixture.h"

/* A child of @ax whose connection the case holds itself. */
ax_client *spawn_child(ax_client *ax, ax_pid *ret_pid);

/* Returns false if there is no such process. */
bool find_process(ax_client *ax, ax_pid pid, struct ax_process *ret);

/* @state: a state of the process list, or "gone". */
void assert_state(ax_client *ax, ax_pid pid, const char *state);
void wait_state(ax_client *ax, ax_pid pid, const char *state);

/* Wait until a call of @sleeper waits, as @ax sees it. */
void wait_sleeping(ax_client *ax, ax_client *sleeper);

/* Wait until a call of any process waits. */
void wait_any_sleeping(ax_client *ax, const char *what);

/* Wait for a child, which must end like that. */
void assert_wait(ax_client *ax, ax_pid pid, enum ax_wait_kind kind, int code);
