/* SPDX-License-Identifier: MIT */
/*
 * Starting, observing and ending one axebergd.
 *
 * Readiness is the daemon's own word (READY=1 on a datagram socket), never a guess. The child gets
 * PR_SET_PDEATHSIG, so that a test that dies takes its daemon along; what such a daemon leaves (a
 * mount, files) lies below the one directory that AXEBERG_TEST_DIRECTORY names, where
 * fixture_main() sweeps.
 */
#include "daemon.h"
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

enum { START_LIMIT_MS = 15000, STOP_LIMIT_MS = 10000, ARGUMENTS_MAX = 32 };

int slowness(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        return 4;
#else
        return 1;
#endif
}

double now_ms(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static const char *program_path(const char *variable, const char *built) {
        const char *path = getenv(variable);

        return path && *path ? path : built;
}

/* ---- its directory --------------------------------------------------------------------------- */

/* The daemon always gets a configuration of its own, so that the host's has no say. */
static int write_configuration(const struct daemon *daemon) {
        char path[DAEMON_PATH_SIZE + 16];
        const char *settings = daemon->options.settings;
        FILE *file;

        snprintf(path, sizeof(path), "%s/conf", daemon->directory);
        file = fopen(path, "we");
        if (!file)
                return -errno;
        fprintf(file, "[axebergd]\n%s\n", settings ? settings : "");
        return fclose(file) < 0 ? -errno : 0;
}

static int mount_small_store(const struct daemon *daemon) {
        char options[64];

        snprintf(options, sizeof(options), "size=%zu,mode=755", daemon->options.small_store);
        return mount("small", daemon->store, "tmpfs", 0, options) < 0 ? -errno : 0;
}

static int make_directories(struct daemon *daemon) {
        const char *base = getenv("AXEBERG_TEST_DIRECTORY");
        int n;

        if (!base || !*base)
                base = getenv("TMPDIR");
        if (!base || !*base)
                base = "/tmp";
        n = snprintf(daemon->directory, sizeof(daemon->directory), "%s/axeberg-XXXXXX", base);
        if (n < 0 || (size_t) n >= sizeof(daemon->directory))
                return -ENAMETOOLONG;
        if (!mkdtemp(daemon->directory))
                return -errno;
        snprintf(daemon->socket, sizeof(daemon->socket), "%s/socket", daemon->directory);
        snprintf(daemon->store, sizeof(daemon->store), "%s/store", daemon->directory);
        snprintf(daemon->mount, sizeof(daemon->mount), "%s/mount", daemon->directory);
        snprintf(daemon->log, sizeof(daemon->log), "%s/log", daemon->directory);
        if (mkdir(daemon->store, 0755) < 0 || mkdir(daemon->mount, 0755) < 0 || chmod(daemon->directory, 0755) < 0)
                return -errno;
        if (daemon->options.uid != 0 && (chown(daemon->directory, daemon->options.uid, (gid_t) -1) < 0 ||
                                         chown(daemon->store, daemon->options.uid, (gid_t) -1) < 0 ||
                                         chown(daemon->mount, daemon->options.uid, (gid_t) -1) < 0))
                return -errno;
        if (daemon->options.small_store > 0) {
                int r = mount_small_store(daemon);

                if (r < 0)
                        return r;
        }
        return write_configuration(daemon);
}

/* ---- the child ------------------------------------------------------------------------------- */

static void set_sanitizer_log(const char *variable, const char *directory) {
        const char *given = getenv(variable);
        char value[1024];

        snprintf(value, sizeof(value), "%s%slog_path=%s/sanitizer", given ? given : "", given ? ":" : "", directory);
        setenv(variable, value, 1);
}

static void prepare_environment(const struct daemon *daemon, const char *notify) {
        unsetenv("AXEBERG_SOCKET");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_PID");
        setenv("NOTIFY_SOCKET", notify, 1);
        setenv("XDG_RUNTIME_DIR", daemon->directory, 1);
        set_sanitizer_log("ASAN_OPTIONS", daemon->directory);
        set_sanitizer_log("UBSAN_OPTIONS", daemon->directory);
        set_sanitizer_log("TSAN_OPTIONS", daemon->directory);
}

static void fill_arguments(const struct daemon *daemon, const char **arguments) {
        static char configuration[DAEMON_PATH_SIZE + 16];
        const struct daemon_options *options = &daemon->options;
        size_t n = 0;

        snprintf(configuration, sizeof(configuration), "%s/conf", daemon->directory);
        arguments[n++] = "axebergd";
        arguments[n++] = "--config";
        arguments[n++] = configuration;
        arguments[n++] = "--no-bus";
        arguments[n++] = "--socket";
        arguments[n++] = daemon->socket;
        if (options->durable || options->small_store > 0) {
                arguments[n++] = "--store";
                arguments[n++] = daemon->store;
        } else
                arguments[n++] = "--ephemeral";
        if (options->mount) {
                arguments[n++] = "--mount";
                arguments[n++] = daemon->mount;
                arguments[n++] = "--axfs";
                arguments[n++] = program_path("AXEBERG_AXFS", AXFS_PATH);
        }
        for (size_t i = 0; options->arguments && options->arguments[i] && n < ARGUMENTS_MAX - 1; i++)
                arguments[n++] = options->arguments[i];
        arguments[n] = NULL;
}

/*
 * The program is opened before the user changes: a build directory need not be open to everybody.
 */
/* Lets setsockopt(SO_PASSRIGHTS) fail as on Linux before 6.16. */
static void be_an_old_host(void) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_PASSRIGHTS, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                _exit(EXIT_FAILURE);
}

