/* SPDX-License-Identifier: MIT */
/*
 * An event loop: one poll(2) over axeberg's events and the host's.
 *
 *     events [MILLISECONDS]
 *
 * ax_fileno() polls readable if a signal is due. ax_dispatch() then runs the handlers here, between
 * two turns of the loop: no handler ever interrupts the program. Standard input stands for
 * everything else that a loop may wait for.
 *
 * A child process, the ticker, wakes at an interval and sends SIGUSR1. An alarm (SIGALRM) ends the
 * loop, and so do SIGTERM and SIGINT: `axctl kill PID`. Only the ticker waits for the interval
 * (ax_task_wait()), because that must not hold up the loop.
 */
#include <axeberg.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTERVAL_MS = 20 };

static const char *name = "events";

static void check(int64_t result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "%s: %s: %s\n", name, what, ax_strerror((int) result));
        exit(EXIT_FAILURE);
}

/* ---- the ticker ------------------------------------------------------------------------------ */

static int run_ticker(void) {
        ax_client *ax;
        ax_task_id task;
        ax_pid parent;

        name = "ticker";
        check(ax_connect(&ax, NULL), "cannot connect to axebergd"); /* as the child */
        check(ax_task_create(ax, &task), "task");
        check(ax_timer_interval(ax, INTERVAL_MS, task, NULL), "timer");
        while ((parent = ax_getppid(ax)) > 1) { /* 1: the parent is gone */
                check(ax_task_wait(ax, task, -1), "wait");
                check(ax_kill(ax, parent, AX_SIGUSR1), "tick");
        }
        ax_disconnect(ax);
        return EXIT_SUCCESS;
}

/* ---- the loop -------------------------------------------------------------------------------- */

struct loop {
        unsigned ticks, lines;
        int ended_by; /* the signal; 0: the loop goes on */
};

static void on_tick(ax_client *ax, int signal, void *userdata) {
        struct loop *loop = userdata;

        (void) ax;
        (void) signal;
        loop->ticks++;
}

static void on_end(ax_client *ax, int signal, void *userdata) {
        struct loop *loop = userdata;

        (void) ax;
        loop->ended_by = signal;
}

/* Returns false at the end of the input. */
static bool on_input(struct loop *loop, int fd) {
        char data[256];
        ssize_t n = read(fd, data, sizeof(data));

        for (ssize_t i = 0; i < n; i++)
                loop->lines += data[i] == '\n';
        return n > 0;
}

/* A handler may also run inside a call before the loop, so check first whether to go on. */
static void run_loop(ax_client *ax, struct loop *loop) {
        struct pollfd fds[] = {
                { .fd = ax_fileno(ax), .events = POLLIN },
                { .fd = STDIN_FILENO, .events = POLLIN },
        };

        check(fds[0].fd, "fileno");
        while (!loop->ended_by) {
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        check(-errno, "poll");
                if (fds[0].revents)
                        check(ax_dispatch(ax, 0), "dispatch"); /* fails if the daemon is gone */
                if (fds[1].revents && !on_input(loop, STDIN_FILENO))
                        fds[1].fd = -1; /* poll(2) ignores it from now on */
        }
}

/* Ends the ticker. Its last ticks may still arrive and interrupt the wait. */
static void end_ticker(ax_client *ax, ax_pid ticker) {
        struct ax_wait_status status;
        ax_pid pid;

        check(ax_kill(ax, ticker, AX_SIGTERM), "kill");
        do
                pid = ax_wait(ax, ticker, &status, AX_WAIT_ENDED);
        while (pid == -AX_EINTR);
        check(pid, "wait");
        if (status.kind == AX_SIGNALED)
                printf("ticker: ended by %s\n", ax_signal_name(status.code));
        else
                printf("ticker: exit status %d\n", status.code);
}

int main(int argc, char **argv) {
        const char *const ticker_argv[] = { argv[0], "ticker", NULL };
        double duration_ms = argc > 1 ? atoi(argv[1]) : 1000;
        struct loop loop = { 0 };
        ax_client *ax;
        ax_pid ticker;

        if (argc > 1 && strcmp(argv[1], "ticker") == 0)
                return run_ticker();
        if (duration_ms <= 0) {
                fprintf(stderr, "usage: events [MILLISECONDS]\n");
                return 2;
        }
        check(ax_connect(&ax, NULL), "cannot connect to axebergd");
        check(ax_signal_handle(ax, AX_SIGUSR1, on_tick, &loop), "signal");
        check(ax_signal_handle(ax, AX_SIGALRM, on_end, &loop), "signal");
        check(ax_signal_handle(ax, AX_SIGTERM, on_end, &loop), "signal");
        check(ax_signal_handle(ax, AX_SIGINT, on_end, &loop), "signal");
        ticker = ax_spawn(ax, ticker_argv, NULL);
        check(ticker, "ticker");
        check(ax_alarm(ax, duration_ms, NULL), "alarm");

        run_loop(ax, &loop);
        printf("%s after %u ticks and %u lines\n", ax_signal_name(loop.ended_by), loop.ticks, loop.lines);
        end_ticker(ax, ticker);
        ax_disconnect(ax);
        return EXIT_SUCCESS;
}
