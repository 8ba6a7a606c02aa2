/* SPDX-License-Identifier: MIT */
/*
 * scale: what many clients that do nothing cost, and what a call costs beside them.
 *
 * Two daemons run side by side, one with a single client and one with a crowd, so that calls to
 * both can be timed in turn. For each client of the crowd it tells the daemon's memory, its
 * descriptors and its time while nobody does anything.
 *
 * Whether the daemon sleeps is a matter of behaviour: with --check the program fails if it wakes up
 * or takes more descriptors than promised.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "axeberg.h"
#include "crowd.h"
#include "daemon.h"

enum {
        ROUNDS = 45,
        CALLS = 500,
        CALLS_TO_CHECK = 20,
        MAX_FDS_FOR_EACH = 2,
        OF_THE_LATEST = 4,
        SETTLE_TRIES = 200,
        QUIET_TRIES = 30
};

struct options {
        unsigned clients, idle_seconds;
        bool check;
};

/* What a daemon has and has used, by /proc. */
struct usage {
        long rss, shared; /* bytes */
        long ticks, wakeups;
        size_t descriptors;
};

struct bench {
        struct options options;
        struct daemon alone, crowded;
        ax_client *to_alone, *to_crowded;
        struct crowd crowd;
};

/* ---- looking --------------------------------------------------------------------------------- */

static long read_status(const char *path, const char *name) {
        size_t length = strlen(name);
        long value = 0;
        char line[256];
        FILE *file = fopen(path, "re");

        if (!file)
                return 0;
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, name, length) == 0)
                        value = strtol(line + length, NULL, 10);
        fclose(file);
        return value;
}

static long read_memory(pid_t pid, const char *name) {
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
        return read_status(path, name) * 1024;
}

/* How often its threads went to sleep. */
static long read_wakeups(pid_t pid) {
        const struct dirent *entry;
        DIR *directory;
        char path[96];
        long sum = 0;

        snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);
        directory = opendir(path);
        if (!directory)
                return -errno;
        while ((entry = readdir(directory)))
                if (entry->d_name[0] != '.') {
                        snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int) pid, entry->d_name);
                        sum += read_status(path, "voluntary_ctxt_switches:");
                }
        closedir(directory);
        return sum;
}

/* utime + stime, of all threads. */
static long read_ticks(pid_t pid) {
        unsigned long user = 0, kernel = 0;
        char path[64], line[1024];
        const char *end;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        file = fopen(path, "re");
        if (!file)
                return -errno;
        if (fgets(line, sizeof(line), file) && (end = strrchr(line, ')')))
                (void) sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
        fclose(file);
        return (long) (user + kernel);
}

