/* SPDX-License-Identifier: MIT */
/*
 * A form in a window: two fields and a button. Show it with `axctl window attach ID`. Tab and Enter
 * move to the next field, and Ctrl-] leaves the window. The program ends when the form is sent
 * (exit status 0, with the fields on standard output) or the window is closed (1).
 *
 * To the program a window is a terminal: it draws by writing escape sequences, and reads keys.
 * Events of the window itself arrive among the keys, as ESC _ … ESC \.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem() */
#endif
#include <axeberg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 2, FIELD_SIZE = 32, BUTTON = FIELDS };

/* Our place in the input: keys, or inside an escape sequence, in which a read may end. */
enum input { KEYS, ESCAPE, SEQUENCE, EVENT, EVENT_ESCAPE };

struct form {
        ax_client *ax;
        int window;
        unsigned rows, columns;
        int at; /* a field, or the button */
        char fields[FIELDS][FIELD_SIZE];
        enum input input;
        char event[64];
        size_t event_size;
        bool done, closed;
};

static void check(int64_t result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "form: %s: %s\n", what, ax_strerror((int) result));
        exit(EXIT_FAILURE);
}

static void draw(const struct form *form) {
        static const char *const labels[FIELDS] = { "Name", "City" };
        char screen[2048];
        int n = snprintf(screen, sizeof(screen), "\033[2J\033[H\033[1mAn axeberg form\033[0m (%u x %u)\n\n", form->rows,
                         form->columns);

        for (int i = 0; i < FIELDS; i++)
                n += snprintf(screen + n, sizeof(screen) - (size_t) n, "  %s: %s%-20s\033[0m\n", labels[i],
                              i == form->at ? "\033[7m" : "\033[4m", form->fields[i]);
        n += snprintf(screen + n, sizeof(screen) - (size_t) n, "\n  %s[ Send ]\033[0m\n\nTab, Enter: next\n",
                      form->at == BUTTON ? "\033[7m" : "");
        if (form->at < BUTTON)
                n += snprintf(screen + n, sizeof(screen) - (size_t) n, "\033[%d;%zuH", form->at + 3,
                              9 + strlen(form->fields[form->at]));
        check(ax_write(form->ax, form->window, screen, (size_t) n), "draw");
}

static void on_key(struct form *form, char key) {
        char *field = form->at < BUTTON ? form->fields[form->at] : NULL;
        size_t length = field ? strlen(field) : 0;

        if (key == '\t')
                form->at = (form->at + 1) % (FIELDS + 1);
        else if (key == '\r' && form->at == BUTTON)
                form->done = true;
        else if (key == '\r')
                form->at++;
        else if (field && key == 0x7F && length > 0)
                field[length - 1] = '\0';
        else if (field && key >= ' ' && key < 0x7F && length + 1 < FIELD_SIZE)
                field[length] = key;
}

static void on_event(struct form *form, const char *event) {
        unsigned rows, columns;

        if (strcmp(event, "close") == 0)
                form->closed = true;
        else if (sscanf(event, "resize;%u;%u", &rows, &columns) == 2) {
                form->rows = rows;
                form->columns = columns;
        }
}

/* The byte after ESC. Sequences other than events are keys that the form ignores, like arrows. */
static enum input on_escape(struct form *form, char byte) {
        form->event_size = 0;
        switch (byte) {
        case '_':
                return EVENT;
        case '[':
        case 'O':
                return SEQUENCE;
        case '\033':
                return ESCAPE;
        default:
                return KEYS;
        }
}

static enum input on_event_byte(struct form *form, char byte) {
        if (byte == '\033')
                return EVENT_ESCAPE;
        if (form->event_size < sizeof(form->event) - 1)
                form->event[form->event_size++] = byte;
        return EVENT;
}

static enum input on_event_end(struct form *form) {
        form->event[form->event_size] = '\0';
        on_event(form, form->event);
        return KEYS;
}

static enum input on_byte(struct form *form, char byte) {
        switch (form->input) {
        case ESCAPE:
                return on_escape(form, byte);
        case SEQUENCE:
                return byte >= '@' && byte <= '~' ? KEYS : SEQUENCE;
        case EVENT:
                return on_event_byte(form, byte);
        case EVENT_ESCAPE:
                return on_event_end(form);
        case KEYS:
                break;
        }
        if (byte == '\033')
                return ESCAPE;
        on_key(form, byte);
        return KEYS;
}

int main(void) {
        struct form form = { .rows = 24, .columns = 80 };
        char data[512];
        int status;
        ssize_t n;

        check(ax_connect(&form.ax, NULL), "cannot connect to axebergd");
        form.window = ax_window_create(form.ax, "A form");
        check(form.window, "window");
        while (!form.done && !form.closed) {
                draw(&form);
                n = ax_read(form.ax, form.window, data, sizeof(data));
                check(n, "read");
                for (ssize_t i = 0; i < n; i++)
                        form.input = on_byte(&form, data[i]);
                if (form.input == ESCAPE && n < (ssize_t) sizeof(data))
                        form.input = KEYS; /* nothing follows: it is the key Esc */
        }
        if (form.done)
                printf("%s lives in %s\n", form.fields[0], form.fields[1]);
        status = form.done ? EXIT_SUCCESS : EXIT_FAILURE;
        check(ax_exit(form.ax, status), "exit"); /* else a parent would get 0 */
        ax_disconnect(form.ax);
        return status;
}
