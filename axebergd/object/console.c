/* SPDX-License-Identifier: MIT */
#include "object/console.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "axeberg.h"
#include "util/cleanup.h"
#include "util/container.h"

enum { MAX_ROWS = 9999 };

struct ring {
        char *data;
        size_t size, start, used;
};

/* The newest bytes of all that was written; places count from 1, so that 0 is none. */
struct history {
        char *data;
        size_t size;
        uint64_t end; /* the place of the next byte */
};

struct console {
        struct ring input;
        struct history output;
        uint64_t taken; /* the place of the first byte that nobody has taken */
        struct wait_queue readers, takers;
        unsigned n_open, rows, columns;
        struct timespec modified;
};

struct console_file {
        struct object object;
        struct console *console;
        bool reads_input;
};

static int ring_init(struct ring *ring, size_t size) {
        *ring = (struct ring){ .data = malloc(size), .size = size };
        return ring->data ? 0 : -ENOMEM;
}

static void ring_put(struct ring *ring, const char *data, size_t size) {
        size_t end = (ring->start + ring->used) % ring->size, first = ring->size - end;

        assert(size <= ring->size - ring->used);
        if (first > size)
                first = size;
        memcpy(ring->data + end, data, first);
        memcpy(ring->data, data + first, size - first);
        ring->used += size;
}

static void ring_drop(struct ring *ring, size_t size) {
        ring->start = (ring->start + size) % ring->size;
        ring->used -= size;
}

static size_t ring_take(struct ring *ring, char *buffer, size_t size) {
        size_t first = ring->size - ring->start;

        if (size > ring->used)
                size = ring->used;
        if (first > size)
                first = size;
        memcpy(buffer, ring->data + ring->start, first);
        memcpy(buffer + first, ring->data, size - first);
        ring_drop(ring, size);
        return size;
}

static uint64_t history_begin(const struct history *history) {
        return history->end > history->size ? history->end - history->size : 1;
}

static void history_put(struct history *history, const char *data, size_t size) {
        size_t kept = size < history->size ? size : history->size, at, first;

        history->end += size - kept;
        at = (size_t) (history->end % history->size);
        first = history->size - at < kept ? history->size - at : kept;
        memcpy(history->data + at, data + (size - kept), first);
        memcpy(history->data, data + (size - kept) + first, kept - first);
        history->end += kept;
}

/* Copies from `*place` on, which is moved on. */
static size_t history_get(const struct history *history, uint64_t *place, char *buffer, size_t size,
                          uint64_t *ret_lost) {
        uint64_t begin = history_begin(history);
        size_t at, first;

        *ret_lost = *place < begin ? begin - *place : 0;
        if (*place < begin)
                *place = begin;
        if (*place > history->end)
                *place = history->end;
        if (size > history->end - *place)
                size = (size_t) (history->end - *place);
        at = (size_t) (*place % history->size);
        first = history->size - at < size ? history->size - at : size;
        memcpy(buffer, history->data + at, first);
        memcpy(buffer + first, history->data, size - first);
        *place += size;
        return size;
}

int console_new(struct console **ret, size_t input_size, size_t output_size) {
        struct console *console = calloc(1, sizeof(*console));

        if (!console)
                return -ENOMEM;
        console->output = (struct history){ .data = malloc(output_size), .size = output_size, .end = 1 };
        console->taken = 1;
        console->rows = 24;
        console->columns = 80;
        if (ring_init(&console->input, input_size) < 0 || !console->output.data) {
                console_free(console);
                return -ENOMEM;
        }
        clock_gettime(CLOCK_REALTIME, &console->modified);
        *ret = console;
        return 0;
}

struct console *console_free(struct console *console) {
        if (!console)
                return NULL;
        assert(console->n_open == 0);
        free(console->input.data);
        free(console->output.data);
        free(console);
        return NULL;
}

static struct console *console_from_object(struct object *object) {
        return container_of(object, struct console_file, object)->console;
}

