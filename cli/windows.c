/* SPDX-License-Identifier: MIT */
/*
 * windows and window: windows of programs, on this terminal.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axctl.h"
#include "show.h"
#include "table.h"
#include "terminal.h"

enum { WINDOW_ID, WINDOW_PID, WINDOW_UID, WINDOW_ROWS, WINDOW_COLUMNS, WINDOW_TITLE, N_COLUMNS };

static const struct column text_columns[N_COLUMNS] = {
        [WINDOW_ID] = { .name = "ID", .number = true },
        [WINDOW_PID] = { .name = "PID", .number = true },
        [WINDOW_UID] = { .name = "UID", .number = true, .spare = 1 },
        [WINDOW_ROWS] = { .name = "ROWS", .number = true, .spare = 2 },
        [WINDOW_COLUMNS] = { .name = "COLUMNS", .number = true, .spare = 3 },
        [WINDOW_TITLE] = { .name = "TITLE", .others = true },
};

enum { WINDOW_CLOSING = N_COLUMNS, N_JSON_COLUMNS };

static const struct column json_columns[N_JSON_COLUMNS] = {
        [WINDOW_ID] = { .name = "id", .number = true },           [WINDOW_PID] = { .name = "pid", .number = true },
        [WINDOW_UID] = { .name = "uid", .number = true },         [WINDOW_ROWS] = { .name = "rows", .number = true },
        [WINDOW_COLUMNS] = { .name = "columns", .number = true }, [WINDOW_TITLE] = { .name = "title" },
        [WINDOW_CLOSING] = { .name = "closing", .number = true },
};

int windows_run(struct axctl *axctl) {
        struct libscols_table *table;
        struct ax_window *windows;
        int n = ax_window_list(axctl->ax, &windows);

        if (n < 0)
                return complain(axctl, "windows", n);
        table = table_new("windows", axctl->json ? json_columns : text_columns,
                          axctl->json ? N_JSON_COLUMNS : N_COLUMNS, axctl->json);
        if (table && axctl->json)
                scols_column_set_json_type(scols_table_get_column(table, WINDOW_CLOSING), SCOLS_JSON_BOOLEAN);
        for (int i = 0; i < n; i++) {
                struct libscols_line *row = table_row(table, NULL);

                table_set(row, WINDOW_ID, "%" PRIu64, windows[i].id);
                table_set(row, WINDOW_PID, "%d", windows[i].pid);
                table_set(row, WINDOW_UID, "%u", windows[i].uid);
                table_set(row, WINDOW_ROWS, "%u", windows[i].rows);
                table_set(row, WINDOW_COLUMNS, "%u", windows[i].columns);
                /* titles of other users' windows are secret */
                table_set(row, WINDOW_TITLE, "%s", *windows[i].title || axctl->json ? windows[i].title : "-");
                if (axctl->json)
                        table_set(row, WINDOW_CLOSING, "%d", windows[i].closing);
        }
        free(windows);
        return table_print(table);
}

static bool parse_window(const char *text, uint64_t *ret) {
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        return !errno && end != text && !*end && *text != '-';
}

static void print_row(const char *row, bool dressed) {
        show_row(stdout, row ? row : "", dressed, SIZE_MAX);
        putchar('\n');
}

static int window_screenshot_run(struct axctl *axctl) {
        struct ax_screen screen;
        uint64_t id;
        int r;

        if (!parse_window(axctl->operands[0], &id))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        r = ax_window_read(axctl->ax, id, 0, axctl->flags['c'] ? 0 : AX_WINDOW_PLAIN, &screen);
        if (r < 0)
                return complain(axctl, axctl->operands[0], r);
        for (unsigned row = 0; row < screen.rows; row++)
                print_row(screen.text[row], axctl->flags['c']);
        ax_screen_free(&screen);
        return STATUS_OK;
}

static int window_close_run(struct axctl *axctl) {
        uint64_t id;
        int r;

        if (!parse_window(axctl->operands[0], &id))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        r = ax_window_ask_close(axctl->ax, id);
        return r < 0 ? complain(axctl, axctl->operands[0], r) : STATUS_OK;
}

