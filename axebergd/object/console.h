/*
 * The console: an input queue that programs read and administrators type into, and an output that programs write and administrators see. Both are
 * bounded. Input that has no room is refused. Of the output the newest part is kept, by its place in all that was ever written: one who takes moves
 * the common place on; those who follow have places of their own, and so there can be several. What is overwritten before it was taken, or followed, is lost to
 * that one, and counted.
 */
#pragma once

#include "object/object.h"
#include "process/wait_queue.h"

struct console;

int console_new(struct console **ret, size_t input_size, size_t output_size);
struct console *console_free(struct console *console); /* no object refers to it any more */

/* An open console; it must not outlive `console`. Return: 0, -ENOMEM. */
int console_open(struct console *console, unsigned flags, struct object **ret);

/* Bytes taken, all or as many as there is room for; -EAGAIN where there is no room. */
ssize_t console_push_input(struct console *console, const void *data, size_t size);
/* Bytes taken; 0 where there are none. `ret_lost`: bytes dropped since the previous take. */
size_t console_take_output(struct console *console, void *buffer, size_t size, uint64_t *ret_lost);
/* Bytes of the output from `*offset` on, which is moved on; 0: from what nobody has taken. What has been followed counts as taken. */
size_t console_follow_output(struct console *console, uint64_t *offset, void *buffer, size_t size, uint64_t *ret_lost);
/* Of the terminal that shows it, as the last one attached has said; 24 by 80 before. Return: 0, -EINVAL. */
int console_set_size(struct console *console, unsigned rows, unsigned columns);
void console_size(const struct console *console, unsigned *ret_rows, unsigned *ret_columns);
/* Woken when there is output to take. */
struct wait_queue *console_output_queue(struct console *console);
