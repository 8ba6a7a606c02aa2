/* SPDX-License-Identifier: MIT */
/*
 * fairness: what an innocent user's calls cost while another does whatever his quotas allow.
 *
 * The innocent makes a small call every two milliseconds. He is measured beside nobody, beside one
 * busy well-behaved client – one connection, one call after another – before and after each attack,
 * and beside the attack; the attacks are the loads of tests/attacks/loads.c. Each is a user of its
 * own. Everything is done twice: once with the daemon alone on one CPU and the innocent before all
 * others on the other, so that what is measured is the daemon and not the host's scheduler, and
 * once as the host's scheduler places them.
 */
#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "loads.h"

enum { ATTACKER = 1000, INNOCENT = 1001, BUSY = 1002, MAX_GROUPS = 65536, FIRST_GROUP = 100000 };
enum { MAX_SAMPLES = 16384, PAUSE_USEC = 2000, READY_LIMIT_MS = 120000, SKIPPED = 77 };
enum { CPU_CLIENTS = 0, CPU_DAEMON = 1 };
enum { DAEMON_NICE = -5, REALTIME_INNOCENT = 1, GOAL_MEDIAN = 3, GOAL_SLOW = 10 };
enum call { CALL_GETPPID, CALL_STAT, CALL_READ, CALLS };

static const char *const call_names[CALLS] = { "getppid", "stat", "read" };

struct samples {
        unsigned n[CALLS];
        float usec[CALLS][MAX_SAMPLES];
};

struct figures {
        double median[CALLS], slow[CALLS]; /* microseconds; slow: 99 % are faster */
};

struct result {
        struct figures attack, busy;
        bool failed;
};

struct bench {
        struct daemon daemon;
        struct load_counts *counts;       /* shared with the load */
        struct samples *samples;          /* shared with the innocent */
        struct samples before, after, at; /* copies */
        double seconds;
        const char *only;
        bool ephemeral, placed;
};

#define DIRECTORY "/attack"
#define INNOCENT_FILE DIRECTORY "/innocent"

/* ---- users ----------------------------------------------------------------------------------- */

