#include "object/window.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/screen.h"
#include "process/process.h"
#include "util/identity.h"

struct window *window_from_id(const struct kernel *kernel, uint64_t id) {
        struct window *window;

        DL_FOREACH (kernel->windows, window) {
                if (window->id == id)
                        return window;
        }
        return NULL;
}

/* ---- input ------------------------------------------------------------------------------------------------------ */

static ssize_t add_input(struct window *window, const void *data, size_t size) {
        size_t room = sizeof(window->input) - window->input_size;

        if (size > room)
                size = room;
        memcpy(window->input + window->input_size, data, size);
        window->input_size += size;
        wait_queue_wake(&window->readers);
        return (ssize_t) size;
}

/* All or nothing. */
static int add_event(struct window *window, const char *event) {
        if (sizeof(window->input) - window->input_size < strlen(event))
                return -EAGAIN;
        add_input(window, event, strlen(event));
        return 0;
}

ssize_t window_type(struct window *window, const void *keys, size_t size) {
        ssize_t n = add_input(window, keys, size);

        return n == 0 && size > 0 ? -EAGAIN : n;
}

int window_ask_to_close(struct window *window) {
        int r = add_event(window, "\033_close\033\\");

        if (r == 0)
                window->closing = true;
        return r;
}

/* ---- title and size ----------------------------------------------------------------------------------------------- */

void window_set_title(struct window *window, const char *title) {
        snprintf(window->title, sizeof(window->title), "%s", title);
        screen_touch(window->screen);
        wait_queue_wake(&window->viewers);
}

int window_resize(struct window *window, unsigned rows, unsigned columns, bool tell) {
        char event[64];
        int r = 0;

        if (rows < 1 || columns < 1 || rows > WINDOW_MOST_ROWS || columns > WINDOW_MOST_COLUMNS)
                return -EINVAL;
        if (tell) {
                snprintf(event, sizeof(event), "\033_resize;%u;%u\033\\", rows, columns);
                r = add_event(window, event);
        }
        if (r == 0)
                r = screen_resize(window->screen, rows, columns);
        wait_queue_wake(&window->viewers);
        return r;
}

/* ---- as an object --------------------------------------------------------------------------------------------------- */

static ssize_t window_read(struct object *object, void *buffer, size_t size) {
        struct window *window = (struct window *) object;

        if (size == 0)
                return 0;
        if (window->input_size == 0)
                return -EAGAIN;
        if (size > window->input_size)
                size = window->input_size;
        memcpy(buffer, window->input, size);
        window->input_size -= size;
        memmove(window->input, window->input + size, window->input_size);
        return (ssize_t) size;
}

static ssize_t window_write(struct object *object, const void *buffer, size_t size) {
        struct window *window = (struct window *) object;

        screen_write(window->screen, buffer, size);
        wait_queue_wake(&window->viewers);
        return (ssize_t) size;
}

static int window_stat(struct object *object, struct statx *ret) {
        const struct window *window = (const struct window *) object;

        ret->stx_mode = S_IFCHR | 0600;
        ret->stx_nlink = 1;
        ret->stx_ino = UINT64_C(0xFC) << 56 | window->id;
        ret->stx_uid = window->uid;
        return 0;
}

static int window_describe(struct object *object, char *buffer, size_t size) {
        return snprintf(buffer, size, "window:[%llu]", (unsigned long long) ((struct window *) object)->id);
}

static struct wait_queue *window_readable(struct object *object) {
        return &((struct window *) object)->readers;
}

static void window_free(struct object *object) {
        struct window *window = (struct window *) object;

        DL_DELETE(window->kernel->windows, window);
        window->id = 0; /* viewers find that it is gone */
        wait_queue_wake(&window->viewers);
        screen_free(window->screen);
        user_charge_deinit(&window->charge);
        free(window);
}

static const struct object_ops window_ops = {
        .name = "window",
        .read = window_read,
        .write = window_write,
        .stat = window_stat,
        .describe = window_describe,
        .readable = window_readable,
        .free = window_free,
};

struct window *window_from_object(struct object *object) {
        return object && object->ops == &window_ops ? (struct window *) object : NULL;
}

/* What the terminal answers to a program that asks it (where the cursor is, what it can do). */
static void window_on_answer(void *userdata, const char *data, size_t size) {
        add_input(userdata, data, size);
}

static void window_on_title(void *userdata, const char *title) {
        struct window *window = userdata;

        snprintf(window->title, sizeof(window->title), "%s", title);
}

int window_new(struct window **ret, struct process *process, const char *title) {
        static const struct screen_listener listener = { .answer = window_on_answer, .title = window_on_title };
        struct kernel *kernel = process->kernel;
        struct window *window = calloc(1, sizeof(*window));
        int r = window ? user_charge(process->user, &window->charge, USER_WINDOWS, 1) : -ENOMEM;

        if (r == 0)
                r = screen_new(&window->screen, 24, 80, &listener, window);
        if (r < 0) {
                if (window)
                        user_charge_deinit(&window->charge);
                free(window);
                return r;
        }
        object_init(&window->object, &window_ops, AX_O_READ | AX_O_WRITE);
        window->kernel = kernel;
        window->id = ++kernel->last_id;
        window->pid = process->pid;
        window->uid = process->identity->uid;
        snprintf(window->title, sizeof(window->title), "%s", title);
        DL_APPEND(kernel->windows, window);
        *ret = window;
        return 0;
}

/* ---- the screen ------------------------------------------------------------------------------------------------------ */

void window_state(const struct window *window, struct screen_state *ret) {
        screen_state(window->screen, ret);
}

bool window_row_is_newer(const struct window *window, unsigned row, uint64_t version) {
        return screen_row_is_newer(window->screen, row, version);
}

size_t window_row_text(const struct window *window, unsigned row, bool plain, char *buffer, size_t size) {
        return screen_row_text(window->screen, row, plain, buffer, size);
}
