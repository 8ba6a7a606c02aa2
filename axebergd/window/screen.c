/* SPDX-License-Identifier: MIT */
#include "window/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#include "printable.h"

struct screen {
        VTerm *terminal;
        VTermScreen *cells;
        const struct screen_listener *listener;
        void *userdata;
        unsigned rows, columns;
        VTermPos cursor;
        bool cursor_visible;
        uint64_t version;
        uint64_t row_versions[AX_SCREEN_MAX_ROWS];
        char title[SCREEN_TITLE_SIZE]; /* being sent in pieces */
        size_t title_size;
};

void screen_touch(struct screen *screen) {
        screen->version++;
}

static void touch_rows(struct screen *screen, int first, int end) {
        screen->version++;
        for (int row = first < 0 ? 0 : first; row < end && row < (int) screen->rows; row++)
                screen->row_versions[row] = screen->version;
}

/* ---- what libvterm tells --------------------------------------------------------------------- */

static int on_damage(VTermRect rectangle, void *userdata) {
        touch_rows(userdata, rectangle.start_row, rectangle.end_row);
        return 1;
}

static int on_cursor(VTermPos position, VTermPos old, int visible, void *userdata) {
        struct screen *screen = userdata;

        (void) old;
        (void) visible;
        screen->cursor = position;
        screen_touch(screen);
        return 1;
}

static void add_title(struct screen *screen, const char *text, size_t size) {
        if (size > sizeof(screen->title) - 1 - screen->title_size)
                size = sizeof(screen->title) - 1 - screen->title_size;
        memcpy(screen->title + screen->title_size, text, size);
        screen->title_size += size;
        screen->title[screen->title_size] = '\0';
}

/* Later libraries send strings in pieces. */
static void on_title(struct screen *screen, const VTermValue *value) {
#if VTERM_VERSION_MAJOR > 0 || VTERM_VERSION_MINOR >= 2
        if (value->string.initial)
                screen->title_size = 0;
        add_title(screen, value->string.str, value->string.len);
        if (!value->string.final)
                return;
#else
        screen->title_size = 0;
        add_title(screen, value->string, strlen(value->string));
#endif
        screen->listener->title(screen->userdata, screen->title);
        screen_touch(screen);
}

static int on_property(VTermProp property, VTermValue *value, void *userdata) {
        struct screen *screen = userdata;

        if (property == VTERM_PROP_CURSORVISIBLE) {
                screen->cursor_visible = value->boolean;
                screen_touch(screen);
        } else if (property == VTERM_PROP_TITLE)
                on_title(screen, value);
        return 1;
}

static const VTermScreenCallbacks callbacks = {
        .damage = on_damage,
        .movecursor = on_cursor,
        .settermprop = on_property,
};

static void on_answer(const char *data, size_t size, void *userdata) {
        struct screen *screen = userdata;

        screen->listener->answer(screen->userdata, data, size);
}

/* ---- life ------------------------------------------------------------------------------------ */

/*
 * libvterm 0.1 never returns if a program repeats the last character (REP, ECMA-48 8.3.103) before
 * it has written one. A reset clears the screen but keeps that character.
 */
static void give_something_to_repeat(struct screen *screen) {
        static const char stream[] = " \033c";

        vterm_input_write(screen->terminal, stream, sizeof(stream) - 1);
}

int screen_new(struct screen **ret, unsigned rows, unsigned columns, const struct screen_listener *listener,
               void *userdata) {
        struct screen *screen = calloc(1, sizeof(*screen));

        if (!screen)
                return -ENOMEM;
        screen->terminal = vterm_new((int) rows, (int) columns);
        if (!screen->terminal) {
                free(screen);
                return -ENOMEM;
        }
        screen->listener = listener;
        screen->userdata = userdata;
        screen->rows = rows;
        screen->columns = columns;
        screen->cursor_visible = true;
        vterm_set_utf8(screen->terminal, 1);
        vterm_output_set_callback(screen->terminal, on_answer, screen);
        screen->cells = vterm_obtain_screen(screen->terminal);
        vterm_screen_set_callbacks(screen->cells, &callbacks, screen);
        vterm_screen_enable_altscreen(screen->cells, 1);
        vterm_screen_set_damage_merge(screen->cells, VTERM_DAMAGE_ROW);
        vterm_screen_reset(screen->cells, 1);
        give_something_to_repeat(screen);
        touch_rows(screen, 0, (int) rows);
        *ret = screen;
        return 0;
}

/* Programs write lines for a terminal whose driver makes a new line out of a line feed. */
void screen_write(struct screen *screen, const char *data, size_t size) {
        while (size > 0) {
                const char *feed = memchr(data, '\n', size);
                size_t part = feed ? (size_t) (feed - data) : size;

                vterm_input_write(screen->terminal, data, part);
                if (feed) {
                        vterm_input_write(screen->terminal, "\r\n", 2);
                        part++;
                }
                data += part;
                size -= part;
        }
        vterm_screen_flush_damage(screen->cells);
}

void screen_resize(struct screen *screen, unsigned rows, unsigned columns) {
        vterm_set_size(screen->terminal, (int) rows, (int) columns);
        screen->rows = rows;
        screen->columns = columns;
        vterm_screen_flush_damage(screen->cells);
        touch_rows(screen, 0, (int) rows);
}