static ssize_t console_file_read(struct object *object, void *buffer, size_t size) {
        struct console *console = console_from_object(object);

        if (!container_of(object, struct console_file, object)->reads_input)
                return -EIO;
        if (size == 0)
                return 0;
        if (console->input.used == 0)
                return -EAGAIN;
        return (ssize_t) ring_take(&console->input, buffer, size);
}

static ssize_t console_file_write(struct object *object, const void *buffer, size_t size) {
        struct console *console = console_from_object(object);

        history_put(&console->output, buffer, size);
        clock_gettime(CLOCK_REALTIME, &console->modified);
        wait_queue_wake(&console->takers);
        return (ssize_t) size;
}

static int console_file_stat(struct object *object, struct statx *ret) {
        const struct console *console = console_from_object(object);
        const struct timespec *modified = &console->modified;

        ret->stx_mode = S_IFCHR | CONSOLE_MODE;
        ret->stx_uid = geteuid();
        ret->stx_nlink = 1;
        /*
         * The amount of input reveals how much was typed: only programs that may read it learn
         * that.
         */
        ret->stx_size = container_of(object, struct console_file, object)->reads_input ? console->input.used : 0;
        ret->stx_rdev_major = 5;
        ret->stx_rdev_minor = 1;
        ret->stx_mtime =
                (struct statx_timestamp){ .tv_sec = modified->tv_sec, .tv_nsec = (uint32_t) modified->tv_nsec };
        ret->stx_atime = ret->stx_ctime = ret->stx_mtime;
        return 0;
}

static int console_file_describe(struct object *object, char *buffer, size_t size) {
        (void) object;
        return snprintf(buffer, size, "/dev/console");
}

static struct wait_queue *console_file_readable(struct object *object) {
        return &console_from_object(object)->readers;
}

static void console_file_free(struct object *object) {
        console_from_object(object)->n_open--;
        free(object);
}

static const struct object_ops console_ops = {
        .name = "console",
        .read = console_file_read,
        .write = console_file_write,
        .stat = console_file_stat,
        .describe = console_file_describe,
        .readable = console_file_readable,
        .free = console_file_free,
};

int console_open(struct console *console, unsigned flags, bool reads_input, struct object **ret) {
        struct console_file *file = malloc(sizeof(*file));

        if (!file)
                return -ENOMEM;
        object_init(&file->object, &console_ops, flags & (AX_O_READ | AX_O_WRITE | AX_O_APPEND | AX_O_NONBLOCK));
        file->console = console;
        file->reads_input = reads_input;
        console->n_open++;
        *ret = &file->object;
        return 0;
}

ssize_t console_push_input(struct console *console, const void *data, size_t size) {
        size_t room = console->input.size - console->input.used;

        if (size == 0)
                return 0;
        if (room == 0)
                return -EAGAIN;
        if (size > room)
                size = room;
        ring_put(&console->input, data, size);
        wait_queue_wake(&console->readers);
        return (ssize_t) size;
}

size_t console_take_output(struct console *console, void *buffer, size_t size, uint64_t *ret_lost) {
        return history_get(&console->output, &console->taken, buffer, size, ret_lost);
}

size_t console_follow_output(struct console *console, uint64_t *offset, void *buffer, size_t size, uint64_t *ret_lost) {
        size_t n;

        if (*offset == 0)
                *offset = console->taken;
        n = history_get(&console->output, offset, buffer, size, ret_lost);
        if (*offset > console->taken)
                console->taken = *offset;
        return n;
}

int console_set_size(struct console *console, unsigned rows, unsigned columns) {
        if (rows < 1 || columns < 1 || rows > MAX_ROWS || columns > MAX_ROWS)
                return -EINVAL;
        console->rows = rows;
        console->columns = columns;
        return 0;
}

void console_size(const struct console *console, unsigned *ret_rows, unsigned *ret_columns) {
        *ret_rows = console->rows;
        *ret_columns = console->columns;
}

struct wait_queue *console_output_queue(struct console *console) {
        return &console->takers;
}
