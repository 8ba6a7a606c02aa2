/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, FIRST_UID = 100000, UIDS = 65536 };

static bool is_root;
static char directory[PATH_MAX];

void sandbox_fail(const char *file, int line, const char *what) {
        fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, strerror(errno));
        _exit(99);
}

void sandbox_finding(const char *format, ...) {
        va_list arguments;

        fputs("FINDING: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        abort();
}

static bool write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text);

        if (fd >= 0)
                close(fd);
        return written;
}

/*
 * Nobody outside is root inside, and a range of ids that nobody uses are its users; where a
 * container has no such range there are none.
 */
static bool map_ids(pid_t pid, const char *map) {
        char path[64], text[128];

        snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, map);
        snprintf(text, sizeof(text), "0 %d 1\n1 %d %d\n", NOBODY, FIRST_UID, UIDS - 1);
        if (write_text(path, text))
                return true;
        snprintf(text, sizeof(text), "0 %d 1\n", NOBODY);
        return write_text(path, text);
}

/*
 * Only a process outside of the namespace may map it: a helper, which waits until this one is
 * inside.
 */
static bool enter_as_root(void) {
        int ready[2], status;
        bool entered;
        pid_t helper, parent = getpid();
        char byte;

        must(pipe2(ready, O_CLOEXEC) == 0);
        helper = fork();
        must(helper >= 0);
        if (helper == 0) {
                close(ready[1]);
                _exit(read(ready[0], &byte, 1) == 1 && map_ids(parent, "uid_map") && map_ids(parent, "gid_map") ? 0
                                                                                                                : 1);
        }
        close(ready[0]);
        entered = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
        if (entered)
                must(write(ready[1], "", 1) == 1);
        close(ready[1]);
        must(waitpid(helper, &status, 0) == helper);
        return entered && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool enter_as_user(void) {
        char text[64];
        uid_t uid = geteuid();
        gid_t gid = getegid();

        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return false;
        snprintf(text, sizeof(text), "0 %u 1\n", (unsigned) uid);
        if (!write_text("/proc/self/uid_map", text))
                return false;
        (void) write_text("/proc/self/setgroups", "deny");
        snprintf(text, sizeof(text), "0 %u 1\n", (unsigned) gid);
        return write_text("/proc/self/gid_map", text);
}

/*
 * All of the host's files become nobody's business; the sandbox's own lie on a tmpfs that nothing
 * else sees.
 */
static void prepare_mounts(void) {
        must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        must(mount("fuzz", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=256m") == 0);
        snprintf(directory, sizeof(directory), "/mnt");
}

static void remove_directory(void) {
        char command[PATH_MAX + 16];

        /* a name from mkdtemp(3) */
        snprintf(command, sizeof(command), "rm -rf '%s'", directory);
        if (system(command) != 0) // NOLINT(cert-env33-c)
                fprintf(stderr, "cannot remove %s\n", directory);
}

static void make_directory(void) {
        const char *parent = getenv("TMPDIR");

        snprintf(directory, sizeof(directory), "%s/axeberg-fuzz-XXXXXX", parent ? parent : "/tmp");
        must(mkdtemp(directory) != NULL);
        atexit(remove_directory);
}

/* pidfd_send_signal(2) succeeds and does nothing. */
static void keep_signals(void) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

        must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

/* If there is no nobody, this is a namespace already, and its root is an ordinary user outside. */
static void become_nobody(void) {
        if (setresuid((uid_t) -1, (uid_t) -1, NOBODY) < 0 && errno == EINVAL)
                return;
        must(setresuid((uid_t) -1, (uid_t) -1, 0) == 0);
        must(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
             setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

void sandbox_enter(void) {
        bool was_root = geteuid() == 0;

        is_root = was_root ? enter_as_root() : enter_as_user();
        if (is_root) {
                /* the ids that came from outside are none inside */
                must(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
                if (was_root)
                        must(setgroups(0, NULL) == 0);
                prepare_mounts();
        } else {
                if (was_root)
                        become_nobody();
                make_directory();
        }
        umask(0);
        signal(SIGPIPE, SIG_IGN); /* as both programs do */
        keep_signals();
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* the leak sanitizer looks from a second process */
}

void sandbox_keep_hanging(void) {
        struct sigaction action;

        must(sigaction(SIGALRM, NULL, &action) == 0);
        action.sa_flags |= SA_RESTART;
        must(sigaction(SIGALRM, &action, NULL) == 0);
}

bool sandbox_is_root(void) {
        return is_root;
}

const char *sandbox_directory(void) {
        return directory;
}

unsigned sandbox_count_files(void) {
        DIR *open_files = opendir("/proc/self/fd");
        unsigned count = 0;

        must(open_files != NULL);
        while (readdir(open_files))
                count++;
        closedir(open_files);
        return count;
}
