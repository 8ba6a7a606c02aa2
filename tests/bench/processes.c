/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMERS = 10000, TIMER_SPACING_USEC = 200 };

/* ---- the other ends -------------------------------------------------------------------------- */

static int start(void (*run)(const char *socket_path, const int *fds), const char *socket_path, const int *fds,
                 struct place *place) {
        pid_t pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                run(socket_path, fds);
                _exit(0);
        }
        if (pid < 0)
                return -errno;
        place_add(place, pid);
        return 0;
}

static void echo_on_host(const char *socket_path, const int *fds) {
        char byte;

        (void) socket_path;
        while (read(fds[0], &byte, 1) == 1)
                if (write(fds[3], &byte, 1) != 1)
                        break;
}

static void drain_on_host(const char *socket_path, const int *fds) {
        static char buffer[BENCH_LARGE_BLOCK];

        (void) socket_path;
        while (read(fds[4], buffer, sizeof(buffer)) > 0)
                ;
}

static void echo(const char *socket_path, const int *fds) {
        ax_client *ax;
        int in, out;
        char byte;

        (void) fds;
        if (ax_connect(&ax, socket_path) < 0)
                return;
        in = ax_open(ax, "/tmp/ping", AX_READ);
        out = ax_open(ax, "/tmp/pong", AX_O_WRITE);
        while (ax_read(ax, in, &byte, 1) == 1)
                if (ax_write(ax, out, &byte, 1) != 1)
                        break;
}

static void drain(const char *socket_path, const int *fds) {
        static char buffer[BENCH_LARGE_BLOCK];
        ax_client *ax;
        int in;

        (void) fds;
        if (ax_connect(&ax, socket_path) < 0)
                return;
        in = ax_open(ax, "/tmp/stream", AX_READ);
        while (ax_read(ax, in, buffer, sizeof(buffer)) > 0)
                ;
}

int bench_start_pipes(struct bench_context *context, const char *socket_path, struct place *place) {
        static const char *const names[] = { "/tmp/ping", "/tmp/pong", "/tmp/stream" };
        int fds[6], r = 0;

        for (int i = 0; r == 0 && i < 3; i++)
                if (pipe2(fds + 2 * i, O_CLOEXEC) < 0 || ax_mkfifo(context->ax, names[i]) < 0)
                        r = -EIO;
        if (r == 0)
                r = start(echo_on_host, socket_path, fds, place);
        if (r == 0)
                r = start(drain_on_host, socket_path, fds, place);
        if (r == 0)
                r = start(echo, socket_path, fds, place);
        if (r == 0)
                r = start(drain, socket_path, fds, place);
        if (r < 0)
                return r;
        context->host_ping = fds[1];
        context->host_pong = fds[2];
        context->host_stream = fds[5];
        close(fds[0]);
        close(fds[3]);
        close(fds[4]);
        context->ax_ping = ax_open(context->ax, names[0], AX_O_WRITE);
        context->ax_pong = ax_open(context->ax, names[1], AX_READ);
        context->ax_stream = ax_open(context->ax, names[2], AX_O_WRITE);
        return context->ax_stream < 0 ? context->ax_stream : 0;
}

/* ---- pipes ----------------------------------------------------------------------------------- */

int bench_run_pipe_latency(struct bench_context *context, unsigned n) {
        char byte = 0;

        while (n-- > 0)
                if (ax_write(context->ax, context->ax_ping, &byte, 1) != 1 ||
                    ax_read(context->ax, context->ax_pong, &byte, 1) != 1)
                        return -EIO;
        return 0;
}

int bench_run_host_pipe_latency(struct bench_context *context, unsigned n) {
        char byte = 0;

        while (n-- > 0)
                if (write(context->host_ping, &byte, 1) != 1 || read(context->host_pong, &byte, 1) != 1)
                        return -errno;
        return 0;
}

int bench_run_pipe_stream(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (ax_write(context->ax, context->ax_stream, context->buffer, BENCH_LARGE_BLOCK) != BENCH_LARGE_BLOCK)
                        return -EIO;
        return 0;
}

int bench_run_host_pipe_stream(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (write(context->host_stream, context->buffer, BENCH_LARGE_BLOCK) != BENCH_LARGE_BLOCK)
                        return -errno;
        return 0;
}