static int become(uid_t uid, bool many_groups) {
        static gid_t groups[MAX_GROUPS];
        size_t n = many_groups ? MAX_GROUPS : 0;

        for (size_t i = 0; i < n; i++)
                groups[i] = (gid_t) (FIRST_GROUP + i);
        if (setgroups(n, groups) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                return -errno;
        return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

/* Anybody may run on any, if there is one only. */
static void take_cpu(unsigned cpu) {
        cpu_set_t cpus;

        CPU_ZERO(&cpus);
        CPU_SET(cpu, &cpus);
        (void) sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* A process of a user, in a group of its own; ended by end_user(). */
static pid_t start_user(struct bench *bench, uid_t uid, const struct load *load,
                        int (*run)(struct bench *bench, const struct load *load)) {
        const struct sched_param realtime = { .sched_priority = REALTIME_INNOCENT };
        pid_t pid = fork();
        int r;

        if (pid != 0) {
                if (pid > 0)
                        (void) setpgid(pid, pid);
                return pid < 0 ? -errno : pid;
        }
        (void) setpgid(0, 0);
        if (bench->placed)
                take_cpu(CPU_CLIENTS);
        if (bench->placed && uid == INNOCENT)
                (void) sched_setscheduler(0, SCHED_FIFO, &realtime);
        r = become(uid, load && load->many_groups);
        if (r == 0)
                r = run(bench, load);
        if (r < 0)
                fprintf(stderr, "fairness: %s: %s\n", load ? load->name : "uid", strerror(r < 0 ? -r : 0));
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void end_user(pid_t pid) {
        if (pid <= 1) /* it did not start, and there are numbers that mean others */
                return;
        kill(-pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
}

static int run_load(struct bench *bench, const struct load *load) {
        const struct load_place place = { .socket_path = bench->daemon.socket,
                                          .directory = DIRECTORY,
                                          .counts = bench->counts };

        flood_raise_limit();
        return load->run(&place);
}

static int run_busy(struct bench *bench, const struct load *load) {
        int fd = flood_connect(bench->daemon.socket), r = fd < 0 ? fd : 0;
        struct wire_frame reply;

        (void) load;
        for (uint32_t serial = 2; r >= 0; serial++)
                r = wire_call(fd, serial, AX_METHOD(getppid), NULL, &reply);
        return r;
}

/* ---- the innocent ---------------------------------------------------------------------------- */

static int open_own_file(struct flood_connection *connection) {
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        Axeberg__WriteRequest write = AXEBERG__WRITE_REQUEST__INIT;
        struct wire_frame reply;
        int r;

        open.path = INNOCENT_FILE;
        open.flags = 1 | 2 | 4; /* read, write, create */
        write.fd = flood_call(connection, "Open", &open.base);
        if (write.fd < 0)
                return write.fd;
        r = wire_send_trailer(connection->fd, ++connection->serial, AX_METHOD(write), &write.base, "innocent", 8);
        if (r == 0)
                r = wire_receive(connection->fd, &reply, -1);
        return r < 0 ? r : write.fd;
}

static int make_call(struct flood_connection *connection, enum call call) {
        Axeberg__PathRequest stat = AXEBERG__PATH_REQUEST__INIT;
        Axeberg__PreadRequest read = AXEBERG__PREAD_REQUEST__INIT;

        stat.path = INNOCENT_FILE;
        read.fd = connection->object;
        read.size = 8;
        switch (call) {
        case CALL_GETPPID:
                return flood_call(connection, "Getppid", NULL);
        case CALL_STAT:
                return flood_call(connection, "Stat", &stat.base);
        default:
                return flood_call(connection, "Pread", &read.base);
        }
}

static int run_innocent(struct bench *bench, const struct load *load) {
        struct flood_connection connection = { .fd = flood_connect(bench->daemon.socket), .serial = 1 };
        struct samples *samples = bench->samples;
        double end = now_ms() + bench->seconds * 1e3;

        (void) load;
        if (connection.fd < 0)
                return connection.fd;
        connection.object = open_own_file(&connection);
        if (connection.object < 0)
                return connection.object;
        for (unsigned i = 0; now_ms() < end || i < CALLS; i++) {
                enum call call = i % CALLS;
                double begin = now_ms();
                int r = make_call(&connection, call);

                if (r < 0)
                        return r;
                if (samples->n[call] < MAX_SAMPLES)
                        samples->usec[call][samples->n[call]++] = (float) ((now_ms() - begin) * 1e3);
                usleep(PAUSE_USEC);
        }
        return 0;
}

static int measure(struct bench *bench, struct samples *ret) {
        int status;
        pid_t pid;

        memset(bench->samples, 0, sizeof(*bench->samples));
        pid = start_user(bench, INNOCENT, NULL, run_innocent);
        if (pid < 0)
                return pid;
        if (waitpid(pid, &status, 0) < 0)
                return -errno;
        *ret = *bench->samples;
        return status == 0 ? 0 : -EIO;
}

/* ---- figures --------------------------------------------------------------------------------- */

static int compare_floats(const void *a, const void *b) {
        const float x = *(const float *) a, y = *(const float *) b;

        return (x > y) - (x < y);
}

/* Of both together; @second may be NULL. */
static void summarise(const struct samples *first, const struct samples *second, struct figures *ret) {
        static float all[2 * MAX_SAMPLES];

        for (int call = 0; call < CALLS; call++) {
                unsigned n = first->n[call];

                memcpy(all, first->usec[call], n * sizeof(*all));
                if (second) {
                        memcpy(all + n, second->usec[call], second->n[call] * sizeof(*all));
                        n += second->n[call];
                }
                qsort(all, n, sizeof(*all), compare_floats);
                ret->median[call] = n > 0 ? (double) all[n / 2] : 0;
                ret->slow[call] = n > 0 ? (double) all[(size_t) n * 99 / 100] : 0;
        }
}

/* ---- one after the other --------------------------------------------------------------------- */

static void pause_ms(unsigned ms) {
        usleep(ms * 1000);
}

static int measure_beside_busy(struct bench *bench, struct samples *ret) {
        pid_t busy = start_user(bench, BUSY, NULL, run_busy);
        int r;

        if (busy < 0)
                return busy;
        pause_ms(20);
        r = measure(bench, ret);
        end_user(busy);
        return r;
}

/* Until the daemon has cleared up after an attack: it uses no more time. */
static void let_it_settle(const struct bench *bench) {
        double limit = now_ms() + READY_LIMIT_MS, used;

        do {
                used = daemon_cpu_ms(&bench->daemon);
                pause_ms(100);
        } while (daemon_cpu_ms(&bench->daemon) - used > 5 && now_ms() < limit);
}

static int wait_until_ready(const struct bench *bench, pid_t pid) {
        double limit = now_ms() + READY_LIMIT_MS;

        while (!atomic_load(&bench->counts->ready)) {
                if (waitpid(pid, NULL, WNOHANG) != 0)
                        return -ECHILD;
                if (now_ms() > limit)
                        return -ETIMEDOUT;
                pause_ms(10);
        }
        return 0;
}

static int measure_beside_attack(struct bench *bench, const struct load *load, struct samples *ret) {
        pid_t pid;
        int r;

        memset(bench->counts, 0, sizeof(*bench->counts));
        pid = start_user(bench, ATTACKER, load, run_load);
        if (pid < 0)
                return pid;
        r = wait_until_ready(bench, pid);
        if (r == 0) {
                pause_ms(200);
                r = measure(bench, ret);
        }
        if (r != -ECHILD)
                end_user(pid);
        let_it_settle(bench);
        return r;
}

static bool is_wanted(const struct bench *bench, const struct load *load) {
        return !bench->only || strcmp(bench->only, load->name) == 0;
}

/* The figures of an attack beside those of the busy client before and after it. */
static int measure_all(struct bench *bench, struct figures *idle, struct result *results) {
        int r = measure(bench, &bench->at);

        summarise(&bench->at, NULL, idle);
        if (r == 0)
                r = measure_beside_busy(bench, &bench->before);
        for (size_t i = 0; r == 0 && i < n_loads; i++) {
                if (!is_wanted(bench, &loads[i]))
                        continue;
                fprintf(stderr, "%s\n", loads[i].name);
                results[i].failed = measure_beside_attack(bench, &loads[i], &bench->at) < 0;
                r = measure_beside_busy(bench, &bench->after);
                if (r < 0) { /* an attack that lasts longer than the attacker */
                        let_it_settle(bench);
                        r = measure_beside_busy(bench, &bench->after);
                }
                summarise(&bench->at, NULL, &results[i].attack);
                summarise(&bench->before, &bench->after, &results[i].busy);
                bench->before = bench->after;
        }
        return r;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void print_row(const char *name, const struct result *result, int call) {
        double median = result->attack.median[call] / result->busy.median[call];
        double slow = result->attack.slow[call] / result->busy.slow[call];

        printf("| %s | %s | %.0f | %.0f | %.0f | %.0f | %s%.1f%s | %s%.1f%s |\n", name, call_names[call],
               result->busy.median[call], result->busy.slow[call], result->attack.median[call],
               result->attack.slow[call], median > GOAL_MEDIAN ? "**" : "", median, median > GOAL_MEDIAN ? "**" : "",
               slow > GOAL_SLOW ? "**" : "", slow, slow > GOAL_SLOW ? "**" : "");
}

static void print_table(const struct bench *bench, const struct figures *idle, const struct result *results) {
        printf("\n%s, on %s store\n\n",
               bench->placed ? "The daemon alone on one CPU, everybody else on the other, the innocent before the rest"
                             : "As the host places them",
               bench->ephemeral ? "an ephemeral" : "a durable");
        printf("| beside | call | busy client: median, µs | 99 %% | attack: median, µs | 99 %% | median, × | 99 %%, × |\n"
               "|---|---|--:|--:|--:|--:|--:|--:|\n");
        for (int call = 0; call < CALLS; call++)
                printf("| nobody | %s | | | %.0f | %.0f | | |\n", call_names[call], idle->median[call],
                       idle->slow[call]);
        for (size_t i = 0; i < n_loads; i++)
                for (int call = 0; is_wanted(bench, &loads[i]) && call < CALLS; call++) {
                        const char *name = call == 0 ? loads[i].summary : "";

                        if (results[i].failed)
                                printf("| %s | %s | | | failed | | | |\n", name, call_names[call]);
                        else
                                print_row(name, &results[i], call);
                }
        fflush(stdout);
}

/* ---- main ------------------------------------------------------------------------------------ */

static const struct argp_option argp_options[] = {
        { "seconds", 's', "N", 0, "How long the innocent is measured beside each (default 4)", 0 },
        { "only", 'o', "NAME", 0, "Only this attack", 0 },
        { "ephemeral", 'e', NULL, 0, "On an ephemeral store; else a durable one", 0 },
        { "list", 'l', NULL, 0, "Print the attacks' names", 0 },
        { 0 },
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
        struct bench *bench = state->input;

        switch (key) {
        case 's':
                bench->seconds = strtod(argument, NULL);
                if (!(bench->seconds > 0) || bench->seconds > 3600)
                        argp_error(state, "seconds are a number up to 3600");
                return 0;
        case 'o':
                bench->only = argument;
                if (!load_from_name(argument))
                        argp_error(state, "%s: no such attack", argument);
                return 0;
        case 'e':
                bench->ephemeral = true;
                return 0;
        case 'l':
                for (size_t i = 0; i < n_loads; i++)
                        printf("%-12s %s\n", loads[i].name, loads[i].summary);
                exit(EXIT_SUCCESS);
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static const struct argp argp = { .options = argp_options,
                                  .parser = parse_option,
                                  .doc = "Measure an innocent user's calls beside attacks of another." };

/* A directory of the namespace for everybody. */
static int make_directory(const struct bench *bench) {
        struct flood_connection connection = { .fd = flood_connect(bench->daemon.socket), .serial = 1 };
        Axeberg__PathRequest mkdir = AXEBERG__PATH_REQUEST__INIT;
        Axeberg__ChmodRequest chmod = AXEBERG__CHMOD_REQUEST__INIT;
        int r;

        if (connection.fd < 0)
                return connection.fd;
        mkdir.path = chmod.path = DIRECTORY;
        chmod.mode = 01777;
        r = flood_call(&connection, "Mkdir", &mkdir.base);
        if (r == 0)
                r = flood_call(&connection, "Chmod", &chmod.base);
        close(connection.fd);
        return r;
}

static void *share(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        return memory == MAP_FAILED ? NULL : memory;
}

/* As axebergd.service has it: what serves everybody does not wait behind what one user runs. */
static int start_daemon(struct bench *bench) {
        struct daemon_options options = { .durable = !bench->ephemeral };
        cpu_set_t all;
        int r;

        (void) sched_getaffinity(0, sizeof(all), &all);
        if (bench->placed)
                take_cpu(CPU_DAEMON);
        (void) setpriority(PRIO_PROCESS, 0, DAEMON_NICE);
        r = daemon_start(&bench->daemon, &options);
        (void) setpriority(PRIO_PROCESS, 0, 0);
        (void) sched_setaffinity(0, sizeof(all), &all);
        return r;
}

static int run_table(struct bench *bench, struct figures *idle, struct result *results) {
        int r = start_daemon(bench), status;

        if (r < 0) {
                fprintf(stderr, "fairness: axebergd does not start: %s\n", strerror(-r));
                return r;
        }
        r = make_directory(bench);
        if (r == 0)
                r = measure_all(bench, idle, results);
        if (r == 0)
                print_table(bench, idle, results);
        status = daemon_stop(&bench->daemon);
        if (status != 0)
                fprintf(stderr, "fairness: axebergd ended badly (%d)\n", status);
        daemon_remove(&bench->daemon);
        return r == 0 && status != 0 ? -EPROTO : r;
}

static int run(struct bench *bench) {
        struct result *results = calloc(n_loads, sizeof(*results));
        struct figures idle;
        int r = 0;

        bench->counts = share(sizeof(*bench->counts));
        bench->samples = share(sizeof(*bench->samples));
        if (!results || !bench->counts || !bench->samples)
                r = -ENOMEM;
        for (int placed = 1; r == 0 && placed >= 0; placed--) {
                bench->placed = placed;
                r = run_table(bench, &idle, results);
        }
        free(results);
        return r;
}

int main(int argc, char **argv) {
        static struct bench bench = { .seconds = 4 };
        int r;

        argp_parse(&argp, argc, argv, 0, NULL, &bench);
        if (geteuid() != 0) {
                fprintf(stderr, "fairness: needs root, to be several users\n");
                return SKIPPED;
        }
        if (unshare(CLONE_NEWNS) == 0)
                (void) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        flood_raise_limit(); /* the daemon's, too */
        r = run(&bench);
        if (r < 0)
                fprintf(stderr, "fairness: %s\n", strerror(-r));
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
