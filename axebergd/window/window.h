/* SPDX-License-Identifier: MIT */
/*
 * Windows: a title, a size, and two streams. A program writes a terminal's stream, which makes the
 * screen (kept by libvterm, in a process of its own), and reads keys and events that viewers have
 * sent.
 *
 * Every change of a row gives it the window's next version: a viewer names the version that it has,
 * and gets the rows that are newer. So any number of viewers, however slow, see the screen as it
 * is, and none holds the program up.
 *
 * Events in the input stream are application program commands, which no key sends: ESC _
 * resize;ROWS;COLUMNS ESC \ and ESC _ close ESC \.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/user.h"
#include "object/object.h"
#include "util/wait_queue.h"
#include "window/screen_host.h"

enum { WINDOW_INPUT_SIZE = 4096 };

struct process;
struct window;

/* All windows. */
struct window_table {
        struct screen_starter starter;
        struct window *windows; /* in order of their ids */
        uint64_t last_id;
};

struct window {
        struct object object;
        struct window_table *table;
        struct user_charge charge;
        uint64_t id;
        int32_t pid; /* of the process that made it */
        uint32_t uid;
        char title[SCREEN_TITLE_SIZE]; /* printable (printable.h) */
        struct screen_host screen;
        unsigned rows, columns;
        unsigned restarts; /* of the screen, which streams can crash */
        bool closing;
        char input[WINDOW_INPUT_SIZE];
        size_t input_size;
        struct wait_queue readers, writers, viewers;
        struct window *prev, *next;
};

/* Makes a window of the process. Returns 0, -EDQUOT or -ENOMEM. */
int window_new(struct window **ret, struct window_table *table, const struct process *process, const char *title);
/* NULL if there is none. */
struct window *window_from_id(const struct window_table *table, uint64_t id);
/* NULL if the object is something else. */
struct window *window_from_object(struct object *object);

void window_set_title(struct window *window, const char *title);
/*
 * By the program, or by a viewer: then `tell`, so that the program learns of it. Returns 0 or
 * -EINVAL.
 */
int window_resize(struct window *window, unsigned rows, unsigned columns, bool tell);
/* A viewer's keys. Returns bytes taken, or -EAGAIN if there is no room. */
ssize_t window_type(struct window *window, const void *keys, size_t size);
/* Asks the program to end. Returns 0 or -EAGAIN. */
int window_ask_to_close(struct window *window);
