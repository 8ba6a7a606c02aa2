/* SPDX-License-Identifier: MIT */
#include "mounter.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/log.h"

enum { STOP_TIMEOUT_USEC = 5000000, KILL_TIMEOUT_USEC = 2000000, MOUNT_LINE_SIZE = 4 * PATH_MAX };

static void cleanup_mounts(FILE **file) {
        if (*file)
                endmntent(*file);
}

/* Whether an axfs is mounted at the directory; the mount itself is not touched. */
static bool is_mounted(const char *directory) {
        _cleanup_(cleanup_mounts) FILE *file = setmntent("/proc/self/mounts", "re");
        char text[MOUNT_LINE_SIZE];
        struct mntent entry;
        bool found = false;

        /* the uppermost mount comes last */
        while (file && getmntent_r(file, &entry, text, sizeof(text)))
                if (strcmp(entry.mnt_dir, directory) == 0)
                        found = strcmp(entry.mnt_type, "fuse.axeberg") == 0;
        return found;
}

static void check_ready(struct mounter *mounter) {
        if (mounter->ready || !is_mounted(mounter->directory))
                return;
        mounter->ready = true;
        mounter->mountinfo = sd_event_source_disable_unref(mounter->mountinfo);
        log_info("mounted at %s", mounter->directory);
        mounter->on_ready(mounter->userdata);
}

static int mounter_on_mountinfo(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        check_ready(userdata);
        return 0;
}

static void unmount(struct mounter *mounter) {
        if (!is_mounted(mounter->directory))
                return;
        if (umount2(mounter->directory, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
                log_errno(LOG_WARNING, errno, "cannot unmount %s", mounter->directory);
}

/* A mount that is there although our axfs has given up is served by an earlier daemon's. */
static void on_end_of_start(struct mounter *mounter, bool exited, int status) {
        if (exited)
                check_ready(mounter);
        if (mounter->ready)
                return;
        log_error("cannot mount at %s: axfs ended with %s %d", mounter->directory, exited ? "status" : "signal",
                  status);
        unmount(mounter);
        mounter->on_failed(mounter->userdata);
}

static void on_unexpected_end(struct mounter *mounter, bool exited, int status) {
        if (!mounter->ready)
                on_end_of_start(mounter, exited, status);
        else if (exited && status == EXIT_SUCCESS)
                log_info("%s has been unmounted; going on without", mounter->directory);
        else
                log_error("the mount at %s is dead: axfs ended with %s %d; another axfs can replace it",
                          mounter->directory, exited ? "status" : "signal", status);
}

static int mounter_on_exit(sd_event_source *source, const siginfo_t *info, void *userdata) {
        struct mounter *mounter = userdata;

        (void) source;
        mounter->pid = 0;
        mounter->child = sd_event_source_disable_unref(mounter->child);
        if (mounter->stopping) {
                unmount(mounter);
                mounter->on_stopped(mounter->userdata);
        } else
                on_unexpected_end(mounter, info->si_code == CLD_EXITED, info->si_status);
        return 0;
}

/*
 * What a process waits for in the kernel, for the log: "State: D (disk sleep)" and the function, if
 * the kernel tells.
 */
static void describe_process(pid_t pid, char text[static 128]) {
        char path[32], line[64], state[48] = "gone", place[32] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "State: %47[^\n]", state) == 1)
                        break;
        if (file)
                fclose(file);
        snprintf(path, sizeof(path), "/proc/%d/wchan", (int) pid);
        file = fopen(path, "re");
        if (file && fscanf(file, "%31s", place) != 1)
                place[0] = '\0';
        if (file)
                fclose(file);
        snprintf(text, 128, "%s%s%s", state, *place ? " in " : "", place);
}

static int mounter_on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        struct mounter *mounter = userdata;
        char state[128];

        if (!mounter->killed) {
                log_warning("axfs does not end; killing it");
                mounter->killed = true;
                if (mounter->pid > 0)
                        kill(mounter->pid, SIGKILL);
                sd_event_source_set_time(source, usec + KILL_TIMEOUT_USEC);
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        }
        /*
         * it may wait for an answer of another axfs, where not even that signal reaches it: the
         * daemon's end must not hang on it
         */
        describe_process(mounter->pid, state);
        log_warning("axfs (process %d, %s) is stuck; going without it", (int) mounter->pid, state);
        mounter->child = sd_event_source_disable_unref(mounter->child);
        unmount(mounter);
        mounter->on_stopped(mounter->userdata);
        return 0;
}

