/*
 * Windows: a title, a size, and two streams. What a program writes is a terminal's stream, and makes the screen (kept by libvterm); what it reads are
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
#include "process/user.h"
#include "process/wait_queue.h"

enum { WINDOW_TITLE_SIZE = 128, WINDOW_MOST_ROWS = 200, WINDOW_MOST_COLUMNS = 400, WINDOW_INPUT_SIZE = 4096 };

struct kernel;
struct process;
struct screen;

struct window {
        struct object object; /* first */
        struct kernel *kernel;
        struct user_charge charge;
        uint64_t id;
        int32_t pid; /* who made it */
        uint32_t uid;
        char title[WINDOW_TITLE_SIZE];
        struct screen *screen;
        bool closing;
        char input[WINDOW_INPUT_SIZE];
        size_t input_size;
        struct wait_queue readers, viewers;
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

/* ---- the screen ------------------------------------------------------------------------------------------------ */

struct screen_state {
        uint64_t version;
        unsigned rows, columns, cursor_row, cursor_column;
        bool cursor_visible;
};

void window_state(const struct window *window, struct screen_state *ret);
bool window_row_is_newer(const struct window *window, unsigned row, uint64_t version);
/* The row's text, with escape sequences for colours and the like unless `plain`. Return: its length, which may be more than there was room for. */
size_t window_row_text(const struct window *window, unsigned row, bool plain, char *buffer, size_t size);