/* ---- type ------------------------------------------------------------------------------------ */

/* A line feed stands for the Enter key, which on a terminal is a carriage return. */
static int window_type_run(struct axctl *axctl) {
        char *keys = axctl->operands[1];
        size_t size = strlen(keys), done = 0;
        uint64_t id;

        if (!parse_window(axctl->operands[0], &id))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        for (char *key = keys; (key = strchr(key, '\n'));)
                *key = '\r';
        do {
                int n = ax_window_type(axctl->ax, id, keys + done, size - done);

                if (n == -AX_EAGAIN || (n == 0 && size > 0))
                        return complain_text(axctl, axctl->operands[0],
                                             done > 0 ? "the program read only a part of it"
                                                      : "the program does not read");
                if (n < 0)
                        return complain(axctl, axctl->operands[0], n);
                done += (size_t) n;
        } while (done < size);
        return STATUS_OK;
}

/* ---- attach ---------------------------------------------------------------------------------- */

struct attachment {
        ax_client *ax;
        ax_cancel *cancel;
        struct terminal terminal;
        pthread_mutex_t lock; /* protects the screen; held while the terminal belongs to others */
        bool is_away;         /* it is */
        uint64_t window;
        int result; /* of the thread that draws */
};

/* At the end, the terminal's screen and title come back. */
static const char begin_sequence[] = "\033[22;0t\033[?1049h\033[2J",
                  end_sequence[] = "\033[0m\033[?25h\033[?1049l\033[23;0t";

static void print_now(const char *sequence) {
        fputs(sequence, stdout);
        fflush(stdout);
}

/* The part of the screen that fits into the terminal. */
static void draw(const struct ax_screen *screen) {
        unsigned rows = screen->rows, columns = screen->columns;
        char title[SHOWN_SIZE];

        terminal_size(&rows, &columns);
        printf("\033[?25l\033]0;%s\033\\\033[?7l", shown_again(screen->title, title));
        for (unsigned row = 0; row < screen->rows && row < rows; row++)
                if (screen->text[row]) {
                        printf("\033[%u;1H\033[0m\033[K", row + 1);
                        show_row(stdout, screen->text[row], true, columns);
                }
        for (unsigned row = screen->rows; row < rows; row++)
                printf("\033[%u;1H\033[0m\033[K", row + 1);
        if (screen->cursor_visible && screen->cursor_row < rows && screen->cursor_column < columns)
                printf("\033[%u;%uH\033[?25h", screen->cursor_row + 1, screen->cursor_column + 1);
        printf("\033[?7h");
        fflush(stdout);
}

/* Draws the whole screen; the caller holds the lock. */
static void draw_anew(struct attachment *attachment) {
        struct ax_screen screen;

        if (ax_window_read(attachment->ax, attachment->window, 0, 0, &screen) < 0)
                return;
        draw(&screen);
        ax_screen_free(&screen);
}

static void *draw_main(void *userdata) {
        struct attachment *attachment = userdata;
        uint64_t version = 0;
        struct ax_screen screen;
        int r;

        ax_cancel_use(attachment->cancel);
        while ((r = ax_window_read(attachment->ax, attachment->window, version, AX_WINDOW_WAIT, &screen)) == 0) {
                pthread_mutex_lock(&attachment->lock);
                draw(&screen);
                pthread_mutex_unlock(&attachment->lock);
                version = screen.version;
                ax_screen_free(&screen);
        }
        ax_cancel_use(NULL);
        attachment->result = r;
        terminal_stop(&attachment->terminal);
        return NULL;
}

/* A program that does not read its keys loses them, like on a terminal. */
static int on_keys(void *userdata, const char *keys, size_t size) {
        struct attachment *attachment = userdata;
        int r = ax_window_type(attachment->ax, attachment->window, keys, size);

        return r == -AX_EAGAIN ? 0 : r;
}

