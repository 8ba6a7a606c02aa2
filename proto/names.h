/* SPDX-License-Identifier: MIT */
/*
 * names.h - the names of signals, trace categories, resources and calls without the daemon
 *
 * The daemon, the library and through it the tools show them. WIRE.md lists the first three kinds.
 */
#pragma once

#include "pages.h"

/* "SIGTERM"; NULL for a number that is no signal. */
const char *signal_name(int signal);
/* The reverse, in any case, and also without "SIG". Returns the number; -AX_ESIG_INVALID. */
int signal_from_name(const char *name);

/* "syscall"; NULL for a number that is no category (enum ax_trace_category). */
const char *category_name(unsigned category);
/* The reverse. Returns the number; -AX_EINVAL. */
int category_from_name(const char *name);

/* "connections"; NULL for a number that is no resource (enum ax_resource). */
const char *resource_name(unsigned resource);

/* "pread"; NULL for a number that is no call that the library makes alone (enum ax_local_call). */
const char *local_call_name(enum ax_local_call call);
