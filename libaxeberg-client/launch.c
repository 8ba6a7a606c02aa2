/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "axeberg.pb-c.h"
#include "children.h"
#include "host_fd.h"
#include "transport.h"

enum { EXIT_CANNOT_START = 127 /* nobody sees it */ };

union fd_message {
        struct cmsghdr align;
        char data[CMSG_SPACE(sizeof(int))];
};

void launch_deinit(struct launch *launch) {
        close_fd(&launch->handover[0]);
        close_fd(&launch->handover[1]);
        close_fd(&launch->pidfd);
        free(launch->path);
        free(launch->shell_argv);
        free(launch->environment);
        free(launch->socket_variable);
}

/* Returns 0, or why we cannot execute the file. */
static int check_executable(const char *path) {
        struct stat status;

        if (stat(path, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -AX_EACCES;
        return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Looks a name without a slash up in PATH, as execvp(3) does. */
static int search_path(const char *name, char **ret) {
        const char *directories = getenv("PATH"), *end;
        int result = -AX_ENOENT, r;
        char *path;

        if (!directories)
                directories = "/bin:/usr/bin";
        for (;; directories = end + 1) {
                end = strchrnul(directories, ':');
                r = end == directories ? asprintf(&path, "./%s", name)
                                       : asprintf(&path, "%.*s/%s", (int) (end - directories), directories, name);
                if (r < 0)
                        return -AX_ENOMEM;
                r = check_executable(path);
                if (r == 0) {
                        *ret = path;
                        return 0;
                }
                free(path);
                if (r == -AX_EACCES)
                        result = r;
                if (!*end)
                        return result;
        }
}

static int find_program(const char *name, bool search, char **ret) {
        int r;

        if (!*name)
                return -AX_ENOENT;
        if (search && !strchr(name, '/'))
                return search_path(name, ret);
        r = check_executable(name);
        if (r < 0)
                return r;
        *ret = strdup(name);
        return *ret ? 0 : -AX_ENOMEM;
}

static size_t count_strings(char *const *strings) {
        size_t count = 0;

        while (strings[count])
                count++;
        return count;
}

/* Returns true for the variables of a connection, which are each program's own. */
static bool is_ours(const char *variable) {
        return strncmp(variable, "AXEBERG_FD=", 11) == 0 || strncmp(variable, "AXEBERG_PID=", 12) == 0;
}

/*
 * Programs that the new one starts in turn, and that connect by themselves, come to the same
 * daemon.
 */
static int name_socket(struct launch *launch, const char *socket_path) {
        if (!socket_path)
                return 0;
        return asprintf(&launch->socket_variable, "AXEBERG_SOCKET=%s", socket_path) < 0 ? -AX_ENOMEM : 0;
}

static int make_environment(struct launch *launch, const char *socket_path, char *const *from) {
        size_t count = count_strings(from), n = 0;
        int r = name_socket(launch, socket_path);

        launch->environment = r == 0 ? calloc(count + 4, sizeof(char *)) : NULL;
        if (!launch->environment)
                return -AX_ENOMEM;
        for (size_t i = 0; i < count; i++) {
                bool replaced = launch->socket_variable && strncmp(from[i], "AXEBERG_SOCKET=", 15) == 0;

                if (!is_ours(from[i]) && !replaced)
                        launch->environment[n++] = from[i];
        }
        snprintf(launch->pid_variable, sizeof(launch->pid_variable), "AXEBERG_PID=%*d", LAUNCH_PID_DIGITS, 0);
        launch->environment[n++] = launch->fd_variable;
        launch->environment[n++] = launch->pid_variable;
        if (launch->socket_variable)
                launch->environment[n] = launch->socket_variable;
        return 0;
}

static int make_shell_arguments(struct launch *launch) {
        size_t count = count_strings(launch->argv);

        launch->shell_argv = calloc(count + 2, sizeof(char *));
        if (!launch->shell_argv)
                return -AX_ENOMEM;
        launch->shell_argv[0] = (char *) "sh";
        launch->shell_argv[1] = launch->path;
        memcpy(launch->shell_argv + 2, launch->argv + 1, (count - 1) * sizeof(char *));
        return 0;
}

int launch_init(struct launch *launch, const char *socket_path, const char *const argv[],
                const struct ax_spawn_options *options) {
        static const Axeberg__Empty nothing = AXEBERG__EMPTY__INIT;
        const char *path = options->path ? options->path : argv[0];
        int r = find_program(path, !options->path, &launch->path);

        launch->argv = (char **) argv;
        launch->set_ids = options->set_ids;
        launch->uid = options->uid;
        launch->gid = options->gid;
        frame_encode(launch->start, 1, AX_METHOD(start), &nothing.base, 0);
        if (r == 0)
                r = make_environment(launch, socket_path,
                                     options->environment ? (char *const *) options->environment : environ);
        return r < 0 ? r : make_shell_arguments(launch);
}

/* Returns true if the calling program, or the host's kernel for it, may reap our children. */
static bool others_may_reap(void) {
        struct sigaction action;

        return sigaction(SIGCHLD, NULL, &action) == 0 &&
               (action.sa_handler != SIG_DFL || action.sa_flags & SA_NOCLDWAIT);
}

/* Starting matters more than the status: if this fails, we go without. */
static void make_handover(struct launch *launch) {
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, launch->handover) < 0)
                return;
        for (int i = 0; i < 2; i++)
                launch->handover[i] = above_standard(launch->handover[i]);
}

/* In the new process: sends us its own pidfd. Without one the status may be lost. */
static void send_pidfd(const struct launch *launch) {
        struct iovec nothing = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
        union fd_message control = { .data = { 0 } };
        struct msghdr message = {
                .msg_iov = &nothing,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        int fd = (int) syscall(SYS_pidfd_open, syscall(SYS_getpid), 0);

        if (fd < 0)
                return;
        control.align =
                (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
        sendmsg(launch->handover[1], &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void receive_pidfd(struct launch *launch) {
        char byte;
        struct iovec nothing = { .iov_base = &byte, .iov_len = 1 };
        union fd_message control = { .data = { 0 } };
        struct msghdr message = {
                .msg_iov = &nothing,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        struct cmsghdr *header;

        if (launch->handover[0] < 0 || recvmsg(launch->handover[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
                return;
        header = CMSG_FIRSTHDR(&message);
        if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
                return;
        memcpy(&launch->pidfd, CMSG_DATA(header), sizeof(int));
        launch->pidfd = above_standard(launch->pidfd);
}

/* In the new process: writes its pid where "AXEBERG_PID=" has room for it. */
static void write_pid(struct launch *launch) {
        char *digit = launch->pid_variable + sizeof("AXEBERG_PID=") - 1 + LAUNCH_PID_DIGITS;

        for (unsigned pid = (unsigned) syscall(SYS_getpid); pid > 0; pid /= 10)
                *--digit = (char) ('0' + pid % 10);
}

/*
 * In the new process: a handler of ours must not run while it shares our memory. execve(2) would
 * reset them anyway.
 */
static void reset_handlers(void) {
        struct sigaction action;

        for (int signal = 1; signal < NSIG; signal++) {
                if (sigaction(signal, NULL, &action) < 0 || action.sa_handler == SIG_IGN ||
                    action.sa_handler == SIG_DFL)
                        continue;
                action.sa_handler = SIG_DFL;
                action.sa_flags = 0;
                sigaction(signal, &action, NULL);
        }
}

/*
 * In the new process: makes the system calls themselves, because the C library's functions would
 * change all threads of the process whose memory this is.
 */
static bool become(const struct launch *launch) {
        return syscall(SYS_setgroups, 0, NULL) == 0 &&
               syscall(SYS_setresgid, launch->gid, launch->gid, launch->gid) == 0 &&
               syscall(SYS_setresuid, launch->uid, launch->uid, launch->uid) == 0;
}

/*
 * Says Start, and waits for the answer: from now on the daemon owns us, and what happens to the
 * child happens to us. Returns 0 or a negative error.
 */
static int start(struct launch *launch) {
        struct ax_frame_header header;
        ssize_t n = send(launch->fd, launch->start, sizeof(launch->start), MSG_NOSIGNAL);

        if (n > 0)
                n = recv(launch->fd, launch->reply, sizeof(launch->reply), 0);
        if (n < AX_FRAME_HEADER_SIZE)
                return -AX_ESRCH;
        ax_frame_header_decode(&header, launch->reply);
        return header.status;
}

/* Returns only if the program cannot be started: the reason. */
static int execute(const struct launch *launch) {
        sigprocmask(SIG_SETMASK, &launch->signals, NULL);
        execve(launch->path, launch->argv, launch->environment);
        if (errno == ENOEXEC)
                execve("/bin/sh", launch->shell_argv, launch->environment);
        return -errno;
}

__attribute__((noinline, noreturn)) static void run_child(struct launch *launch) {
        int r = 0;

        reset_handlers();
        if (launch->handover[1] >= 0)
                send_pidfd(launch);
        if (launch->set_ids && !become(launch))
                r = -errno;
        write_pid(launch);
        if (r == 0)
                r = start(launch);
        if (r == 0 && fcntl(launch->fd, F_SETFD, 0) < 0)
                r = -errno;
        if (r == 0)
                r = execute(launch);
        launch->error = r;
        _exit(EXIT_CANNOT_START);
}

pid_t launch_start(struct launch *launch, int fd) {
        siginfo_t ended;
        sigset_t all;
        pid_t pid;
        int error;

        launch->fd = fd;
        if (others_may_reap())
                make_handover(launch);
        snprintf(launch->fd_variable, sizeof(launch->fd_variable), "AXEBERG_FD=%d", fd);
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &launch->signals);
        /* posix_spawn(3) would do it, but for Start, which only the new process can say */
        pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
        if (pid == 0)
                run_child(launch); /* NOLINT(clang-analyzer-unix.Vfork): it never returns */
        error = errno;
        pthread_sigmask(SIG_SETMASK, &launch->signals, NULL);
        if (pid < 0)
                return -error;
        if (launch->error < 0) {
                host_reap(pid, &ended, 0);
                return launch->error;
        }
        receive_pidfd(launch);
        return pid;
}
