/* SPDX-License-Identifier: MIT */
/*
 * axbench: what a call costs, beside what it can cost at best.
 *
 * It starts a daemon of its own with an ephemeral store and a mount, in a temporary directory and,
 * as root, in a mount namespace of its own. Every round runs every case once, so that a disturbance
 * of the machine meets all of them; a case's figure is the median of its rounds. How often an
 * operation is repeated in a round follows from how long it takes. Who takes part runs on one CPU,
 * or on two if a case says so.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cases.h"
#include "daemon.h"
#include "memory.h"
#include "place.h"
#include "processes.h"
#include "sweep.h"
#include "tracing.h"

enum { MAX_CASES = 64, MAX_ROUNDS = 99, MAX_REPEATS = 2000000 };

struct options {
        const char *json;
        unsigned rounds, milliseconds;
        bool no_mount, no_timers;
};

struct figure {
        unsigned repeats;
        double samples[MAX_ROUNDS]; /* microseconds for one operation */
        double median;
};

/* ---- preparing ------------------------------------------------------------------------------- */

static bool is_tmpfs(const char *path) {
        struct statfs status;

        return statfs(path, &status) == 0 && status.f_type == 0x01021994;
}

/* A directory on tmpfs: a fresh one as root, else one in /dev/shm. */
static int prepare_tmpfs(struct bench_context *context, const struct daemon *daemon) {
        if (geteuid() == 0) {
                snprintf(context->tmpfs, sizeof(context->tmpfs), "%s/tmpfs", daemon->directory);
                if (mkdir(context->tmpfs, 0755) < 0 || mount("axbench", context->tmpfs, "tmpfs", 0, NULL) < 0)
                        return -errno;
                return 0;
        }
        snprintf(context->tmpfs, sizeof(context->tmpfs), "/dev/shm/axbench-XXXXXX");
        if (!is_tmpfs("/dev/shm") || !mkdtemp(context->tmpfs))
                return -ENOTSUP;
        return 0;
}

static int prepare_file(struct bench_context *context, const char *directory) {
        char path[160];
        int fd;

        snprintf(path, sizeof(path), "%s/bench", directory);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        for (off_t at = 0; at < BENCH_FILE_SIZE; at += BENCH_SEQUENTIAL)
                if (pwrite(fd, context->buffer, BENCH_SEQUENTIAL, at) != BENCH_SEQUENTIAL) {
                        close(fd);
                        return -EIO;
                }
        return fd;
}

static int prepare_library(struct bench_context *context, const struct daemon *daemon) {
        int r = ax_connect(&context->ax, daemon->socket);

        if (r < 0)
                return r;
        context->ax_fd = ax_open(context->ax, "/tmp/bench", AX_WRITE | AX_O_READ);
        if (context->ax_fd < 0)
                return context->ax_fd;
        for (int64_t at = 0; at < BENCH_FILE_SIZE; at += BENCH_SEQUENTIAL)
                if (ax_pwrite(context->ax, context->ax_fd, context->buffer, BENCH_SEQUENTIAL, at) != BENCH_SEQUENTIAL)
                        return -EIO;
        return 0;
}

static int prepare(struct bench_context *context, const struct daemon *daemon, struct place *place) {
        pid_t pong;
        int r;

        *context = (struct bench_context){ .ax_fd = -1, .ping_fd = -1, .tmpfs_fd = -1, .mount_fd = -1, .random = 1 };
        context->buffer = aligned_alloc(4096, BENCH_SEQUENTIAL);
        if (!context->buffer)
                return -ENOMEM;
        memset(context->buffer, 'x', BENCH_SEQUENTIAL);
        context->ping_fd = bench_start_pong(&pong);
        if (context->ping_fd < 0)
                return context->ping_fd;
        place_init(place);
        place_add(place, pong);
        place_add(place, daemon->pid);
        r = prepare_library(context, daemon);
        if (r == 0)
                r = bench_prepare_memory(context);
        if (r == 0)
                r = bench_start_pipes(context, daemon->socket, place);
        if (r == 0)
                r = bench_start_busy(daemon->socket, place);
        if (r == 0)
                r = prepare_tmpfs(context, daemon);
        if (r < 0)
                return r;
        context->tmpfs_fd = prepare_file(context, context->tmpfs);
        if (context->tmpfs_fd < 0)
                return context->tmpfs_fd;
        if (!daemon->mounted)
                return 0;
        snprintf(context->mount, sizeof(context->mount), "%s/tmp", daemon->mount);
        context->mount_fd = prepare_file(context, context->mount);
        return context->mount_fd < 0 ? context->mount_fd : 0;
}

