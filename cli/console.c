/*
 * console: one thread follows the output, the main one types what comes on standard input. A terminal stays in line mode, so there is nothing to restore.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "axctl.h"

enum { CHUNK_SIZE = 32768 };

static int print_output(const char *data, size_t size, uint64_t lost) {
        if (lost > 0)
                fprintf(stderr, "[%" PRIu64 " bytes lost]\n", lost);
        return fwrite(data, 1, size, stdout) == size && fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

/* Prints output until the switch that the thread uses is fired, or the daemon goes. */
static int follow(struct axctl *axctl) {
        char data[CHUNK_SIZE];
        uint64_t lost = 0;
        ssize_t n;

        while ((n = ax_console_wait_output(axctl->ax, data, sizeof(data), &lost)) > 0)
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
        int status;
};

static void *follower_main(void *userdata) {
        struct follower *follower = userdata;

        ax_cancel_use(follower->cancel);
        follower->status = follow(follower->axctl);
        ax_cancel_use(NULL);
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

int console_run(struct axctl *axctl) {
        struct follower follower = { .axctl = axctl };
        pthread_t thread;
        int status;

        if (axctl->flags[FLAG_ONCE])
                return print_pending(axctl);
        if (axctl->flags[FLAG_NO_INPUT])
                return follow(axctl);
        if (ax_cancel_new(&follower.cancel) < 0 || pthread_create(&thread, NULL, follower_main, &follower) != 0) {
                ax_cancel_free(follower.cancel);
                return complain(axctl, "thread", -AX_ENOMEM);
        }
        status = type_standard_input(axctl);
        if (!axctl->flags[FLAG_FOLLOW])
                ax_cancel_fire(follower.cancel);
        pthread_join(thread, NULL);
        ax_cancel_free(follower.cancel);
        if (status == STATUS_OK && !axctl->flags[FLAG_FOLLOW])
                status = print_pending(axctl);
        return status == STATUS_OK ? follower.status : status;
}
