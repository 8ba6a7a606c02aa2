/*
 * A form in a window: two fields and a button. Show it with `axctl window attach ID`; Tab and Enter go on, Ctrl-] leaves it to itself.
 * It ends when it has been sent off (exit status 0, the fields on standard output) or closed (1).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem() */
#endif
#include <axeberg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 2, FIELD_SIZE = 32, BUTTON = FIELDS };

struct form {
        ax_client *ax;
        int window;
        unsigned rows, columns;
        int at; /* which field, or the button */
        char fields[FIELDS][FIELD_SIZE];
        bool done, closed;
};

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
        ax_write(form->ax, form->window, screen, (size_t) n);
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

/* `event`: what is between ESC _ and ESC \. */
static void on_event(struct form *form, const char *event) {
        unsigned rows, columns;

        if (strcmp(event, "close") == 0)
                form->closed = true;
        else if (sscanf(event, "resize;%u;%u", &rows, &columns) == 2) {
                form->rows = rows;
                form->columns = columns;
        }
}

/* Input is keys, and events among them; other escape sequences are keys that this form does not use. */
static void on_input(struct form *form, const char *data, size_t size) {
        for (size_t i = 0; i < size; i++) {
                const char *end = NULL;

                if (data[i] == '\033' && i + 1 < size && data[i + 1] == '_')
                        end = memmem(data + i, size - i, "\033\\", 2);
                if (end) {
                        char event[64];

                        snprintf(event, sizeof(event), "%.*s", (int) (end - data - (ptrdiff_t) i - 2), data + i + 2);
                        on_event(form, event);
                        i = (size_t) (end - data) + 1;
                } else if (data[i] == '\033')
                        return;
                else
                        on_key(form, data[i]);
        }
}

int main(void) {
        struct form form = { .rows = 24, .columns = 80 };
        char data[512];
        ssize_t n = 1;
        int r = ax_connect(&form.ax, NULL);

        if (r == 0)
                r = form.window = ax_window_create(form.ax, "A form");
        if (r < 0) {
                fprintf(stderr, "form: %s\n", ax_strerror(r));
                return EXIT_FAILURE;
        }
        while (n > 0 && !form.done && !form.closed) {
                draw(&form);
                n = ax_read(form.ax, form.window, data, sizeof(data));
                if (n > 0)
                        on_input(&form, data, (size_t) n);
        }
        if (form.done)
                printf("%s lives in %s\n", form.fields[0], form.fields[1]);
        ax_disconnect(form.ax);
        return form.done ? EXIT_SUCCESS : EXIT_FAILURE;
}
