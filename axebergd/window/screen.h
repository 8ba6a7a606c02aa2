/* SPDX-License-Identifier: MIT */
/*
 * A terminal's screen, by libvterm, with a version for each row. It lives in a process of its own
 * (screen_host.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract.h"

enum { SCREEN_TITLE_SIZE = 128 };

struct screen;

struct screen_listener {
        void (*answer)(void *userdata, const char *data, size_t size);
        void (*title)(void *userdata, const char *title);
};

struct screen_state {
        uint64_t version;
        uint32_t rows, columns, cursor_row, cursor_column;
        uint32_t cursor_visible;
};

/* Returns 0 or -ENOMEM. */
int screen_new(struct screen **ret, unsigned rows, unsigned columns, const struct screen_listener *listener,
               void *userdata);

void screen_write(struct screen *screen, const char *data, size_t size);
void screen_resize(struct screen *screen, unsigned rows, unsigned columns);
/* Something besides the rows has changed. */
void screen_touch(struct screen *screen);

void screen_state(const struct screen *screen, struct screen_state *ret);
uint64_t screen_row_version(const struct screen *screen, unsigned row);
/*
 * The row's text, with escape sequences for colours and the like unless `plain`. Returns its length
 * or which may exceed the room.
 */
size_t screen_row_text(const struct screen *screen, unsigned row, bool plain, char *buffer, size_t size);
