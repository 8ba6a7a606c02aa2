/* SPDX-License-Identifier: MIT */
/*
 * console: one thread follows the output, the main one types standard input into the console. On a
 * terminal, single keys are sent until Ctrl-], and echoed here like a terminal does. Several may be
 * attached at once; each sees all output, and its own keys.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "axctl.h"
#include "show.h"
#include "terminal.h"

enum { CHUNK_SIZE = 32768 };

/* The text on the terminal's current line. */
enum { MAX_ECHO = 1024 };

struct line {
        pthread_mutex_t lock;
        bool is_begun;           /* the output did not end with a line feed */
        uint8_t cells[MAX_ECHO]; /* of each character that was typed and echoed since */
        size_t n_cells;
        char part[4]; /* of a character that was read in pieces */
        size_t n_part;
};

static struct line line = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int print_output(const char *data, size_t size, uint64_t lost) {
        int status;

        pthread_mutex_lock(&line.lock);
        if (lost > 0) {
                fprintf(stderr, "%s[%" PRIu64 " bytes lost]\n", line.is_begun || line.n_cells > 0 ? "\n" : "", lost);
                line.is_begun = false;
        }
        status = fwrite(data, 1, size, stdout) == size && fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
        if (size > 0) {
                line.is_begun = data[size - 1] != '\n';
                line.n_cells = 0;
        }
        pthread_mutex_unlock(&line.lock);
        return status;
}

/* Prints output until the thread's switch is fired, or the daemon is gone. */
static int follow(struct axctl *axctl) {
        char data[CHUNK_SIZE];
        uint64_t lost = 0, offset = 0;
        ssize_t n;

        while ((n = ax_console_follow(axctl->ax, &offset, data, sizeof(data), &lost)) > 0)
                if (print_output(data, (size_t) n, lost) != STATUS_OK)
                        return STATUS_FAILED;
        return n == -AX_EINTR ? STATUS_OK : complain(axctl, "output", (int) n);
}

/* Uses a switch that is already fired: reading ends when there is no more output. */
static int print_pending(struct axctl *axctl) {
        char data[CHUNK_SIZE];
        ax_cancel *cancel;
        uint64_t lost = 0;
        ssize_t n = ax_cancel_new(&cancel);

        if (n < 0)
                return complain(axctl, "output", (int) n);
        ax_cancel_fire(cancel);
        ax_cancel_use(cancel);
        while ((n = ax_console_wait_output(axctl->ax, data, sizeof(data), &lost)) > 0)
                if (print_output(data, (size_t) n, lost) != STATUS_OK)
                        break;
        ax_cancel_use(NULL);
        ax_cancel_free(cancel);
        return n == -AX_EINTR ? STATUS_OK : n > 0 ? STATUS_FAILED : complain(axctl, "output", (int) n);
}

struct follower {
        struct axctl *axctl;
        ax_cancel *cancel;
        struct terminal *terminal; /* to be stopped when the output ends; NULL: none */
        int status;
};

static void *follower_main(void *userdata) {
        struct follower *follower = userdata;

        ax_cancel_use(follower->cancel);
        follower->status = follow(follower->axctl);
        ax_cancel_use(NULL);
        if (follower->terminal)
                terminal_stop(follower->terminal);
        return NULL;
}

/* Types everything. If the queue is full, it waits for programs to read. */
static int type_all(struct axctl *axctl, const char *data, size_t size) {
        const struct timespec pause = { .tv_nsec = 20000000 };

        while (size > 0) {
                int n = ax_console_push_input(axctl->ax, data, size);

                if (n == -AX_EAGAIN) {
                        nanosleep(&pause, NULL);
                        continue;
                }
                if (n < 0)
                        return complain(axctl, "input", n);
                data += n;
                size -= (size_t) n;
        }
        return STATUS_OK;
}

static int type_standard_input(struct axctl *axctl) {
        char data[4096];

        for (;;) {
                ssize_t n = read(STDIN_FILENO, data, sizeof(data));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return complain(axctl, "standard input", -errno);
                if (n == 0)
                        return STATUS_OK;
                if (type_all(axctl, data, (size_t) n) != STATUS_OK)
                        return STATUS_FAILED;
        }
}

/* ---- keys on a terminal ---------------------------------------------------------------------- */

static void echo_text(const char *text, size_t cells) {
        show_row(stdout, text, false, SIZE_MAX);
        if (line.n_cells < MAX_ECHO)
                line.cells[line.n_cells++] = (uint8_t) cells;
}