static void finish(struct bench_context *context) {
        const int fds[] = { context->ping_fd, context->tmpfs_fd, context->mount_fd };

        for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        ax_disconnect(context->ax);
        free(context->buffer);
        if (context->tmpfs[0])
                sweep_tree(context->tmpfs);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static int run_timed(struct bench_context *context, const struct bench_case *bench, unsigned n, double *ret_usec) {
        double begin = now_ms();
        int r = bench->run(context, n);

        *ret_usec = (now_ms() - begin) * 1e3 / n;
        if (r < 0)
                fprintf(stderr, "axbench: %s: %s\n", bench->name, strerror(ax_errno(r)));
        return r;
}

/* How many repeats fill a round; also warms up what the case touches. */
static int calibrate(struct bench_context *context, const struct bench_case *bench, double milliseconds,
                     unsigned *ret) {
        double usec = 0;
        unsigned n = 8;

        for (;;) {
                int r = run_timed(context, bench, n, &usec);

                if (r < 0)
                        return r;
                if (usec * n >= milliseconds * 200 || n >= MAX_REPEATS / 4)
                        break;
                n *= 4;
        }
        *ret = (unsigned) fmin(fmax(milliseconds * 1e3 / usec, 4), MAX_REPEATS);
        return 0;
}

static int compare_doubles(const void *a, const void *b) {
        const double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double median(const double *samples, unsigned n) {
        double sorted[MAX_ROUNDS];

        memcpy(sorted, samples, n * sizeof(*samples));
        qsort(sorted, n, sizeof(*sorted), compare_doubles);
        return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Whether a case can run here; puts everybody in place for it. */
static bool prepare_case(const struct bench_context *context, const struct bench_case *bench, struct place *place) {
        return (!bench->needs_mount || context->mount_fd >= 0) && place_move(place, bench->place);
}

static int measure(struct bench_context *context, struct place *place, struct figure *figures,
                   const struct options *options) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_bench_cases; i++)
                if (prepare_case(context, &bench_cases[i], place))
                        r = calibrate(context, &bench_cases[i], options->milliseconds, &figures[i].repeats);
        for (unsigned round = 0; r == 0 && round < options->rounds; round++)
                for (size_t i = 0; r == 0 && i < n_bench_cases; i++)
                        if (prepare_case(context, &bench_cases[i], place))
                                r = run_timed(context, &bench_cases[i], figures[i].repeats, &figures[i].samples[round]);
        for (size_t i = 0; r == 0 && i < n_bench_cases; i++)
                figures[i].median = median(figures[i].samples, options->rounds);
        return r;
}

/* ---- telling --------------------------------------------------------------------------------- */

static double limit_of(const struct bench_case *bench, const struct figure *figures) {
        for (size_t i = 0; i < n_bench_cases; i++)
                if (bench->limit && strcmp(bench_cases[i].name, bench->limit) == 0)
                        return figures[i].median;
        return 0;
}

static int digits(double usec) {
        return usec < 1 ? 3 : 2;
}

static void print_table(const struct bench_context *context, const struct figure *figures) {
        printf("| operation | µs | MB/s | limit | µs | ratio |\n|---|--:|--:|---|--:|--:|\n");
        for (size_t i = 0; i < n_bench_cases; i++) {
                const struct bench_case *bench = &bench_cases[i];
                double limit = limit_of(bench, figures);
                char rate[32] = "";

                if (figures[i].repeats == 0)
                        continue;
                if (bench->bytes > 0)
                        snprintf(rate, sizeof(rate), "%.0f", (double) bench->bytes / figures[i].median);
                printf("| %s | %.*f | %s |", bench->name, digits(figures[i].median), figures[i].median, rate);
                if (limit > 0)
                        printf(" %s | %.*f | %.2f |\n", bench->limit, digits(limit), limit, figures[i].median / limit);
                else
                        printf(" | | |\n");
        }
        if (context->mount_fd < 0)
                printf("\nwithout a mount (which needs root and /dev/fuse)\n");
}

static int write_json(const char *path, const struct figure *figures, const struct options *options) {
        FILE *file = fopen(path, "we");
        struct utsname host;
        bool first = true;

        if (!file)
                return -errno;
        uname(&host);
        fprintf(file, "{\n  \"version\": \"%s\",\n  \"kernel\": \"%s\",\n  \"rounds\": %u,\n  \"benchmarks\": [",
                AXEBERG_VERSION, host.release, options->rounds);
        for (size_t i = 0; i < n_bench_cases; i++) {
                const struct bench_case *bench = &bench_cases[i];
                double limit = limit_of(bench, figures);

                if (figures[i].repeats == 0)
                        continue;
                fprintf(file, "%s\n    { \"name\": \"%s\", \"usec\": %.3f, \"repeats\": %u, \"bytes\": %zu",
                        first ? "" : ",", bench->name, figures[i].median, figures[i].repeats, bench->bytes);
                if (limit > 0)
                        fprintf(file, ", \"limit\": \"%s\", \"limit_usec\": %.3f, \"ratio\": %.3f", bench->limit, limit,
                                figures[i].median / limit);
                fprintf(file, " }");
                first = false;
        }
        fprintf(file, "\n  ]\n}\n");
        return fclose(file) < 0 ? -errno : 0;
}

/* ---- main ------------------------------------------------------------------------------------ */

static const struct argp_option argp_options[] = {
        { "json", 'j', "FILE", 0, "Write the figures to FILE as JSON, too", 0 },
        { "rounds", 'r', "N", 0, "Rounds, of which the median counts (default 45)", 0 },
        { "no-mount", 'n', NULL, 0, "Leave the mount out", 0 },
        { "no-timers", 't', NULL, 0, "Leave the lateness of timers out", 0 },
        { "milliseconds", 'm', "N", 0, "How long a case runs in one round (default 20)", 0 },
        { 0 },
};

static bool parse_number(const char *text, unsigned most, unsigned *ret) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        *ret = (unsigned) number;
        return end != text && !*end && number > 0 && number <= most;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
        struct options *options = state->input;

        switch (key) {
        case 'j':
                options->json = argument;
                return 0;
        case 'r':
                if (!parse_number(argument, MAX_ROUNDS, &options->rounds))
                        argp_error(state, "rounds are a number from 1 to %d", MAX_ROUNDS);
                return 0;
        case 'n':
                options->no_mount = true;
                return 0;
        case 't':
                options->no_timers = true;
                return 0;
        case 'm':
                if (!parse_number(argument, 10000, &options->milliseconds))
                        argp_error(state, "milliseconds are a number from 1 to 10000");
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static const struct argp argp = { .options = argp_options,
                                  .parser = parse_option,
                                  .doc = "Measure axeberg's calls and its mount beside their limits." };

static int run(const struct daemon *daemon, const struct options *options) {
        static struct figure figures[MAX_CASES];
        struct bench_context context;
        struct place place;
        int r = prepare(&context, daemon, &place);

        if (r < 0)
                fprintf(stderr, "axbench: cannot prepare: %s\n", strerror(ax_errno(r)));
        if (r == 0)
                r = measure(&context, &place, figures, options);
        if (r == 0)
                print_table(&context, figures);
        if (r == 0 && !options->no_timers)
                r = bench_timer_lateness(&context);
        if (r == 0 && options->json) {
                r = write_json(options->json, figures, options);
                if (r < 0)
                        fprintf(stderr, "axbench: cannot write %s: %s\n", options->json, strerror(-r));
        }
        finish(&context);
        return r;
}

int main(int argc, char **argv) {
        struct options options = { .rounds = 45, .milliseconds = 20 };
        struct daemon_options daemon_options = { 0 };
        struct daemon daemon;
        int r, status;

        argp_parse(&argp, argc, argv, 0, NULL, &options);
        if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0)
                (void) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        daemon_options.mount = !options.no_mount && geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0;
        r = daemon_start(&daemon, &daemon_options);
        if (r < 0) {
                fprintf(stderr, "axbench: axebergd does not start: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        r = run(&daemon, &options);
        status = daemon_stop(&daemon);
        if (status != 0)
                fprintf(stderr, "axbench: axebergd ended badly (%d)\n", status);
        daemon_remove(&daemon);
        return r == 0 && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
