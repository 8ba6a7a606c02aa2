/*
 * A screen in a process of its own: what programs write to windows is parsed by a library that was not written for hostile input, so it is parsed where it can hurt
 * nobody. The process has no rights, no descriptors but two, and ends with its window.
 *
 * The daemon sends messages over a socket and never waits: where the process does not keep up, the window's writer waits. The process publishes the
 * screen in shared memory, of which the daemon believes nothing that it has not checked.
 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "object/screen.h"

enum { SCREEN_PLAIN_SPACE = 10240, SCREEN_DRESSED_SPACE = 32768 };

/* Messages: a byte, and what belongs to it. To the screen: */
enum { SCREEN_WRITE = 'W', SCREEN_RESIZE = 'R', SCREEN_TOUCH = 'T' }; /* data; two numbers of 4 bytes; nothing */
/* From it: */
enum {
        SCREEN_PUBLISHED = 'P',
        SCREEN_ANSWER = 'A',
        SCREEN_TITLE = 'N'
}; /* how many messages it has processed, 8 bytes; data; text */

struct screen_page {
        _Atomic uint32_t sequence; /* odd while it is being written */
        uint32_t reserved;
        struct screen_state state;
        struct {
                uint64_t version;
                uint32_t lengths[2]; /* dressed, plain */
        } rows[SCREEN_MOST_ROWS];
        char dressed[SCREEN_MOST_ROWS][SCREEN_DRESSED_SPACE];
        char plain[SCREEN_MOST_ROWS][SCREEN_PLAIN_SPACE];
};

struct screen_host_listener {
        void (*published)(void *userdata);
        void (*writable)(void *userdata); /* after -EAGAIN */
        void (*answer)(void *userdata, const char *data, size_t size);
        void (*title)(void *userdata, const char *title);
        void (*ended)(void *userdata); /* the process has, by its own fault; it may be started again from here */
};

struct screen_host {
        const struct screen_host_listener *listener;
        void *userdata;
        int fd;
        sd_event_source *io;
        const struct screen_page *page;
        uint64_t sent;         /* messages */
        uint64_t base;         /* of those, how many were an earlier process's */
        uint64_t version_base; /* likewise, so that versions go on */
        uint64_t processed;    /* of the messages, as far as it has told */
        bool shows;            /* it has published a first screen */
        bool ended;            /* the process has; only ever by its own fault */
};

/* Starts the process. Return: 0, negative errno. */
int screen_host_init(struct screen_host *host, sd_event *event, const struct screen_host_listener *listener,
                     void *userdata);
/* Starts another process in the place of one that has ended. Return: 0, negative errno. */
int screen_host_restart(struct screen_host *host, sd_event *event);
void screen_host_deinit(struct screen_host *host);

/* Return: size, -EAGAIN (the listener is told when there is room), -EIO. */
ssize_t screen_host_write(struct screen_host *host, const void *data, size_t size);
/* Return: 0, -EAGAIN, -EIO. */
int screen_host_resize(struct screen_host *host, unsigned rows, unsigned columns);
void screen_host_touch(struct screen_host *host);

/* Whether the first so many messages are on the screen. */
bool screen_host_has_processed(const struct screen_host *host, uint64_t messages);
void screen_host_state(const struct screen_host *host, struct screen_state *ret);
uint64_t screen_host_row_version(const struct screen_host *host, unsigned row);
/* Copies the row's text. Return: its length; where it is more than `size`, nothing was copied. */
size_t screen_host_row_text(const struct screen_host *host, unsigned row, bool plain, char *buffer, size_t size);

/* The process's main(). */
enum { SCREEN_SOCKET_FD = 3, SCREEN_MEMORY_FD = 4 };
int screen_main(void);
