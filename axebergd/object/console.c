#include "object/console.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "axeberg.h"
#include "util/cleanup.h"

struct ring {
        char *data;
        size_t size, start, used;
};

struct console {
        struct ring input, output;
        struct wait_queue readers, takers;
        uint64_t lost;
        unsigned n_open;
        struct timespec modified;
};

struct console_file {
        struct object object;
        struct console *console;
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

int console_new(struct console **ret, size_t input_size, size_t output_size) {
        struct console *console = calloc(1, sizeof(*console));

        if (!console)
                return -ENOMEM;
        if (ring_init(&console->input, input_size) < 0 || ring_init(&console->output, output_size) < 0) {
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
        return ((struct console_file *) object)->console;
}

static ssize_t console_file_read(struct object *object, void *buffer, size_t size) {
        struct console *console = console_from_object(object);

        if (size == 0)
                return 0;
        if (console->input.used == 0)
                return -EAGAIN;
        return (ssize_t) ring_take(&console->input, buffer, size);
}

static ssize_t console_file_write(struct object *object, const void *buffer, size_t size) {
        struct console *console = console_from_object(object);
        const char *data = buffer;
        size_t kept = size < console->output.size ? size : console->output.size;
        size_t room = console->output.size - console->output.used;

        console->lost += size - kept;
        if (kept > room) {
                console->lost += kept - room;
                ring_drop(&console->output, kept - room);
        }
        ring_put(&console->output, data + (size - kept), kept);
        clock_gettime(CLOCK_REALTIME, &console->modified);
        wait_queue_wake(&console->takers);
        return (ssize_t) size;
}

static int console_file_stat(struct object *object, struct statx *ret) {
        const struct timespec *modified = &console_from_object(object)->modified;

        ret->stx_mode = S_IFCHR | 0666;
        ret->stx_nlink = 1;
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

int console_open(struct console *console, unsigned flags, struct object **ret) {
        struct console_file *file = malloc(sizeof(*file));

        if (!file)
                return -ENOMEM;
        object_init(&file->object, &console_ops, flags & (AX_O_READ | AX_O_WRITE | AX_O_APPEND | AX_O_NONBLOCK));
        file->console = console;
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
        *ret_lost = console->lost;
        console->lost = 0;
        return ring_take(&console->output, buffer, size);
}

struct wait_queue *console_output_queue(struct console *console) {
        return &console->takers;
}
