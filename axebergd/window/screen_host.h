/* SPDX-License-Identifier: MIT */
/*
 * A screen in a process of its own: what programs write to windows is parsed by a library that was
 * not written for hostile input, so it is parsed where it can do no harm. The process has no
 * rights, no descriptors but two, and ends with its window.
 *
 * The daemon sends messages over a socket and never waits: if the process does not keep up, the
 * window's writer waits. The process publishes the screen in shared memory; the daemon checks
 * everything that it reads there.
 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "account/user.h"
#include "window/screen.h"

struct screen_start;
struct workers;

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
        } rows[AX_SCREEN_MAX_ROWS];
        char dressed[AX_SCREEN_MAX_ROWS][SCREEN_DRESSED_SPACE];
        char plain[AX_SCREEN_MAX_ROWS][SCREEN_PLAIN_SPACE];
};

struct screen_host_listener {
        void (*published)(void *userdata);
        void (*writable)(void *userdata); /* after -EAGAIN */
        void (*answer)(void *userdata, const char *data, size_t size);
        void (*title)(void *userdata, const char *title);
        void (*ended)(void *userdata); /* the process has, by its own fault; it may be started again from here */
};

/* What starts screens' processes; outlives them. */
struct screen_starter {
        sd_event *event;
        struct workers *workers; /* NULL once they have ended */
};

struct screen_host {
        const struct screen_host_listener *listener;
        void *userdata;
        const struct screen_starter *starter;
        struct user *user;          /* pays; outlives the host */
        struct screen_start *start; /* NULL: the process has been started */
        struct user_charge fd_charge, map_charge;
        int fd;
        struct lane_source io;
        const struct screen_page *page;
        uint64_t sent;         /* messages */
        uint64_t base;         /* of those, the ones that were an earlier process's */
        uint64_t version_base; /* likewise, so that versions go on */
        uint64_t processed;    /* messages that it has reported as processed */
        bool shows;            /* it has published a first screen */
        bool ended;            /* the process has; only ever by its own fault */
};

/* Has the process started, by a worker. Returns 0, -EDQUOT or another negative errno. */
int screen_host_init(struct screen_host *host, const struct screen_starter *starter, struct user *user,
                     const struct screen_host_listener *listener, void *userdata);
/* Starts another process in the place of one that has ended. Returns 0 or a negative errno. */
int screen_host_restart(struct screen_host *host);
void screen_host_deinit(struct screen_host *host);

/* Returns size, -EAGAIN (the listener is called when there is room) or -EIO. */
ssize_t screen_host_write(struct screen_host *host, const void *data, size_t size);
/* Returns 0, -EAGAIN or -EIO. */
int screen_host_resize(struct screen_host *host, unsigned rows, unsigned columns);
void screen_host_touch(struct screen_host *host);

/* Whether the first so many messages are on the screen. */
bool screen_host_has_processed(const struct screen_host *host, uint64_t messages);
void screen_host_state(const struct screen_host *host, struct screen_state *ret);
uint64_t screen_host_row_version(const struct screen_host *host, unsigned row);
/* Copies the row's text. Returns its length; if that is more than `size`, nothing was copied. */
size_t screen_host_row_text(const struct screen_host *host, unsigned row, bool plain, char *buffer, size_t size);

/* The process's main(). */
enum { SCREEN_SOCKET_FD = 3, SCREEN_MEMORY_FD = 4 };
int screen_main(void);
