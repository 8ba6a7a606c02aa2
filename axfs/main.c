/* SPDX-License-Identifier: MIT */
/*
 * main.c - axfs: the daemon's namespace as a filesystem of the host
 *
 * Order: command line, daemonise (a connection and threads do not survive fork), connect and fetch
 * the mount table, mount, start the threads, serve.
 *
 * The parent of a daemonised axfs waits for one byte, written when the kernel's first message has
 * come, and returns 0. If the pipe ends without it, the child has said why on stderr, and the
 * parent returns its exit status.
 */
#include "axfs.h"
#include "identity.h"
#include "mountpoint.h"
#include "options.h"
#include "remount.h"
#include "session.h"
#include "streams.h"
#include "util.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

enum { DESCRIPTORS_MIN = 64, DESCRIPTORS_MAX = 4096 };

static int fail(int error, const char *what, const char *subject) {
        fprintf(stderr, "axfs: %s %s: %s\n", what, subject, strerror(-error));
        return EXIT_MOUNT;
}

static unsigned descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return DESCRIPTORS_MIN;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        return limit.rlim_max > INT_MAX ? INT_MAX : (unsigned) limit.rlim_max;
}

/* Open files need descriptors too, so the cache takes only a part. */
static unsigned cache_limit(unsigned descriptors) {
        unsigned part = descriptors / 4;

        return part < DESCRIPTORS_MIN ? DESCRIPTORS_MIN : part > DESCRIPTORS_MAX ? DESCRIPTORS_MAX : part;
}

/* An axfs of an ordinary user serves that user only, so he may have all. */
static void set_limits(struct axfs *fs, unsigned descriptors, unsigned cached) {
        unsigned free = descriptors > cached ? descriptors - cached : 0;

        opened_set_limits(&fs->opened, free,
                          fs->options->files_per_user > 0 || geteuid() == 0 ? fs->options->files_per_user : free);
}

static int axfs_init(struct axfs *fs, const struct options *options) {
        unsigned descriptors = descriptor_limit();

        *fs = (struct axfs){
                .options = options,
                .ready_fd = -1,
                .want_passthrough = options->passthrough,
                .link = { .wake_fd = -1, .inotify_fd = -1 },
                .requests = { .fs = fs, .nodes = &fs->nodes },
        };
        pool_init(&fs->pool);
        turns_init(&fs->turns, session_threads());
        watch_init(&fs->watch);
        tracing_init(&fs->tracing);
        report_init(&fs->report, &fs->counters, &fs->tracing);
        namespace_init(&fs->namespace);
        node_table_init(&fs->nodes);
        opened_init(&fs->opened, fs);
        set_limits(fs, descriptors, cache_limit(descriptors));
        return descriptors_init(&fs->descriptors, cache_limit(descriptors));
}

static void axfs_deinit(struct axfs *fs) {
        opened_deinit(&fs->opened);
        node_table_deinit(&fs->nodes);
        namespace_deinit(&fs->namespace);
        descriptors_deinit(&fs->descriptors);
        watch_deinit(&fs->watch);
        turns_deinit(&fs->turns);
        pool_deinit(&fs->pool);
}

static int connect_daemon(struct axfs *fs) {
        const char *path = fs->options->socket_path;
        const struct link_parts parts = {
                .options = fs->options,
                .namespace = &fs->namespace,
                .nodes = &fs->nodes,
                .report = &fs->report,
        };
        int r = link_init(&fs->link, &parts);

        if (r == 0)
                return 0;
        fprintf(stderr, "axfs: cannot connect to %s: %s%s\n", path ? path : "axebergd", ax_strerror(r),
                r == -AX_ENOENT || r == -AX_ECONNREFUSED ? " (is axebergd running?)" : "");
        return EXIT_MOUNT;
}

static int prepare_directory(const struct options *options, char **ret) {
        int r = mountpoint_prepare(options->directory, ret);

        if (r == -EBUSY) {
                fprintf(stderr, "axfs: %s is already mounted\n", options->directory);
                return EXIT_MOUNT;
        }
        return r < 0 ? fail(r, "cannot mount at", options->directory) : 0;
}