__attribute__((noreturn)) static void run_child(const struct daemon *daemon, const char *notify, pid_t parent) {
        const char *arguments[ARGUMENTS_MAX];
        uid_t uid = daemon->options.uid;
        int log, program;

        log = open(daemon->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        program = open(program_path("AXEBERG_DAEMON", AXEBERGD_PATH), O_PATH | O_CLOEXEC);
        if (log < 0 || program < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
                _exit(126);
        if (uid != 0 && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
                _exit(126);
        if (daemon->options.descriptors > 0 &&
            setrlimit(RLIMIT_NOFILE, &(struct rlimit){ daemon->options.descriptors, daemon->options.descriptors }) < 0)
                _exit(126);
        if (daemon->options.old_host)
                be_an_old_host();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(126);
        (void) close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        prepare_environment(daemon, notify);
        fill_arguments(daemon, arguments);
        if (uid == 0)
                execv(program_path("AXEBERG_DAEMON", AXEBERGD_PATH), (char *const *) arguments);
        else
                syscall(SYS_execveat, program, "", arguments, environ, AT_EMPTY_PATH);
        fprintf(stderr, "cannot execute axebergd: %m\n");
        _exit(127);
}

/* ---- life cycle ------------------------------------------------------------------------------ */

static int open_notify_socket(const struct daemon *daemon, char *path, size_t size) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        snprintf(path, size, "%s/notify", daemon->directory);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        unlink(path);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || chmod(path, 0666) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        return fd;
}

static bool says_ready(int notify) {
        char text[4096];
        ssize_t n = recv(notify, text, sizeof(text) - 1, MSG_DONTWAIT);

        if (n <= 0)
                return false;
        text[n] = '\0';
        return strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1");
}

static int wait_ready(const struct daemon *daemon, int notify) {
        double deadline = now_ms() + START_LIMIT_MS * slowness();

        for (;;) {
                struct pollfd fds[2] = { { .fd = notify, .events = POLLIN },
                                         { .fd = daemon->pidfd, .events = POLLIN } };
                double left = deadline - now_ms();

                if (left <= 0)
                        return -ETIMEDOUT;
                if (poll(fds, 2, (int) left + 1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents & POLLIN && says_ready(notify))
                        return 0;
                if (fds[1].revents)
                        return -ECHILD;
        }
}

static int launch(struct daemon *daemon) {
        char notify_path[DAEMON_PATH_SIZE + 16];
        pid_t self = getpid();
        int notify, r;

        notify = open_notify_socket(daemon, notify_path, sizeof(notify_path));
        if (notify < 0)
                return notify;
        fflush(NULL);
        daemon->pid = fork();
        if (daemon->pid == 0)
                run_child(daemon, notify_path, self);
        if (daemon->pid < 0) {
                close(notify);
                return -EAGAIN;
        }
        daemon->pidfd = (int) syscall(SYS_pidfd_open, daemon->pid, 0);
        r = daemon->pidfd < 0 ? -errno : wait_ready(daemon, notify);
        close(notify);
        unlink(notify_path);
        daemon->mounted = r == 0 && daemon->options.mount;
        return r;
}

static void print_log(const struct daemon *daemon) {
        FILE *file = fopen(daemon->log, "re");
        char line[512];

        if (!file)
                return;
        while (fgets(line, sizeof(line), file))
                fprintf(stderr, "axebergd: %s", line);
        fclose(file);
}

int daemon_start(struct daemon *daemon, const struct daemon_options *options) {
        int r;

        *daemon = (struct daemon){ .pid = -1, .pidfd = -1 };
        if (options)
                daemon->options = *options;
        r = make_directories(daemon);
        if (r < 0)
                return r;
        r = launch(daemon);
        if (r < 0) {
                print_log(daemon);
                daemon_kill(daemon);
                daemon_remove(daemon);
        }
        return r;
}

int daemon_restart(struct daemon *daemon) {
        return launch(daemon);
}

static int reap(struct daemon *daemon) {
        int status;

        if (waitpid(daemon->pid, &status, 0) < 0)
                return -errno;
        if (daemon->options.small_store > 0)
                (void) umount2(daemon->store, MNT_DETACH);
        close(daemon->pidfd);
        daemon->pid = -1;
        daemon->pidfd = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EPROTO;
}

int daemon_stop(struct daemon *daemon) {
        struct pollfd fd = { .fd = daemon->pidfd, .events = POLLIN };
        int r;

        if (daemon->pid <= 0)
                return -ESRCH;
        kill(daemon->pid, SIGTERM);
        do
                r = poll(&fd, 1, STOP_LIMIT_MS * slowness());
        while (r < 0 && errno == EINTR);
        if (r == 0) {
                daemon_kill(daemon);
                return -ETIMEDOUT;
        }
        return reap(daemon);
}

void daemon_kill(struct daemon *daemon) {
        if (daemon->pid <= 0)
                return;
        kill(daemon->pid, SIGKILL);
        (void) reap(daemon);
}

void daemon_remove(struct daemon *daemon) {
        if (daemon->directory[0])
                sweep_tree(daemon->directory);
        daemon->directory[0] = '\0';
}

/* ---- observation ----------------------------------------------------------------------------- */

static ssize_t count_entries(const char *path) {
        DIR *directory = opendir(path);
        const struct dirent *entry;
        ssize_t n = 0;

        if (!directory)
                return -errno;
        while ((entry = readdir(directory)))
                if (entry->d_name[0] != '.')
                        n++;
        closedir(directory);
        return n;
}

static size_t count_children(pid_t pid) {
        char path[64];
        size_t n = 0;
        FILE *file;
        int child;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
        file = fopen(path, "re");
        if (!file)
                return 0;
        while (fscanf(file, "%d", &child) == 1)
                n++;
        fclose(file);
        return n;
}

int daemon_observe(const struct daemon *daemon, struct daemon_state *state) {
        char path[64];
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/fd", daemon->pid);
        n = count_entries(path);
        if (n < 0)
                return (int) n;
        state->descriptors = (size_t) n;
        state->children = count_children(daemon->pid);
        state->mounts = count_mounts_below(daemon->directory);
        return 0;
}

void daemon_print_descriptors(const struct daemon *daemon) {
        char path[64], link[96], target[256];
        const struct dirent *entry;
        DIR *directory;

        snprintf(path, sizeof(path), "/proc/%d/fd", daemon->pid);
        directory = opendir(path);
        if (!directory)
                return;
        while ((entry = readdir(directory))) {
                ssize_t n;

                if (entry->d_name[0] == '.')
                        continue;
                snprintf(link, sizeof(link), "%s/%.16s", path, entry->d_name);
                n = readlink(link, target, sizeof(target) - 1);
                target[n > 0 ? n : 0] = '\0';
                fprintf(stderr, "axebergd has descriptor %s: %s\n", entry->d_name, target);
        }
        closedir(directory);
}

/* An entry of the daemon's directory that begins with @prefix; false if there is none. */
static bool find_entry(const struct daemon *daemon, const char *prefix) {
        DIR *directory = opendir(daemon->directory);
        const struct dirent *entry;
        bool found = false;

        if (!directory)
                return false;
        while (!found && (entry = readdir(directory)))
                found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        closedir(directory);
        return found;
}

bool daemon_has_sanitizer_report(const struct daemon *daemon) {
        return find_entry(daemon, "sanitizer");
}

bool daemon_left_files(const struct daemon *daemon) {
        return find_entry(daemon, "socket") || find_entry(daemon, "axeberg");
}

double daemon_cpu_ms(const struct daemon *daemon) {
        clockid_t clock;
        struct timespec used;

        if (clock_getcpuclockid(daemon->pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
                return 0;
        return (double) used.tv_sec * 1e3 + (double) used.tv_nsec / 1e6;
}

long daemon_memory(const struct daemon *daemon) {
        char path[64], line[256];
        long kibibytes = -1;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", daemon->pid);
        file = fopen(path, "re");
        if (!file)
                return -errno;
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "RssAnon:", 8) == 0)
                        kibibytes = strtol(line + 8, NULL, 10);
        fclose(file);
        return kibibytes < 0 ? -ENODATA : kibibytes * 1024;
}