/* ---- processes and signals ------------------------------------------------------------------- */

int bench_run_spawn(struct bench_context *context, unsigned n) {
        static const char *const argv[] = { "/bin/true", NULL };

        while (n-- > 0) {
                ax_pid pid = ax_spawn(context->ax, argv, NULL);

                if (pid < 0)
                        return pid;
                pid = ax_wait(context->ax, pid, NULL, 0);
                if (pid < 0)
                        return pid;
        }
        return 0;
}

int bench_run_host_spawn(struct bench_context *context, unsigned n) {
        static const char *const argv[] = { "/bin/true", NULL };

        (void) context;
        while (n-- > 0) {
                pid_t pid;
                int r = posix_spawn(&pid, argv[0], NULL, NULL, (char *const *) argv, environ);

                if (r != 0)
                        return -r;
                if (waitpid(pid, NULL, 0) < 0)
                        return -errno;
        }
        return 0;
}

static volatile sig_atomic_t handled;

static void on_signal(ax_client *ax, int signal, void *userdata) {
        (void) ax;
        (void) signal;
        (void) userdata;
        handled++;
}

int bench_run_signal(struct bench_context *context, unsigned n) {
        int r = ax_signal_handle(context->ax, AX_SIGUSR1, on_signal, NULL);

        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = ax_kill(context->ax, ax_getpid(context->ax), AX_SIGUSR1);
        return r < 0 ? r : 0;
}

static void on_host_signal(int signal) {
        (void) signal;
        handled++;
}

int bench_run_host_signal(struct bench_context *context, unsigned n) {
        (void) context;
        signal(SIGUSR1, on_host_signal);
        while (n-- > 0)
                kill(getpid(), SIGUSR1);
        signal(SIGUSR1, SIG_DFL);
        return 0;
}

/* ---- timers ---------------------------------------------------------------------------------- */

static uint64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
        const double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static void print_lateness(const char *name, double *late) {
        qsort(late, TIMERS, sizeof(*late), compare_doubles);
        printf("| %s | %.0f | %.0f | %.0f | %.0f |\n", name, late[TIMERS / 2], late[TIMERS * 9 / 10],
               late[TIMERS * 99 / 100], late[TIMERS - 1]);
}

/*
 * All are set at first, not in the order in which they are due; then each wake reports those that
 * have come due.
 */
static int measure_timers(ax_client *ax, double *late) {
        static uint64_t due[TIMERS];
        uint64_t start = now_nsec() + 1500000000u, now;
        ax_task_id task;
        int r = ax_task_create(ax, &task), next = 0;

        for (int i = 0; r == 0 && i < TIMERS; i++) {
                int place = (int) ((long) i * 7919 % TIMERS);

                due[place] = start + (uint64_t) place * TIMER_SPACING_USEC * 1000u;
                r = ax_timer_set(ax, ((double) due[place] - (double) now_nsec()) / 1e6, task, NULL);
        }
        while (r >= 0 && next < TIMERS) {
                r = ax_task_wait(ax, task, -1);
                for (now = now_nsec(); next < TIMERS && due[next] <= now; next++)
                        late[next] = (double) (now - due[next]) / 1e3;
        }
        ax_task_destroy(ax, task);
        return r < 0 ? r : 0;
}

static void measure_sleep(double *late) {
        uint64_t start = now_nsec() + 1000000;

        for (int i = 0; i < TIMERS; i++) {
                uint64_t due = start + (uint64_t) i * TIMER_SPACING_USEC * 1000u;
                struct timespec until = { .tv_sec = (time_t) (due / 1000000000u),
                                          .tv_nsec = (long) (due % 1000000000u) };

                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
                late[i] = (double) (now_nsec() - due) / 1e3;
        }
}

int bench_timer_lateness(struct bench_context *context) {
        static double late[TIMERS];
        int r = measure_timers(context->ax, late);

        if (r < 0)
                return r;
        printf("\n| lateness of %d timers, µs | median | 90 %% | 99 %% | most |\n|---|--:|--:|--:|--:|\n", TIMERS);
        print_lateness("ax_timer_set and ax_task_wait", late);
        measure_sleep(late);
        print_lateness("clock_nanosleep", late);
        return 0;
}