/*
 * Finds axfs: as configured, beside the daemon, in its place in a build directory, or where it was
 * to be installed. The places that follow the daemon come first, so that an installation may be
 * moved.
 */
static int find_axfs(const char *configured, char path[static PATH_MAX]) {
        static const char *const places[] = { "/axfs", "/../axfs/axfs" };
        struct stat status;
        ssize_t n;
        char *slash;

        if (configured)
                return snprintf(path, PATH_MAX, "%s", configured) < PATH_MAX ? 0 : -ENAMETOOLONG;
        n = readlink("/proc/self/exe", path, PATH_MAX - 32);
        if (n < 0)
                return -errno;
        path[n] = '\0';
        slash = strrchr(path, '/');
        if (!slash)
                slash = path;
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                strcpy(slash, places[i]);
                if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0)
                        return 0;
        }
        strcpy(path, AXEBERG_SBINDIR "/axfs");
        return 0;
}

/*
 * What was meant for the daemon is not for axfs: signals that it blocks or ignores, its umask, and
 * what its service manager told it.
 */
static void child_main(const char *axfs, const char *socket_path, const char *directory) {
        static const char *const variables[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                                 "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES" };
        sigset_t none;

        sigemptyset(&none);
        for (int i = 1; i < NSIG; i++)
                signal(i, SIG_DFL); /* whoever started the daemon may have ignored some as well */
        sigprocmask(SIG_SETMASK, &none, NULL);
        umask(022);
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
                unsetenv(variables[i]);
        execl(axfs, "axfs", "-f", "--socket", socket_path, directory, (char *) NULL);
        fprintf(stderr, "axebergd: cannot start %s: %s\n", axfs, strerrordesc_np(errno));
        _exit(127);
}

/*
 * The directory as the kernel names it. If a dead mount lies there, which axfs replaces, it cannot
 * be looked at, only its parent.
 */
static char *find_directory(const char *directory) {
        _cleanup_free_ char *copy = NULL, *copy2 = NULL, *parent = NULL;
        char *path = realpath(directory, NULL);

        if (path || errno != ENOTCONN)
                return path;
        copy = strdup(directory);
        copy2 = strdup(directory);
        parent = copy ? realpath(dirname(copy), NULL) : NULL;
        if (!parent || !copy2 || asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, basename(copy2)) < 0)
                return NULL;
        return path;
}

static int start_axfs(struct mounter *mounter, const char *axfs, const char *socket_path) {
        int r;

        identity_restore_groups();
        mounter->pid = fork();
        if (mounter->pid < 0)
                return log_errno(LOG_ERR, errno, "cannot start axfs");
        if (mounter->pid == 0)
                child_main(axfs, socket_path, mounter->directory);
        r = sd_event_add_child(mounter->event, &mounter->child, mounter->pid, WEXITED, mounter_on_exit, mounter);
        return r < 0 ? log_errno(LOG_ERR, r, "cannot watch axfs") : 0;
}

int mounter_start(struct mounter *mounter, sd_event *event, const char *axfs_path, const char *socket_path,
                  const char *directory) {
        char axfs[PATH_MAX];
        int r = find_axfs(axfs_path, axfs);

        mounter->event = event;
        mounter->mountinfo_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        mounter->directory = find_directory(directory);
        if (!mounter->directory)
                return log_errno(LOG_ERR, errno, "cannot mount at %s", directory);
        if (r == 0)
                r = sd_event_add_io(event, &mounter->mountinfo, mounter->mountinfo_fd, EPOLLPRI, mounter_on_mountinfo,
                                    mounter);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot prepare the mount at %s", directory);
        return start_axfs(mounter, axfs, socket_path);
}

void mounter_stop(struct mounter *mounter) {
        mounter->stopping = true;
        if (mounter->pid == 0) {
                if (mounter->directory)
                        unmount(mounter);
                mounter->on_stopped(mounter->userdata);
                return;
        }
        kill(mounter->pid, SIGTERM);
        sd_event_add_time(mounter->event, &mounter->deadline, CLOCK_MONOTONIC, clock_usec() + STOP_TIMEOUT_USEC, 0,
                          mounter_on_deadline, mounter);
}

void mounter_deinit(struct mounter *mounter) {
        sd_event_source_disable_unref(mounter->child);
        sd_event_source_disable_unref(mounter->mountinfo);
        sd_event_source_disable_unref(mounter->deadline);
        if (mounter->directory)
                close(mounter->mountinfo_fd);
        free(mounter->directory);
        *mounter = (struct mounter){ 0 };
}