static int look(const struct daemon *daemon, struct usage *ret) {
        struct daemon_state state;
        int r = daemon_observe(daemon, &state);

        if (r < 0)
                return r;
        ret->descriptors = state.descriptors;
        ret->rss = read_memory(daemon->pid, "VmRSS:");
        ret->shared = read_memory(daemon->pid, "RssShmem:");
        ret->wakeups = read_wakeups(daemon->pid);
        ret->ticks = read_ticks(daemon->pid);
        return 0;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static int time_calls(ax_client *ax, int n, double *ret_usec) {
        double begin = now_ms();

        for (int i = 0; i < n; i++)
                if (ax_getppid(ax) != 1)
                        return -EIO;
        *ret_usec = (now_ms() - begin) * 1e3 / n;
        return 0;
}

static int compare_doubles(const void *a, const void *b) {
        const double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static int measure_calls(const struct bench *bench, const char *where) {
        double alone[ROUNDS], crowded[ROUNDS];
        int r = 0, n = bench->options.check ? CALLS_TO_CHECK : CALLS;

        for (int i = 0; r == 0 && i < ROUNDS; i++) {
                r = time_calls(bench->to_alone, n, &alone[i]);
                if (r == 0)
                        r = time_calls(bench->to_crowded, n, &crowded[i]);
        }
        if (r < 0)
                return r;
        qsort(alone, ROUNDS, sizeof(*alone), compare_doubles);
        qsort(crowded, ROUNDS, sizeof(*crowded), compare_doubles);
        printf("| ax_getppid, %s, µs: single client; beside %u; ratio | %.2f; %.2f; %.2f |\n", where,
               bench->crowd.n_connections, alone[ROUNDS / 2], crowded[ROUNDS / 2],
               crowded[ROUNDS / 2] / alone[ROUNDS / 2]);
        return 0;
}

/* Puts us and both daemons on CPUs. Returns false if there are too few. */
static bool take_cpus(const struct bench *bench, int ours, int theirs) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET((size_t) theirs, &set);
        if (sched_setaffinity(bench->alone.pid, sizeof(set), &set) < 0 ||
            sched_setaffinity(bench->crowded.pid, sizeof(set), &set) < 0)
                return false;
        CPU_ZERO(&set);
        CPU_SET((size_t) ours, &set);
        return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* The daemon tells the service manager once more, two seconds after the last event. */
static int measure_idle(const struct bench *bench) {
        struct usage before = { 0 }, after = { 0 };
        int r;

        r = look(&bench->crowded, &after);
        for (int i = 0, quiet = 0; r == 0 && i < SETTLE_TRIES && quiet < QUIET_TRIES; i++) {
                before = after;
                usleep(100000);
                r = look(&bench->crowded, &after);
                quiet = after.wakeups == before.wakeups ? quiet + 1 : 0;
        }
        if (r < 0)
                return r;
        before = after;
        sleep(bench->options.idle_seconds);
        r = look(&bench->crowded, &after);
        if (r < 0)
                return r;
        printf("| idle for %u s beside %u: ticks, wake-ups | %ld, %ld |\n", bench->options.idle_seconds,
               bench->crowd.n_connections, after.ticks - before.ticks, after.wakeups - before.wakeups);
        if (bench->options.check && after.wakeups != before.wakeups) {
                fprintf(stderr, "scale: the daemon does not sleep while nobody does anything\n");
                return -EPROTO;
        }
        return 0;
}

static int measure_crowd(struct bench *bench) {
        unsigned n = bench->options.clients;
        struct usage before = { 0 }, after = { 0 };
        struct ax_status status;
        double held;
        int r = ax_status(bench->to_crowded, &status);

        if (r == 0)
                r = look(&bench->crowded, &before);
        if (r == 0)
                r = crowd_start(&bench->crowd, n, bench->crowded.socket, crowd_join_axeberg);
        if (r == 0)
                r = look(&bench->crowded, &after);
        if (r < 0)
                return r;
        if (bench->crowd.n_connections == 0)
                return -ECONNREFUSED;
        n = bench->crowd.n_connections;
        held = (double) (after.descriptors - before.descriptors);
        if (n < bench->options.clients)
                printf("| connected, of %u | %u: limits permit no more |\n", bench->options.clients, n);
        printf("| idle clients, in processes | %u, %u |\n", n, bench->crowd.n_processes);
        printf("| memory for each: resident, of which shared, KiB | %.1f, %.1f |\n",
               (double) (after.rss - before.rss) / n / 1024, (double) (after.shared - before.shared) / n / 1024);
        printf("| descriptors for each | %.2f |\n", held / n);
        if (bench->options.check && held > (double) MAX_FDS_FOR_EACH * n + OF_THE_LATEST) {
                fprintf(stderr, "scale: %.0f descriptors for %u clients\n", held, n);
                return -EPROTO;
        }
        return 0;
}

static int measure(struct bench *bench) {
        int r;

        printf("| | |\n|---|--:|\n");
        r = measure_crowd(bench);
        if (r == 0)
                r = measure_idle(bench);
        if (r == 0 && take_cpus(bench, 0, 0))
                r = measure_calls(bench, "one CPU");
        if (r == 0 && take_cpus(bench, 0, 1))
                r = measure_calls(bench, "two CPUs");
        return r;
}

/* ---- main ------------------------------------------------------------------------------------ */

static int run(struct bench *bench) {
        char settings[512];
        struct daemon_options options = { .settings = settings };
        unsigned most = bench->options.clients + 100;
        int r;

        snprintf(settings, sizeof(settings),
                 "ConnectionsPerUser = %u\nProcessesPerUser = %u\nDescriptorsPerUser = %u\n"
                 "HostDescriptorsPerUser = %u\nMappingsPerUser = %u",
                 most, most, 4 * most, 4 * most, 8 * most);
        r = daemon_start(&bench->alone, NULL);
        if (r < 0)
                return r;
        r = daemon_start(&bench->crowded, &options);
        if (r == 0) {
                r = ax_connect(&bench->to_alone, bench->alone.socket);
                if (r == 0)
                        r = ax_connect(&bench->to_crowded, bench->crowded.socket);
                if (r == 0)
                        r = measure(bench);
                crowd_end(&bench->crowd);
                ax_disconnect(bench->to_alone);
                ax_disconnect(bench->to_crowded);
                if (daemon_stop(&bench->crowded) != 0 && r == 0)
                        r = -EPROTO;
                daemon_remove(&bench->crowded);
        }
        if (daemon_stop(&bench->alone) != 0 && r == 0)
                r = -EPROTO;
        daemon_remove(&bench->alone);
        return r;
}

static const struct argp_option argp_options[] = {
        { "clients", 'c', "N", 0, "How many do nothing (default 10000)", 0 },
        { "idle", 'i', "SECONDS", 0, "How long nobody does anything (default 10)", 0 },
        { "check", 'k', NULL, 0, "Fail if the daemon wakes up, or takes too many descriptors", 0 },
        { 0 },
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
        struct options *options = state->input;
        unsigned long number = argument ? strtoul(argument, NULL, 10) : 0;

        switch (key) {
        case 'c':
                options->clients = (unsigned) number;
                if (number < 1 || number > 100000)
                        argp_error(state, "clients are a number from 1 to 100000");
                return 0;
        case 'i':
                options->idle_seconds = (unsigned) number;
                if (number < 1 || number > 3600)
                        argp_error(state, "seconds are a number from 1 to 3600");
                return 0;
        case 'k':
                options->check = true;
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static const struct argp argp = { .options = argp_options,
                                  .parser = parse_option,
                                  .doc = "Measure what idle clients cost, and a call beside them." };

int main(int argc, char **argv) {
        static struct bench bench = { .options = { .clients = 10000, .idle_seconds = 10 } };
        struct rlimit limit;
        int r;

        argp_parse(&argp, argc, argv, 0, NULL, &bench.options);
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) { /* the daemon's, too */
                limit.rlim_cur = limit.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &limit);
        }
        setvbuf(stdout, NULL, _IOLBF, 0);
        r = run(&bench);
        if (r < 0)
                fprintf(stderr, "scale: %s\n", strerror(ax_errno(r)));
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
