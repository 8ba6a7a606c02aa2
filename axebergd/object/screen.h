/*
 * A terminal's screen, by libvterm, with a version for each row.
 */
#pragma once

#include "object/window.h"

struct screen;

struct screen_listener {
        void (*answer)(void *userdata, const char *data, size_t size);
        void (*title)(void *userdata, const char *title);
};

/* Return: 0, -ENOMEM. */
int screen_new(struct screen **ret, unsigned rows, unsigned columns, const struct screen_listener *listener,
               void *userdata);
struct screen *screen_free(struct screen *screen);

void screen_write(struct screen *screen, const char *data, size_t size);
int screen_resize(struct screen *screen, unsigned rows, unsigned columns); /* 0, -ENOMEM */
/* Something beside the rows has changed. */
void screen_touch(struct screen *screen);

void screen_state(const struct screen *screen, struct screen_state *ret);
bool screen_row_is_newer(const struct screen *screen, unsigned row, uint64_t version);
size_t screen_row_text(const struct screen *screen, unsigned row, bool plain, char *buffer, size_t size);
