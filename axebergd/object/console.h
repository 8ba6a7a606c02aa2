/*
 * The console: an input queue that programs read and administrators type into, and an output buffer that programs write
 * and administrators take from. Both are bounded. Input that has no room is refused; output that nobody takes is dropped, oldest
 * first, and counted.
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
/* Woken when there is output to take. */
struct wait_queue *console_output_queue(struct console *console);
