/*
 * console: one thread follows the output, the main one types what comes on standard input. On a terminal single keys are typed, until Ctrl-]; several may be
 * attached at once, and each sees everything.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "axctl.h"
#include "terminal.h"

enum { CHUNK_SIZE = 32768 };

static int print_output(const char *data, size_t size, uint64_t lost) {
        if (lost > 0)
                fprintf(stderr, "[%" PRIu64 " bytes lost]\n", lost);
        return fwrite(data, 1, size, stdout) == size && fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

/* Prints output until the switch that the thread uses is fired, or the daemon goes. */
static int follow(struct axctl *axctl) {
        char data[CHUNK_SIZE];
        uint64_t lost = 0, offset = 0;
        ssize_t n;

        while ((n = ax_console_follow(axctl->ax, &offset, data, sizeof(data), &lost)) > 0)
                if (print_output(data, (size_t) n, lost) != STATUS_OK)
                        return STATUS_FAILED;
        return n == -AX_EINTR ? STATUS_OK : complain(axctl, "output", (int) n);
}

static int print_pending(struct axctl *axctl) {
        char data[CHUNK_SIZE];
        ssize_t n;

        while ((n = ax_console_take_output(axctl->ax, data, sizeof(data))) > 0)
                if (print_output(data, (size_t) n, 0) != STATUS_OK)
                        return STATUS_FAILED;
        return n < 0 ? complain(axctl, "output", (int) n) : STATUS_OK;
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

/* Types everything; where the queue is full it waits for programs to read. */
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

/* Programs read lines that end with a line feed. */
static int on_keys(void *userdata, const char *keys, size_t size) {
        struct axctl *axctl = userdata;

        return type_all(axctl, keys, size) == STATUS_OK ? 0 : -AX_EIO;
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