static void echo_erasure(void) {
        if (line.n_cells == 0)
                return;
        for (size_t cells = line.cells[--line.n_cells]; cells > 0; cells--)
                fputs("\b \b", stdout);
}

/* A terminal echoes a control character of ASCII as ^A. */
static void echo_control(char key) {
        const char text[] = { '^', (char) (key ^ 0x40), '\0' };

        if (key == '\n' || key == '\t') { /* behind which nothing is erased */
                putchar(key);
                line.n_cells = 0;
                line.is_begun = key != '\n';
        } else if (key == '\b' || key == 0x7F) {
                echo_erasure();
        } else {
                echo_text(text, 2);
        }
}

static void echo_character(const char *text, size_t length) {
        char copy[8] = "";
        uint32_t character = 0;
        int width = 1;

        memcpy(copy, text, length);
        if (utf8_decode(copy, length, &character) > 0 && character > 0x7E)
                width = wcwidth((wchar_t) character);
        echo_text(copy, width < 0 ? 1 : (size_t) width);
}

/* Echoes keys. An incomplete character at the end waits for the rest. */
static void echo(const char *keys, size_t size) {
        char data[sizeof(line.part) + 1024];
        size_t end, length;

        memcpy(data, line.part, line.n_part);
        memcpy(data + line.n_part, keys, size);
        size += line.n_part;
        end = utf8_trim(data, size);
        for (size_t at = 0; at < end; at += length) {
                uint32_t character = 0;

                length = utf8_decode(data + at, end - at, &character);
                if (length == 0)
                        length = 1;
                if (data[at] >= 0 && (data[at] < 0x20 || data[at] == 0x7F))
                        echo_control(data[at]);
                else
                        echo_character(data + at, length);
        }
        line.n_part = size - end;
        memcpy(line.part, data + end, line.n_part);
        fflush(stdout);
}

/*
 * Programs read lines that end with a line feed. If the queue is full, keys are lost, and the bell
 * rings. The lock makes answers of programs appear after the echo.
 */
static int on_keys(void *userdata, const char *keys, size_t size) {
        struct axctl *axctl = userdata;
        int n;

        pthread_mutex_lock(&line.lock);
        n = ax_console_push_input(axctl->ax, keys, size);
        if (n > 0 && !axctl->flags[FLAG_NO_ECHO])
                echo(keys, (size_t) n);
        if (n == -AX_EAGAIN || (n >= 0 && (size_t) n < size))
                fputs("\a", stderr);
        pthread_mutex_unlock(&line.lock);
        return n < 0 && n != -AX_EAGAIN ? n : 0;
}

static int on_resize(void *userdata, unsigned rows, unsigned columns) {
        struct axctl *axctl = userdata;

        ax_console_set_size(axctl->ax, rows, columns);
        return 0;
}

static int type_keys(struct axctl *axctl, struct terminal *terminal) {
        int r;

        fprintf(stderr, "[Ctrl-] leaves the console]\n");
        r = terminal_run(terminal);
        return r < 0 ? complain(axctl, "the terminal", r) : STATUS_OK;
}

int console_run(struct axctl *axctl) {
        struct terminal terminal = { .on_keys = on_keys, .on_resize = on_resize, .userdata = axctl };
        bool keys = terminal_is_there() && !axctl->flags[FLAG_LINES];
        struct follower follower = { .axctl = axctl, .terminal = keys ? &terminal : NULL };
        pthread_t thread;
        int status;

        if (axctl->flags[FLAG_ONCE])
                return print_pending(axctl);
        if (axctl->flags[FLAG_NO_INPUT])
                return follow(axctl);
        if (keys && terminal_init(&terminal) < 0)
                return complain(axctl, "the terminal", -AX_EMFILE);
        if (ax_cancel_new(&follower.cancel) < 0 || pthread_create(&thread, NULL, follower_main, &follower) != 0) {
                ax_cancel_free(follower.cancel);
                if (keys)
                        terminal_deinit(&terminal);
                return complain(axctl, "thread", -AX_ENOMEM);
        }
        status = keys ? type_keys(axctl, &terminal) : type_standard_input(axctl);
        if (keys || !axctl->flags[FLAG_FOLLOW])
                ax_cancel_fire(follower.cancel);
        pthread_join(thread, NULL);
        ax_cancel_free(follower.cancel);
        if (keys) {
                terminal_deinit(&terminal);
                return status == STATUS_OK ? follower.status : status;
        }
        if (status == STATUS_OK && !axctl->flags[FLAG_FOLLOW])
                status = print_pending(axctl);
        return status == STATUS_OK ? follower.status : status;
}