static int on_resize(void *userdata, unsigned rows, unsigned columns) {
        struct attachment *attachment = userdata;
        int r = ax_window_ask_resize(attachment->ax, attachment->window, rows > 200 ? 200 : rows,
                                     columns > 400 ? 400 : columns);

        pthread_mutex_lock(&attachment->lock);
        draw_anew(attachment); /* the program may choose a different size */
        pthread_mutex_unlock(&attachment->lock);
        return r == -AX_EAGAIN ? 0 : r;
}

static void on_leave(void *userdata) {
        struct attachment *attachment = userdata;

        pthread_mutex_lock(&attachment->lock);
        attachment->is_away = true;
        print_now(end_sequence);
}

static void on_enter(void *userdata) {
        struct attachment *attachment = userdata;

        if (!attachment->is_away)
                pthread_mutex_lock(&attachment->lock);
        attachment->is_away = false;
        print_now(begin_sequence);
        pthread_mutex_unlock(&attachment->lock);
}

static int attach(struct attachment *attachment) {
        pthread_t thread;
        int r;

        if (pthread_create(&thread, NULL, draw_main, attachment) != 0)
                return -AX_ENOMEM;
        print_now(begin_sequence);
        pthread_mutex_unlock(&attachment->lock);
        r = terminal_run(&attachment->terminal);
        ax_cancel_fire(attachment->cancel);
        pthread_join(thread, NULL);
        print_now(end_sequence);
        if (attachment->result == -AX_ENOENT || r == -AX_ENOENT)
                printf("[window %" PRIu64 " is closed]\n", attachment->window);
        else if (r == 0 && attachment->result != -AX_EINTR)
                r = attachment->result;
        return r == -AX_ENOENT ? 0 : r;
}

static int window_attach_run(struct axctl *axctl) {
        struct attachment attachment = { .ax = axctl->ax };
        struct ax_screen screen;
        int r;

        if (!parse_window(axctl->operands[0], &attachment.window))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        if (!terminal_is_there())
                return complain_text(axctl, axctl->operands[0], "standard input and output are not a terminal");
        r = ax_window_read(axctl->ax, attachment.window, 0, 0, &screen);
        if (r < 0)
                return complain(axctl, axctl->operands[0], r);
        ax_screen_free(&screen);
        attachment.terminal = (struct terminal){
                .on_keys = on_keys,
                .on_resize = on_resize,
                .on_leave = on_leave,
                .on_enter = on_enter,
                .userdata = &attachment,
                .returns = true,
        };
        pthread_mutex_init(&attachment.lock, NULL);
        pthread_mutex_lock(&attachment.lock); /* until the screen is ours */
        r = terminal_init(&attachment.terminal);
        if (r < 0)
                return complain(axctl, axctl->operands[0], r);
        r = ax_cancel_new(&attachment.cancel);
        if (r == 0)
                r = attach(&attachment);
        ax_cancel_free(attachment.cancel);
        terminal_deinit(&attachment.terminal);
        return r < 0 ? complain(axctl, axctl->operands[0], r) : STATUS_OK;
}

/* ---- the commands ---------------------------------------------------------------------------- */

static const struct argp_option screenshot_options[] = {
        { "colours", 'c', NULL, 0, "With escape sequences for colours and the like", 0 },
        { 0 },
};

const struct command window_commands[] = {
        { .name = "attach",
          .operands = "ID",
          .summary = "Show a window here, and type into it; Ctrl-] leaves it",
          .run = window_attach_run,
          .least = 1,
          .most = 1 },
        { .name = "type",
          .operands = "ID TEXT",
          .summary = "Type into a window; a line feed is the Enter key",
          .run = window_type_run,
          .least = 2,
          .most = 2 },
        { .name = "screenshot",
          .operands = "ID",
          .summary = "Print what a window shows",
          .run = window_screenshot_run,
          .options = screenshot_options,
          .least = 1,
          .most = 1 },
        { .name = "close",
          .operands = "ID",
          .summary = "Ask the program to close its window",
          .run = window_close_run,
          .least = 1,
          .most = 1 },
        { 0 },
};