/*
 * Notify the supervisor and the waiting foreground process. The terminal is let go only now: until
 * here there was something to say on it.
 */
static void on_ready(struct axfs *fs) {
        int null;

        options_say(fs->options, "serving");
        (void) sd_notify(0, "READY=1");
        if (fs->ready_fd < 0)
                return;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; null >= 0 && fd <= 2; fd++)
                dup2(null, fd);
        if (null > 2)
                close(null);
        (void) !write(fs->ready_fd, "", 1);
}

/* The janitor's work. */
static bool tidy(void *data) {
        struct axfs *fs = data;
        bool more = descriptors_sweep(&fs->descriptors);

        return link_report(&fs->link) || more;
}

static int serve(struct axfs *fs, const char *directory) {
        int r;

        fs->on_ready = on_ready;
        options_say(fs->options, "mounting at %s with %s", directory, fs->options->mount_options);
        if (session_mount(fs, directory, fs->options->mount_options) < 0) {
                fprintf(stderr, "axfs: cannot mount at %s\n", directory); /* libfuse has said why */
                return EXIT_MOUNT;
        }
        r = link_start(&fs->link);
        if (r == 0)
                r = janitor_start(&fs->janitor, tidy, fs);
        if (r == 0)
                r = session_serve(fs);
        options_say(fs->options, "ending at %s", directory);
        return r < 0 ? fail(r, "cannot serve", directory) : 0;
}

/* The orderly end hangs: see ending.h. */
static void leave(void *data) {
        fprintf(stderr, "axfs: a call does not return; ending without it\n");
        session_leave(data);
}

static void stop(struct axfs *fs) {
        ending_begin(&fs->ending);
        janitor_stop(&fs->janitor);
        pool_stop(&fs->pool);
        watch_stop(&fs->watch);
        opened_end_all(&fs->opened);
        link_stop(&fs->link);
        ending_stop(&fs->ending);
        session_unmount(fs);
}

static int run(const struct options *options, int ready_fd) {
        struct axfs *fs = malloc(sizeof(*fs));
        _cleanup_free_ char *directory = NULL;
        int r;

        if (!fs)
                return fail(-ENOMEM, "cannot start at", options->directory);
        r = axfs_init(fs, options);
        if (r < 0) {
                free(fs);
                return fail(r, "cannot open", "/proc/self/fd");
        }
        fs->ready_fd = ready_fd;
        identity_prepare();
        r = ending_start(&fs->ending, leave, fs);
        r = r < 0 ? fail(r, "cannot start at", options->directory) : prepare_directory(options, &directory);
        if (r == 0)
                r = connect_daemon(fs);
        if (r == 0 && !options->fake)
                r = serve(fs, directory);
        stop(fs);
        axfs_deinit(fs);
        free(fs);
        return r;
}

static int wait_for_child(pid_t pid, int fd) {
        int status;
        char byte;
        ssize_t n;

        do
                n = read(fd, &byte, 1);
        while (n < 0 && errno == EINTR);
        if (n == 1)
                return 0;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return EXIT_MOUNT;
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_MOUNT;
}

static int run_in_background(const struct options *options) {
        int fds[2];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return fail(negative_errno(), "cannot start at", options->directory);
        pid = fork();
        if (pid < 0)
                return fail(negative_errno(), "cannot start at", options->directory);
        if (pid > 0) {
                close(fds[1]);
                return wait_for_child(pid, fds[0]);
        }
        close(fds[0]);
        setsid();
        (void) !chdir("/");
        return run(options, fds[1]);
}

int main(int argc, char **argv) {
        struct options options;
        int r;

        streams_start("axfs");
        if (remount_wanted(argc, argv))
                return remount_run(argc, argv);
        r = options_parse(&options, argc, argv);
        if (r < 0)
                return fail(r, "cannot read", "the options");
        signal(SIGPIPE, SIG_IGN);
        signal(SIGCHLD, SIG_DFL); /* ignored, it would take the exit status of fusermount3 away */
        r = options.foreground || options.fake ? run(&options, -1) : run_in_background(&options);
        options_deinit(&options);
        return r;
}
