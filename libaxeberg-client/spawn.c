/*
 * Starting host programs as child processes, and waiting for children.
 *
 * The daemon makes the child and a connection for it. The host program is started between vfork(2) and execve(2), where the new host process says Start on that
 * connection: the daemon learns from the kernel which process it is. The program finds the connection's number in its environment.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "transport.h"

enum { EXIT_CANNOT_START = 127, PID_DIGITS = 11 };

/* Everything that the new host process needs; made before it is, because it shares our memory and may not allocate. */
struct launch {
        char *path;
        char **argv;       /* the caller's */
        char **shell_argv; /* for a script without "#!" */
        char **environment;
        char fd_variable[32], pid_variable[16 + PID_DIGITS];
        char *socket_variable;
        int fd;
        bool set_ids;
        uid_t uid;
        gid_t gid;
        sigset_t signals; /* the caller's mask */
        uint8_t start[AX_FRAME_HEADER_SIZE], reply[AX_FRAME_HEADER_SIZE + 16];
};

static void launch_deinit(struct launch *launch) {
        free(launch->path);
        free(launch->shell_argv);
        free(launch->environment);
        free(launch->socket_variable);
}

/* Return: 0, or why the file cannot be executed by us. */
static int check_executable(const char *path) {
        struct stat status;

        if (stat(path, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -AX_EACCES;
        return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Looks a name without a slash up as execvp(3) does. */
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

static bool is_ours(const char *variable) {
        return strncmp(variable, "AXEBERG_FD=", 11) == 0 || strncmp(variable, "AXEBERG_PID=", 12) == 0;
}

/* Programs that the new one starts in its turn, and that connect by themselves, come to the same daemon. */
static int name_socket(ax_client *ax, struct launch *launch) {
        if (!ax->socket_path)
                return 0;
        return asprintf(&launch->socket_variable, "AXEBERG_SOCKET=%s", ax->socket_path) < 0 ? -AX_ENOMEM : 0;
}

static int make_environment(ax_client *ax, struct launch *launch, char *const *from) {
        size_t count = count_strings(from), n = 0;
        int r = name_socket(ax, launch);

        launch->environment = r == 0 ? calloc(count + 4, sizeof(char *)) : NULL;
        if (!launch->environment)
                return -AX_ENOMEM;
        for (size_t i = 0; i < count; i++) {
                bool replaced = launch->socket_variable && strncmp(from[i], "AXEBERG_SOCKET=", 15) == 0;

                if (!is_ours(from[i]) && !replaced)
                        launch->environment[n++] = from[i];
        }
        snprintf(launch->pid_variable, sizeof(launch->pid_variable), "AXEBERG_PID=%*d", PID_DIGITS, 0);
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

static int launch_init(ax_client *ax, struct launch *launch, const char *const argv[],
                       const struct ax_spawn_options *options) {
        const struct ax_frame_header header = { .length = AX_FRAME_HEADER_SIZE,
                                                .serial = 1,
                                                .method = AX_METHOD(start) };
        const char *path = options->path ? options->path : argv[0];
        int r = find_program(path, !options->path, &launch->path);

        launch->argv = (char **) argv;
        launch->set_ids = options->set_ids;
        launch->uid = options->uid;
        launch->gid = options->gid;
        ax_frame_header_encode(&header, launch->start);
        if (r == 0)
                r = make_environment(ax, launch, options->environment ? (char *const *) options->environment : environ);
        return r < 0 ? r : make_shell_arguments(launch);
}

/* In the new process, which shares our memory: writes its pid where "AXEBERG_PID=" has room for it. */
static void write_pid(struct launch *launch) {
        char *digit = launch->pid_variable + sizeof("AXEBERG_PID=") - 1 + PID_DIGITS;

        for (unsigned pid = (unsigned) syscall(SYS_getpid); pid > 0; pid /= 10)
                *--digit = (char) ('0' + pid % 10);
}

/* A handler of ours must not run in the new process, while it shares our memory; execve() would reset them anyway. */
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

/* The system calls themselves: the C library's functions would change all threads of the process whose memory this is. */
static bool become(const struct launch *launch) {
        return syscall(SYS_setgroups, 0, NULL) == 0 &&
               syscall(SYS_setresgid, launch->gid, launch->gid, launch->gid) == 0 &&
               syscall(SYS_setresuid, launch->uid, launch->uid, launch->uid) == 0;
}

/* Says Start, and waits for the answer: from now on the daemon owns us, and what happens to the child happens to us. */
static bool start(struct launch *launch) {
        struct ax_frame_header header;
        ssize_t n = send(launch->fd, launch->start, sizeof(launch->start), MSG_NOSIGNAL);

        if (n > 0)
                n = recv(launch->fd, launch->reply, sizeof(launch->reply), 0);
        if (n < AX_FRAME_HEADER_SIZE)
                return false;
        ax_frame_header_decode(&header, launch->reply);
        return header.status == 0;
}

__attribute__((noinline, noreturn)) static void run_child(struct launch *launch) {
        reset_handlers();
        if (launch->set_ids && !become(launch))
                _exit(EXIT_CANNOT_START);
        write_pid(launch);
        if (!start(launch) || fcntl(launch->fd, F_SETFD, 0) < 0)
                _exit(EXIT_CANNOT_START);
        sigprocmask(SIG_SETMASK, &launch->signals, NULL);
        execve(launch->path, launch->argv, launch->environment);
        if (errno == ENOEXEC)
                execve("/bin/sh", launch->shell_argv, launch->environment);
        _exit(EXIT_CANNOT_START);
}

/* Starts the program. Return: its pid, negative error. */
static pid_t launch_start(struct launch *launch, int fd) {
        sigset_t all;
        pid_t pid;
        int error;

        launch->fd = fd;
        snprintf(launch->fd_variable, sizeof(launch->fd_variable), "AXEBERG_FD=%d", fd);
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &launch->signals);
        /* posix_spawn(3) would do it, but for Start, which only the new process can say */
        pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
        if (pid == 0)
                run_child(launch); /* NOLINT(clang-analyzer-unix.Vfork): it never returns */
        error = errno;
        pthread_sigmask(SIG_SETMASK, &launch->signals, NULL);
        return pid < 0 ? -error : pid;
}

static int reap(const struct host_child *child, siginfo_t *ret, int flags) {
        int r;

        do {
                memset(ret, 0, sizeof(*ret));
                r = waitid(P_PID, (id_t) child->host_pid, ret, WEXITED | flags);
        } while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : ret->si_pid != 0;
}

/* With the lock held: host programs whose children have been reported, and which have ended meanwhile. */
static void reap_reported(ax_client *ax) {
        struct host_child *child, *next;
        siginfo_t info;

        DL_FOREACH_SAFE (ax->children, child, next) {
                if (!child->reported || child->host_pid == 0 || reap(child, &info, WNOHANG) == 0)
                        continue;
                DL_DELETE(ax->children, child);
                free(child);
        }
}

/* Before its program starts: other threads may wait for it at once. */
static struct host_child *add_child(ax_client *ax, ax_pid pid) {
        struct host_child *child = calloc(1, sizeof(*child));

        if (!child)
                return NULL;
        child->pid = pid;
        pthread_mutex_lock(&ax->lock);
        reap_reported(ax);
        DL_APPEND(ax->children, child);
        pthread_mutex_unlock(&ax->lock);
        return child;
}

static void set_started(ax_client *ax, struct host_child *child, pid_t host_pid) {
        pthread_mutex_lock(&ax->lock);
        if (host_pid > 0) {
                child->host_pid = host_pid;
        } else {
                DL_DELETE(ax->children, child);
                free(child);
        }
        pthread_cond_broadcast(&ax->child_started);
        pthread_mutex_unlock(&ax->lock);
}

/* Makes the child. Return: its pid, negative error. */
static ax_pid make_child(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options, bool hosted,
                         int *ret_fd) {
        Axeberg__SpawnRequest request = AXEBERG__SPAWN_REQUEST__INIT;
        struct rpc rpc = { .fds = ret_fd, .max_fds = 1 };
        int32_t *fds;
        int r;

        if (options->n_fds > AX_FRAME_MAX_DATA / 16)
                return -AX_E2BIG;
        fds = calloc(options->n_fds * 2 + 1, sizeof(*fds));
        if (!fds)
                return -AX_ENOMEM;
        for (size_t i = 0; i < options->n_fds; i++) {
                fds[i] = options->fds[i].child_fd;
                fds[options->n_fds + i] = options->fds[i].fd;
        }
        request.argv = (char **) argv;
        for (size_t size = 0; argv && argv[request.n_argv] && size < 2048; request.n_argv++)
                size += strlen(argv[request.n_argv]);
        request.cwd = (char *) (options->cwd ? options->cwd : "");
        request.n_child_fds = request.n_fds = options->n_fds;
        request.child_fds = fds;
        request.fds = fds + options->n_fds;
        request.close_others = options->close_others;
        request.new_group = options->new_group;
        request.set_ids = options->set_ids;
        request.uid = options->uid;
        request.gid = options->gid;
        request.hosted = hosted;
        r = RPC(ax, spawn, &request, rpc_ignore, &rpc);
        free(fds);
        return r > 0 && rpc.n_fds != 1 ? -AX_EPROTO : r;
}

static int check_options(ax_client *ax, const struct ax_spawn_options *options) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (options->n_fds > 0 && !options->fds)
                return -AX_EINVAL;
        return options->cwd && !*options->cwd ? -AX_ENOENT : 0;
}

/* Starts the program of a child that the daemon has made. */
static ax_pid start_program(ax_client *ax, struct launch *launch, ax_pid pid, int fd) {
        struct host_child *child = add_child(ax, pid);
        pid_t host_pid = child ? launch_start(launch, fd) : -AX_ENOMEM;

        if (child)
                set_started(ax, child, host_pid);
        close(fd);
        if (host_pid > 0)
                return pid;
        ax_wait(ax, pid, NULL, AX_WAIT_ENDED); /* its connection is gone, and it with that */
        return host_pid;
}

ax_pid ax_spawn(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options) {
        static const struct ax_spawn_options inherit_all;
        struct launch launch = { 0 };
        ax_pid pid;
        int fd;

        if (!options)
                options = &inherit_all;
        pid = check_options(ax, options);
        if (pid == 0 && (!argv || !argv[0]))
                pid = -AX_EINVAL;
        if (pid == 0)
                pid = launch_init(ax, &launch, argv, options);
        if (pid == 0)
                pid = make_child(ax, argv, options, true, &fd);
        if (pid > 0)
                pid = start_program(ax, &launch, pid, fd);
        launch_deinit(&launch);
        return pid;
}

ax_pid ax_spawn_client(ax_client *ax, const struct ax_spawn_options *options, ax_client **ret) {
        static const struct ax_spawn_options inherit_all;
        ax_pid pid;
        int fd, r;

        if (!options)
                options = &inherit_all;
        pid = check_options(ax, options);
        if (pid == 0 && !ret)
                pid = -AX_EINVAL;
        if (pid == 0)
                pid = make_child(ax, NULL, options, false, &fd);
        if (pid < 0)
                return pid;
        r = client_connect(ret, fd);
        if (r == 0)
                return pid;
        ax_wait(ax, pid, NULL, AX_WAIT_ENDED);
        return r;
}

static void status_from_host(const siginfo_t *info, struct ax_wait_status *status) {
        status->kind = info->si_code == CLD_EXITED ? AX_EXITED : AX_SIGNALED;
        status->code = info->si_status;
}

/* With the lock held, which is released while the program is still being started. */
static struct host_child *child_from_pid(ax_client *ax, ax_pid pid) {
        struct host_child *child;

again:
        DL_FOREACH (ax->children, child) {
                if (child->pid != pid || child->reported)
                        continue;
                if (child->host_pid > 0)
                        return child;
                pthread_cond_wait(&ax->child_started, &ax->lock);
                goto again;
        }
        return NULL;
}

/* A child has ended: reaps its host program, which has ended too where the status is to be had from it. */
static void end_child(ax_client *ax, ax_pid pid, bool host_status, struct ax_wait_status *status) {
        struct host_child *child;
        siginfo_t info;

        pthread_mutex_lock(&ax->lock);
        child = child_from_pid(ax, pid);
        if (host_status)
                *status = (struct ax_wait_status){ AX_EXITED, 255 };
        if (child && host_status && reap(child, &info, 0) == 1) {
                status_from_host(&info, status);
                DL_DELETE(ax->children, child);
                free(child);
        } else if (child) {
                child->reported = true;
        }
        reap_reported(ax);
        pthread_mutex_unlock(&ax->lock);
}

struct wait_result {
        struct ax_wait_status status;
        bool host_status;
};

static void wait_on_reply(const Axeberg__WaitReply *reply, void *data) {
        struct wait_result *result = ((struct rpc *) data)->context;

        result->status.kind = (enum ax_wait_kind) reply->kind;
        result->status.code = reply->code;
        result->host_status = reply->host_status;
}

ax_pid ax_wait(ax_client *ax, ax_pid pid, struct ax_wait_status *ret, unsigned flags) {
        Axeberg__WaitRequest request = AXEBERG__WAIT_REQUEST__INIT;
        struct wait_result result = { 0 };
        struct rpc rpc = { .context = &result };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.pid = pid;
        request.flags = flags;
        r = RPC(ax, wait, &request, wait_on_reply, &rpc);
        if (r <= 0)
                return r;
        if (result.status.kind == AX_EXITED || result.status.kind == AX_SIGNALED)
                end_child(ax, r, result.host_status, &result.status);
        if (ret)
                *ret = result.status;
        return r;
}
