/*
 * Windows: a title, a size, and two streams. What a program writes is a terminal's stream, and makes the screen (kept by libvterm, in a process of its own); what it reads are
 * keys and events that viewers have sent.
 *
 * Every change of a row gives it the window's next version: a viewer names the version that it has, and gets the rows that are newer. So any number
 * of viewers, however slow, see the screen as it is, and none holds the program up.
 *
 * Events in the input stream are application program commands, which no key sends: ESC _ resize;ROWS;COLUMNS ESC \ and ESC _ close ESC \.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object/object.h"
#include "object/screen_host.h"
#include "process/user.h"
#include "process/wait_queue.h"

enum { WINDOW_INPUT_SIZE = 4096 };

struct kernel;
struct process;

struct window {
        struct object object; /* first */
        struct kernel *kernel;
        struct user_charge charge;
        uint64_t id;
        int32_t pid; /* who made it */
        uint32_t uid;
        char title[SCREEN_TITLE_SIZE];
        struct screen_host screen;
        unsigned rows, columns;
        unsigned restarts; /* of the screen, which streams can crash */
        bool closing;
        char input[WINDOW_INPUT_SIZE];
        size_t input_size;
        struct wait_queue readers, writers, viewers;
        struct window *prev, *next;
};

/* Return: 0, -EDQUOT, -ENOMEM. */
int window_new(struct window **ret, struct process *process, const char *title);
struct window *window_from_id(const struct kernel *kernel, uint64_t id);
/* NULL: the object is something else. */
struct window *window_from_object(struct object *object);

void window_set_title(struct window *window, const char *title);
/* By the program, or by a viewer, in which case the program is told. Return: 0, -EINVAL. */
int window_resize(struct window *window, unsigned rows, unsigned columns, bool tell);
/* What a viewer's keys are. Return: bytes taken, -EAGAIN there is no room. */
ssize_t window_type(struct window *window, const void *keys, size_t size);
/* Asks the program to end. Return: 0, -EAGAIN. */
int window_ask_to_close(struct window *window);
