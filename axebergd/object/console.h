/* SPDX-License-Identifier: MIT */
/*
 * The console: an input queue that programs read and administrators type into, and an output that
 * programs write and administrators see. Both are bounded. Input that has no room is refused. The
 * newest part of the output is kept, by its place in all that was ever written: a reader that takes
 * moves the common place on; readers that follow have places of their own, so there can be several.
 * Output that is overwritten before a reader got it is lost to that reader, and counted.
 *
 * What an administrator types (a password, say) is for administrators' programs, and for those that
 * they start: the right to read is that of the open console, which a child inherits with the
 * descriptor, as whichever user it runs. Everybody else has a console to write to; reading it fails
 * with -EIO, as reading a terminal does from an orphaned background process group (POSIX.1-2017,
 * 11.1.4), which is what such a process will be when there are groups.
 */
#pragma once

#include "object/object.h"
#include "util/wait_queue.h"

struct console;

int console_new(struct console **ret, size_t input_size, size_t output_size);
struct console *console_free(struct console *console); /* no object refers to it any more */

/* Of /dev/console, which belongs to the daemon's user: others may only write. */
enum { CONSOLE_MODE = 0622 };

/* An open console; it must not outlive `console`. Returns 0 or -ENOMEM. */
int console_open(struct console *console, unsigned flags, bool reads_input, struct object **ret);

/* Returns the bytes taken, all or as many as there is room for, or -EAGAIN if there is no room. */
ssize_t console_push_input(struct console *console, const void *data, size_t size);
/*
 * Returns the bytes taken, 0 if there are none. `*ret_lost`: bytes dropped since the previous take.
 */
size_t console_take_output(struct console *console, void *buffer, size_t size, uint64_t *ret_lost);
/*
 * Copies the output from `*offset` on, which is moved on; 0 means from the first byte that nobody
 * has taken. Output that was followed counts as taken.
 */
size_t console_follow_output(struct console *console, uint64_t *offset, void *buffer, size_t size, uint64_t *ret_lost);
/*
 * The size of the terminal that shows it, as the last one attached has set it; 24 by 80 before.
 * Returns 0 or -EINVAL.
 */
int console_set_size(struct console *console, unsigned rows, unsigned columns);
void console_size(const struct console *console, unsigned *ret_rows, unsigned *ret_columns);
/* Woken when there is output to take. */
struct wait_queue *console_output_queue(struct console *console);
