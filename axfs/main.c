/*
 * main.c - axfs: the daemon's namespace as a filesystem of the host
 *
 * Order: command line, daemonise (a connection and threads do not survive fork), connect and fetch the mount table, mount, start the threads, serve.
 * The parent of a daemonised axfs waits for one byte, written when the kernel's first message has come, and returns 0; if the pipe
 * ends without it, the child has said why on stderr, and its exit status becomes the parent's.
 */
#include "axfs.h"
#include "identity.h"
#include "mountpoint.h"
#include "options.h"
#include "session.h"
#include "util.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#define DESCRIPTORS_MIN 64
#define DESCRIPTORS_MAX 4096

static int fail(int error, const char *what, const char *subject) {
        fprintf(stderr, "axfs: %s %s: %s\n", what, subject, strerror(-error));
        return EXIT_MOUNT;
}

/* Open files need descriptors too, so the cache takes only a part. */
static unsigned descriptor_limit(void) {
        struct rlimit limit;
        rlim_t part;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return DESCRIPTORS_MIN;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        part = limit.rlim_max / 4;
        return part < DESCRIPTORS_MIN ? DESCRIPTORS_MIN : part > DESCRIPTORS_MAX ? DESCRIPTORS_MAX : (unsigned) part;
}

static int axfs_init(struct axfs *fs, const struct options *options) {
        *fs = (struct axfs){
                .options = options,
                .ready_fd = -1,
                .want_passthrough = options->passthrough,
                .link = { .wake_fd = -1, .inotify_fd = -1 },
        };
        pool_init(&fs->pool);
        tracing_init(&fs->tracing);
        namespace_init(&fs->namespace);
        node_table_init(&fs->nodes);
        opened_init(&fs->opened);
        return descriptors_init(&fs->descriptors, descriptor_limit());
}

static void axfs_deinit(struct axfs *fs) {
        opened_deinit(&fs->opened);
        node_table_deinit(&fs->nodes);
        namespace_deinit(&fs->namespace);
        descriptors_deinit(&fs->descriptors);
        pool_deinit(&fs->pool);
}

static int connect_daemon(struct axfs *fs) {
        const char *path = fs->options->socket_path;
        int r = link_init(&fs->link, fs, path);

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

/* A supervisor is told, and who waits in the foreground. The terminal is let go only now: until here there was something to say on it. */
static void on_ready(struct axfs *fs) {
        int null;

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

static int serve(struct axfs *fs, const char *directory) {
        int r;

        fs->on_ready = on_ready;
        /* libfuse has said what is wrong. */
        if (session_mount(fs, directory, fs->options->mount_options) < 0)
                return EXIT_MOUNT;
        r = link_start(&fs->link);
        if (r == 0)
                r = janitor_start(&fs->janitor, fs);
        if (r == 0)
                r = session_serve(fs);
        return r < 0 ? fail(r, "cannot serve", directory) : 0;
}

/* A daemon that is stopped keeps calls from returning; then there is nothing to tidy up that the process's end does not. */
static void stop(struct axfs *fs, int status) {
        janitor_stop(&fs->janitor);
        if (!pool_stop(&fs->pool)) {
                session_leave(fs);
                _exit(status);
        }
        opened_end_all(fs);
        session_unmount(fs);
        link_stop(&fs->link);
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
        r = prepare_directory(options, &directory);
        if (r == 0)
                r = connect_daemon(fs);
        if (r == 0 && !options->fake)
                r = serve(fs, directory);
        stop(fs, r);
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

        r = options_parse(&options, argc, argv);
        if (r < 0)
                return fail(r, "cannot read", "the options");
        signal(SIGPIPE, SIG_IGN);
        r = options.foreground || options.fake ? run(&options, -1) : run_in_background(&options);
        options_deinit(&options);
        return r;
}
