/* SPDX-License-Identifier: MIT */
#include "system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if __has_include("loop.h")
#include "loop.h"
#endif
#include "process/lifecycle.h"
#include "process/tracing.h"
#include "sandbox.h"
#include "screens.h"
#include "synthetic/trees.h"
#include "util/log.h"
#include "util/remove_tree.h"
#include "util/workers.h"
#include "vfs/store.h"

enum { REST_LIMIT_S = 20, MAX_USERS = 8 };

struct system the_system;

/* Small enough that no input can make the machine suffer. */
static const char *const usual_settings[] = {
        "Ephemeral",     "yes", "Bus",           "no",  "Workers",      "1",
        "SystemMemory",  "32M", "MemoryPerUser", "16M", "PipesPerUser", "64",
        "TimersPerUser", "64",  "TraceEvents",   "64",  NULL,
};

#if __has_include("loop.h")
static struct loop loop;

static void prepare_loop(void) {
        loop_init(&loop, the_system.event, &the_system.kernel.users.lanes, the_system.kernel.workers,
                  &the_system.kernel.ticks);
}

int system_turn(uint64_t timeout_usec) {
        return loop_step(&loop, timeout_usec);
}
#else
static void prepare_loop(void) {}

int system_turn(uint64_t timeout_usec) {
        return sd_event_run(the_system.event, timeout_usec);
}
#endif

static void apply(const char *const *settings) {
        for (; settings && *settings; settings += 2)
                must(config_set(&the_system.config, settings[0], settings[1]) == 0);
}

static void list_files(void) {
        char path[64], target[256];

        for (int fd = 0; fd < 1024; fd++) {
                ssize_t n;

                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                n = readlink(path, target, sizeof(target));
                if (n > 0)
                        fprintf(stderr, "%d -> %.*s\n", fd, (int) n, target);
        }
}

static void sum_charges(uint64_t sums[static USER_RESOURCES]) {
        const struct user *user, *next;

        for (unsigned i = 0; i < USER_RESOURCES; i++)
                sums[i] = 0;
        HASH_ITER (hh, the_system.kernel.users.users, user, next) {
                for (unsigned i = 0; i < USER_RESOURCES; i++)
                        sums[i] += user->charged[i];
        }
}

void system_start(const char *const *settings) {
        struct system *system = &the_system;
        char socket_path[PATH_MAX];
        sigset_t signals;

        log_set_level(LOG_EMERG);
        sigemptyset(&signals);
        sigaddset(&signals, SIGCHLD);
        must(sigprocmask(SIG_BLOCK, &signals, NULL) == 0); /* the event loop takes it */
        setenv("XDG_RUNTIME_DIR", sandbox_directory(), 1);
        must(config_init(&system->config) == 0);
        snprintf(socket_path, sizeof(socket_path), "%s/socket", sandbox_directory());
        must(config_set(&system->config, "Socket", socket_path) == 0);
        apply(usual_settings);
        apply(settings);
        must(sd_event_new(&system->event) >= 0);
        must(kernel_init(&system->kernel, &system->config, system->event) == 0);
        trees_mount(&system->kernel);
        server_init(&system->server, &system->kernel);
        must(server_listen(&system->server, system->config.socket_path, -1) == 0);
        prepare_loop();
        close(system_connect(0)); /* what is made once is made now */
        system_settle();
        sum_charges(system->charges);
}

/* Anew for each input: libFuzzer and the sanitizers open something now and then. */
void system_begin(void) {
        sandbox_keep_hanging();
        the_system.files = sandbox_count_files();
}

/* The calling thread only; what connects is asked of the kernel, and is the effective user. */
static void become(uid_t uid) {
        if (!sandbox_is_root())
                return;
        if (uid == 0)
                must(syscall(SYS_setresuid, -1, 0, -1) == 0);
        if (syscall(SYS_setresgid, -1, uid, -1) != 0)
                return; /* there are no other users in this sandbox */
        if (uid != 0)
                (void) !syscall(SYS_setresuid, -1, uid, -1);
}

