/* SPDX-License-Identifier: MIT */
#include "window/window.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "axeberg.h"
#include "printable.h"
#include "process/process.h"
#include "util/container.h"
#include "util/identity.h"
#include "util/log.h"

enum { MAX_RESTARTS = 100 };

struct window *window_from_id(const struct window_table *table, uint64_t id) {
        struct window *window;

        DL_FOREACH (table->windows, window) {
                if (window->id == id)
                        return window;
        }
        return NULL;
}

/* ---- input ----------------------------------------------------------------------------------- */

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

/* ---- title and size -------------------------------------------------------------------------- */

/* Titles are only ever shown, so they are kept as they are shown. */
static void store_title(struct window *window, const char *title) {
        printable(window->title, sizeof(window->title), title, strlen(title), 0);
}

void window_set_title(struct window *window, const char *title) {
        store_title(window, title);
        screen_host_touch(&window->screen);
}

int window_resize(struct window *window, unsigned rows, unsigned columns, bool tell) {
        char event[64];
        int r = 0;

        if (rows < 1 || columns < 1 || rows > AX_SCREEN_MAX_ROWS || columns > AX_SCREEN_MAX_COLUMNS)
                return -EINVAL;
        if (tell) {
                snprintf(event, sizeof(event), "\033_resize;%u;%u\033\\", rows, columns);
                r = add_event(window, event);
        }
        if (r == 0)
                r = screen_host_resize(&window->screen, rows, columns);
        if (r < 0)
                return r;
        window->rows = rows;
        window->columns = columns;
        return 0;
}

/* ---- as an object ---------------------------------------------------------------------------- */

static ssize_t window_read(struct object *object, void *buffer, size_t size) {
        struct window *window = container_of(object, struct window, object);

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
        struct window *window = container_of(object, struct window, object);

        return screen_host_write(&window->screen, buffer, size);
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
        return snprintf(buffer, size, "window:[%llu]",
                        (unsigned long long) (container_of(object, struct window, object))->id);
}

static struct wait_queue *window_readable(struct object *object) {
        return &(container_of(object, struct window, object))->readers;
}

static struct wait_queue *window_writable(struct object *object) {
        return &(container_of(object, struct window, object))->writers;
}

static void window_free(struct object *object) {
        struct window *window = container_of(object, struct window, object);

        DL_DELETE(window->table->windows, window);
        window->id = 0; /* viewers find that it is gone */
        wait_queue_wake(&window->viewers);
        screen_host_deinit(&window->screen);
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
        .writable = window_writable,
        .free = window_free,
};

struct window *window_from_object(struct object *object) {
        return object && object->ops == &window_ops ? container_of(object, struct window, object) : NULL;
}

/* What the terminal answers to a program that asks it (where the cursor is, what it can do). */
static void window_on_answer(void *userdata, const char *data, size_t size) {
        add_input(userdata, data, size);
}

static void window_on_title(void *userdata, const char *title) {
        struct window *window = userdata;

        store_title(window, title);
}

/*
 * A stream has crashed the screen's process. The new one begins empty, and the program is asked to
 * draw again, as after a resize.
 */
static void window_on_ended(void *userdata) {
        struct window *window = userdata;

        if (window->restarts++ >= MAX_RESTARTS) {
                log_warning("window %llu: its screen has crashed too often", (unsigned long long) window->id);
                return;
        }
        if (screen_host_restart(&window->screen) == 0)
                window_resize(window, window->rows, window->columns, true);
}

static void window_on_published(void *userdata) {
        wait_queue_wake(&((struct window *) userdata)->viewers);
}

static void window_on_writable(void *userdata) {
        wait_queue_wake(&((struct window *) userdata)->writers);
}

static const struct screen_host_listener listener = {
        .published = window_on_published,
        .writable = window_on_writable,
        .answer = window_on_answer,
        .title = window_on_title,
        .ended = window_on_ended,
};

int window_new(struct window **ret, struct window_table *table, const struct process *process, const char *title) {
        struct window *window = calloc(1, sizeof(*window));
        int r = window ? user_charge(process->user, &window->charge, USER_WINDOWS, 1) : -ENOMEM;

        if (r == 0)
                r = screen_host_init(&window->screen, &table->starter, window->charge.user, &listener, window);
        if (r < 0) {
                if (window)
                        user_charge_deinit(&window->charge);
                free(window);
                return r;
        }
        object_init(&window->object, &window_ops, AX_O_READ | AX_O_WRITE);
        window->table = table;
        window->id = ++table->last_id;
        window->pid = process->pid;
        window->rows = 24;
        window->columns = 80;
        window->uid = process->identity->uid;
        store_title(window, title);
        DL_APPEND(table->windows, window);
        *ret = window;
        return 0;
}
