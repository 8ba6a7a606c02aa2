/*
 * windows, window attach, window screenshot.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "axctl.h"
#include "table.h"
#include "terminal.h"

enum { WINDOW_ID, WINDOW_PID, WINDOW_UID, WINDOW_ROWS, WINDOW_COLUMNS, WINDOW_TITLE, N_COLUMNS };

static const struct column text_columns[N_COLUMNS] = {
        [WINDOW_ID] = { .name = "ID", .number = true },           [WINDOW_PID] = { .name = "PID", .number = true },
        [WINDOW_UID] = { .name = "UID", .number = true },         [WINDOW_ROWS] = { .name = "ROWS", .number = true },
        [WINDOW_COLUMNS] = { .name = "COLUMNS", .number = true }, [WINDOW_TITLE] = { .name = "TITLE" },
};
static const struct column json_columns[N_COLUMNS] = {
        [WINDOW_ID] = { .name = "id", .number = true },           [WINDOW_PID] = { .name = "pid", .number = true },
        [WINDOW_UID] = { .name = "uid", .number = true },         [WINDOW_ROWS] = { .name = "rows", .number = true },
        [WINDOW_COLUMNS] = { .name = "columns", .number = true }, [WINDOW_TITLE] = { .name = "title" },
};

int windows_run(struct axctl *axctl) {
        struct libscols_table *table;
        struct ax_window *windows;
        int n = ax_window_list(axctl->ax, &windows);

        if (n < 0)
                return complain(axctl, "windows", n);
        table = table_new("windows", axctl->json ? json_columns : text_columns, N_COLUMNS, axctl->json);
        for (int i = 0; i < n; i++) {
                struct libscols_line *row = table_row(table, NULL);

                table_set(row, WINDOW_ID, "%" PRIu64, windows[i].id);
                table_set(row, WINDOW_PID, "%d", windows[i].pid);
                table_set(row, WINDOW_UID, "%u", windows[i].uid);
                table_set(row, WINDOW_ROWS, "%u", windows[i].rows);
                table_set(row, WINDOW_COLUMNS, "%u", windows[i].columns);
                table_set(row, WINDOW_TITLE, "%s", windows[i].title);
        }
        free(windows);
        return table_print(table);
}

static bool parse_id(const char *text, uint64_t *ret) {
        char *end;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        return !errno && end != text && !*end && *text != '-';
}

static int window_screenshot_run(struct axctl *axctl) {
        struct ax_screen screen;
        uint64_t id;
        int r;

        if (!parse_id(axctl->operands[0], &id))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        r = ax_window_read(axctl->ax, id, 0, axctl->flags['c'] ? 0 : AX_WINDOW_PLAIN, &screen);
        if (r < 0)
                return complain(axctl, axctl->operands[0], r);
        for (unsigned row = 0; row < screen.rows; row++)
                printf("%s\n", screen.text[row] ? screen.text[row] : "");
        ax_screen_free(&screen);
        return STATUS_OK;
}

static int window_close_run(struct axctl *axctl) {
        uint64_t id;
        int r;

        if (!parse_id(axctl->operands[0], &id))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        r = ax_window_ask_close(axctl->ax, id);
        return r < 0 ? complain(axctl, axctl->operands[0], r) : STATUS_OK;
}

/* ---- attach -------------------------------------------------------------------------------------------------- */

struct attachment {
        ax_client *ax;
        ax_cancel *cancel;
        struct terminal terminal;
        uint64_t window;
        int result; /* of the thread that draws */
};

/* What of the screen there is room for here. */
static void draw(const struct ax_screen *screen) {
        unsigned rows = screen->rows, columns = screen->columns;

        terminal_size(&rows, &columns);
        printf("\033[?25l\033]0;%s\033\\\033[?7l", screen->title);
        for (unsigned row = 0; row < screen->rows && row < rows; row++)
                if (screen->text[row])
                        printf("\033[%u;1H\033[0m\033[K%s", row + 1, screen->text[row]);
        for (unsigned row = screen->rows; row < rows; row++)
                printf("\033[%u;1H\033[K", row + 1);
        if (screen->cursor_visible)
                printf("\033[%u;%uH\033[?25h", screen->cursor_row + 1, screen->cursor_column + 1);
        printf("\033[?7h");
        fflush(stdout);
}

static void *draw_main(void *userdata) {
        struct attachment *attachment = userdata;
        uint64_t version = 0;
        struct ax_screen screen;
        int r;

        ax_cancel_use(attachment->cancel);
        while ((r = ax_window_read(attachment->ax, attachment->window, version, AX_WINDOW_WAIT, &screen)) == 0) {
                draw(&screen);
                version = screen.version;
                ax_screen_free(&screen);
        }
        ax_cancel_use(NULL);
        attachment->result = r;
        terminal_stop(&attachment->terminal);
        return NULL;
}

/* A program that does not read its keys loses them, as on a terminal. */
static int on_keys(void *userdata, const char *keys, size_t size) {
        struct attachment *attachment = userdata;
        int r = ax_window_type(attachment->ax, attachment->window, keys, size);

        return r == -AX_EAGAIN ? 0 : r;
}

static int on_resize(void *userdata, unsigned rows, unsigned columns) {
        struct attachment *attachment = userdata;
        int r = ax_window_ask_resize(attachment->ax, attachment->window, rows > 200 ? 200 : rows,
                                     columns > 400 ? 400 : columns);

        return r == -AX_EAGAIN ? 0 : r;
}

static int attach(struct attachment *attachment) {
        pthread_t thread;
        int r;

        printf("\033[?1049h\033[2J");
        fflush(stdout);
        if (pthread_create(&thread, NULL, draw_main, attachment) != 0)
                return -AX_ENOMEM;
        r = terminal_run(&attachment->terminal);
        ax_cancel_fire(attachment->cancel);
        pthread_join(thread, NULL);
        printf("\033[0m\033[?25h\033[?1049l");
        fflush(stdout);
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

        if (!parse_id(axctl->operands[0], &attachment.window))
                return complain_usage(axctl, axctl->operands[0], "not a window");
        if (!terminal_is_there())
                return complain_text(axctl, axctl->operands[0], "standard input and output are not a terminal");
        r = ax_window_read(axctl->ax, attachment.window, 0, 0, &screen);
        if (r < 0)
                return complain(axctl, axctl->operands[0], r);
        ax_screen_free(&screen);
        attachment.terminal = (struct terminal){
                .on_keys = on_keys, .on_resize = on_resize, .userdata = &attachment, .returns = true
        };
        r = terminal_init(&attachment.terminal);
        if (r == 0)
                r = ax_cancel_new(&attachment.cancel);
        if (r == 0)
                r = attach(&attachment);
        ax_cancel_free(attachment.cancel);
        terminal_deinit(&attachment.terminal);
        return r < 0 ? complain(axctl, axctl->operands[0], r) : STATUS_OK;
}

/* ---- the commands --------------------------------------------------------------------------------------------- */

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