int system_connect(uid_t uid) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        must(fd >= 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", the_system.config.socket_path);
        become(uid);
        must(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        become(0);
        return fd;
}

/* A job that comes back behind all that were there before it. */
struct barrier {
        struct job job; /* first */
        bool passed;
};

static void barrier_run(struct job *job) {
        (void) job;
}

static void barrier_done(struct job *job) {
        ((struct barrier *) job)->passed = true;
}

static void pass_barrier(struct user *user) {
        struct barrier barrier = { .job = { .run = barrier_run, .done = barrier_done, .user = user } };

        must(workers_submit(the_system.kernel.workers, &barrier.job) == 0);
        while (!barrier.passed)
                must(system_turn(UINT64_MAX) >= 0);
}

/* Users have queues of their own. */
static void pass_barriers(void) {
        struct user *users[MAX_USERS], *user, *next;
        unsigned n = 0;

        HASH_ITER (hh, the_system.kernel.users.users, user, next) {
                if (n < MAX_USERS)
                        users[n++] = user_ref(user);
        }
        pass_barrier(NULL);
        for (unsigned i = 0; i < n; i++) {
                pass_barrier(users[i]);
                user_unref(users[i]);
        }
}

static double cpu_seconds(void) {
        struct timespec now;

        must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
        return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/*
 * Turns do nothing while a lane rests after a step that took long, perhaps only because the host
 * let others run meanwhile, and interval timers come due again. So a loop is restless by the time
 * it takes.
 */
static void check_rest(unsigned turns, double begin) {
        if (turns % 1024 == 0 && cpu_seconds() - begin > REST_LIMIT_S)
                finding("the event loop does not come to rest");
}

unsigned system_run(void) {
        double begin = cpu_seconds();
        unsigned turns = 0;
        int r;

        do {
                while ((r = system_turn(0)) > 0)
                        check_rest(++turns, begin);
                must(r == 0);
        } while (screens_serve());
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* acting as others has taken it away */
        return turns;
}

/*
 * A job that comes back may have another one done, as a walk that leads from one tree to the next.
 */
void system_settle(void) {
        for (unsigned quiet = 0; quiet < 2; quiet++) {
                pass_barriers();
                if (system_run() > 0)
                        quiet = 0;
        }
}

static bool is_kept(const char *name) {
        static const char *const kept[] = { ".", "..", "tmp", "dev", "proc" };

        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
                if (strcmp(name, kept[i]) == 0)
                        return true;
        return false;
}

static void remove_entry(int directory, const char *name) {
        int fd;

        if (unlinkat(directory, name, 0) == 0)
                return;
        must(fchmodat(directory, name, 0755, 0) == 0);
        fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        must(fd >= 0 && remove_tree(fd) == 0);
        close(fd);
        must(unlinkat(directory, name, AT_REMOVEDIR) == 0);
}

/*
 * As the daemon makes them, see vfs_init(). What is mounted on stays: it is empty, and may be a
 * mount point of the host, too.
 */
static void refill_root(int root) {
        struct dirent *entry;
        DIR *directory;

        must(fchmod(root, 0755) == 0);
        directory = fdopendir(openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        must(directory != NULL);
        while ((entry = readdir(directory)))
                if (!is_kept(entry->d_name))
                        remove_entry(root, entry->d_name);
        closedir(directory);
        must(mkdirat(root, "home", 0755) == 0);
        must(mkdirat(root, "home/user", 01777) == 0 && fchmodat(root, "home/user", 01777, 0) == 0);
}

static void empty_store(const struct store *store) {
        int fd;

        must(fchmod(store->root_fd, 01777) == 0);
        fd = openat(store->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(fd >= 0 && remove_tree(fd) == 0);
        close(fd);
}

static void empty_stores(void) {
        const struct vfs *vfs = &the_system.kernel.vfs;

        for (size_t i = 1; i < vfs->n_mounts; i++)
                if (vfs->mounts[i].store)
                        empty_store(vfs->mounts[i].store);
        refill_root(vfs->mounts[0].store->root_fd);
}

static void check_charges(void) {
        uint64_t sums[USER_RESOURCES];

        sum_charges(sums);
        for (unsigned i = 0; i < USER_RESOURCES; i++)
                if (sums[i] != the_system.charges[i])
                        finding("users are charged %llu of resource %u, not %llu", (unsigned long long) sums[i], i,
                                (unsigned long long) the_system.charges[i]);
}

static void check_emptiness(void) {
        const struct kernel *kernel = &the_system.kernel;
        unsigned files;

        if (kernel->n_sessions > 0)
                finding("%u sessions are left", kernel->n_sessions);
        if (kernel->processes.count > 1)
                finding("%u processes are left", kernel->processes.count - 1);
        if (kernel->windows.windows || kernel->fifos || kernel->memory.segments || kernel->processes.tasks ||
            kernel->processes.timers)
                finding("objects are left: windows %p, FIFOs %p, segments %p, tasks %p, timers %p",
                        (void *) kernel->windows.windows, (void *) kernel->fifos, (void *) kernel->memory.segments,
                        (void *) kernel->processes.tasks, (void *) kernel->processes.timers);
        check_charges();
        files = sandbox_count_files();
        if (files != the_system.files)
                list_files();
        if (files != the_system.files)
                finding("%u descriptors are open, not %u", files, the_system.files);
}

/* This process is the host program of whoever said Start, and does not end: say so. */
static void end_host_programs(void) {
        struct process *process, *next;

        HASH_ITER (hh, the_system.kernel.processes.processes, process, next) {
                if (process->host.alive) {
                        host_release(&process->host);
                        process_on_host_end(process);
                }
        }
}

void system_reset(void) {
        system_run();
        end_host_programs();
        system_settle();
        tracing_set(&the_system.kernel.processes, false);
        tracing_set_filter(&the_system.kernel.processes, &(struct trace_filter){ 0 });
        kernel_reset_figures(&the_system.kernel);
        check_emptiness();
        empty_stores();
}