void screen_state(const struct screen *screen, struct screen_state *ret) {
        *ret = (struct screen_state){
                .version = screen->version,
                .rows = screen->rows,
                .columns = screen->columns,
                .cursor_row = (unsigned) screen->cursor.row,
                .cursor_column = (unsigned) screen->cursor.col,
                .cursor_visible = screen->cursor_visible,
        };
}

uint64_t screen_row_version(const struct screen *screen, unsigned row) {
        return screen->row_versions[row];
}

/* ---- rows as text ---------------------------------------------------------------------------- */

enum { REPLACEMENT_CHARACTER = 0xFFFD };

struct text {
        char *buffer;
        size_t size, used; /* `used` goes on when there is no more room */
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...) {
        size_t left = text->used < text->size ? text->size - text->used : 0;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(left > 0 ? text->buffer + text->used : NULL, left, format, arguments);
        va_end(arguments);
        text->used += n > 0 ? (size_t) n : 0;
}

static void add_character(struct text *text, uint32_t character) {
        if (character < 0x80)
                add(text, "%c", (int) character);
        else if (character < 0x800)
                add(text, "%c%c", (int) (0xC0 | character >> 6), (int) (0x80 | (character & 0x3F)));
        else if (character < 0x10000)
                add(text, "%c%c%c", (int) (0xE0 | character >> 12), (int) (0x80 | (character >> 6 & 0x3F)),
                    (int) (0x80 | (character & 0x3F)));
        else
                add(text, "%c%c%c%c", (int) (0xF0 | character >> 18), (int) (0x80 | (character >> 12 & 0x3F)),
                    (int) (0x80 | (character >> 6 & 0x3F)), (int) (0x80 | (character & 0x3F)));
}

/*
 * A cell holds what the program wrote, also characters that would act on the viewer's terminal: C1
 * controls, and those that reorder the row. A row keeps its columns, so they are not escaped.
 */
static void add_cell(struct text *text, const VTermScreenCell *cell) {
        const uint32_t first = cell->chars[0];

        if (first == 0 || first == (uint32_t) -1) {
                add(text, " ");
                return;
        }
        add_character(text, character_is_printable(first) ? first : REPLACEMENT_CHARACTER);
        for (int i = 1; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i]; i++)
                if (character_is_printable(cell->chars[i]))
                        add_character(text, cell->chars[i]);
}

/* `base`: 38 for the foreground, 48 for the background. */
static void add_colour(struct text *text, const VTermColor *colour, int base, bool is_default) {
        if (is_default)
                return;
        if (VTERM_COLOR_IS_INDEXED(colour))
                add(text, ";%d;5;%d", base, colour->indexed.idx);
        else
                add(text, ";%d;2;%d;%d;%d", base, colour->rgb.red, colour->rgb.green, colour->rgb.blue);
}

static void add_attributes(struct text *text, const VTermScreenCell *cell) {
        add(text, "\033[0");
        if (cell->attrs.bold)
                add(text, ";1");
        if (cell->attrs.italic)
                add(text, ";3");
        if (cell->attrs.underline)
                add(text, ";4");
        if (cell->attrs.blink)
                add(text, ";5");
        if (cell->attrs.reverse)
                add(text, ";7");
        if (cell->attrs.strike)
                add(text, ";9");
        add_colour(text, &cell->fg, 38, VTERM_COLOR_IS_DEFAULT_FG(&cell->fg));
        add_colour(text, &cell->bg, 48, VTERM_COLOR_IS_DEFAULT_BG(&cell->bg));
        add(text, "m");
}

static bool looks_alike(const VTermScreenCell *a, const VTermScreenCell *b) {
        return a->attrs.bold == b->attrs.bold && a->attrs.italic == b->attrs.italic &&
               a->attrs.underline == b->attrs.underline && a->attrs.blink == b->attrs.blink &&
               a->attrs.reverse == b->attrs.reverse && a->attrs.strike == b->attrs.strike &&
               vterm_color_is_equal(&a->fg, &b->fg) && vterm_color_is_equal(&a->bg, &b->bg);
}

static bool is_blank(const VTermScreenCell *cell) {
        return (cell->chars[0] == 0 || cell->chars[0] == ' ') && !cell->attrs.reverse && !cell->attrs.underline &&
               VTERM_COLOR_IS_DEFAULT_BG(&cell->bg);
}

/* Columns up to the last one that shows something. */
static int used_columns(const struct screen *screen, int row) {
        for (int column = (int) screen->columns; column > 0; column--) {
                VTermScreenCell cell;

                vterm_screen_get_cell(screen->cells, (VTermPos){ .row = row, .col = column - 1 }, &cell);
                if (!is_blank(&cell))
                        return column;
        }
        return 0;
}

size_t screen_row_text(const struct screen *screen, unsigned row, bool plain, char *buffer, size_t size) {
        struct text text = { .buffer = buffer, .size = size };
        int end = used_columns(screen, (int) row);
        VTermScreenCell cell, before = { 0 };
        bool dressed = false;

        for (int column = 0; column<end; column += cell.width> 1 ? cell.width : 1) {
                vterm_screen_get_cell(screen->cells, (VTermPos){ .row = (int) row, .col = column }, &cell);
                if (!plain && (!dressed || !looks_alike(&cell, &before))) {
                        add_attributes(&text, &cell);
                        dressed = true;
                }
                before = cell;
                add_cell(&text, &cell);
        }
        if (dressed)
                add(&text, "\033[0m");
        return text.used;
}
