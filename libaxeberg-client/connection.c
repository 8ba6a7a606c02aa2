/*
 * Connecting, disconnecting, and what an event loop needs.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "transport.h"

#define DEFAULT_SOCKET "/run/axeberg/axebergd.sock"

enum { MAX_ARGUMENTS = 16, MAX_COMMAND_LINE = 2048 };

/* What this program was started as. Return: how many arguments; they point into `text`. */
static size_t read_arguments(char text[static MAX_COMMAND_LINE], char *arguments[static MAX_ARGUMENTS]) {
        int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? 0 : read(fd, text, MAX_COMMAND_LINE - 1);
        size_t count = 0;

        if (fd >= 0)
                close(fd);
        if (size < 0)
                size = 0;
        text[size] = '\0';
        for (char *at = text; at < text + size && count < MAX_ARGUMENTS; at += strlen(at) + 1)
                arguments[count++] = at;
        return count;
}

static void hello_on_reply(const Axeberg__HelloReply *reply, void *data) {
        ax_client *ax = ((struct rpc *) data)->context;

        atomic_store(&ax->pid, reply->pid);
}

static int hello(ax_client *ax) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        char text[MAX_COMMAND_LINE], *arguments[MAX_ARGUMENTS];
        int fds[3], r;
        struct rpc rpc = { .context = ax, .fds = fds, .max_fds = 3 };

        request.version = AX_PROTOCOL_VERSION;
        request.n_argv = read_arguments(text, arguments);
        request.argv = arguments;
        r = RPC(ax, hello, &request, hello_on_reply, &rpc);
        if (rpc.n_fds == 3)
                client_map_pages(ax, fds);
        else
                for (size_t i = 0; i < rpc.n_fds; i++)
                        close(fds[i]);
        return r >= 0 && atomic_load(&ax->pid) <= 0 ? -AX_EPROTO : r;
}

static int connect_path(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd, r;

        if (!*path)
                return -AX_ENOENT; /* not the nameless abstract socket */
        if (strlen(path) >= sizeof(address.sun_path))
                return -AX_ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        do
                r = connect(fd, (struct sockaddr *) &address, sizeof(address));
        while (r < 0 && errno == EINTR);
        if (r < 0) {
                r = errno == EPROTOTYPE ? -AX_ECONNREFUSED : -errno; /* a socket of another kind */
                close(fd);
                return r;
        }
        return fd;
}

int ax_socket_path(char *buf, size_t size) {
        const char *environment = getenv("AXEBERG_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
        int n;

        if (!buf)
                return -AX_EINVAL;
        if (environment && *environment) {
                n = snprintf(buf, size, "%s", environment);
        } else {
                n = runtime && *runtime && geteuid() != 0 ? snprintf(buf, size, "%s/axeberg/axebergd.sock", runtime)
                                                          : 0;
                if (n == 0 || ((size_t) n < size && access(buf, F_OK) < 0))
                        n = snprintf(buf, size, DEFAULT_SOCKET);
        }
        return (size_t) n < size ? n : -AX_ERANGE;
}

/* The connection that ax_spawn() left for us; it is adopted once. Return: descriptor, -AX_ENOENT there is none, -AX_EINVAL it is not one. */
static int connect_inherited(void) {
        const char *text = getenv("AXEBERG_FD"), *owner = getenv("AXEBERG_PID");
        int type, domain;
        struct sockaddr_un peer;
        socklen_t size = sizeof(int), peer_size = sizeof(peer);
        char *end;
        long fd;

        if (!text || !*text)
                return -AX_ENOENT;
        if (owner && strtol(owner, NULL, 10) != getpid())
                return -AX_ENOENT; /* our parent's, which did not take it out of the environment */
        fd = strtol(text, &end, 10);
        unsetenv("AXEBERG_FD");
        unsetenv("AXEBERG_PID");
        if (*end || fd < 0 || fd > INT32_MAX)
                return -AX_EINVAL;
        if (getsockopt((int) fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
            getsockopt((int) fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || type != SOCK_SEQPACKET ||
            domain != AF_UNIX || getpeername((int) fd, (struct sockaddr *) &peer, &peer_size) < 0)
                return -AX_EINVAL;
        fcntl((int) fd, F_SETFD, FD_CLOEXEC);
        return (int) fd;
}

static int open_connection(const char *socket_path) {
        char path[sizeof(((struct sockaddr_un *) NULL)->sun_path)];
        int fd;

        if (socket_path)
                return connect_path(socket_path);
        fd = connect_inherited();
        if (fd != -AX_ENOENT)
                return fd;
        return ax_socket_path(path, sizeof(path)) < 0 ? -AX_ENAMETOOLONG : connect_path(path);
}

int client_connect(ax_client **ret, int fd) {
        ax_client *ax;
        int r = client_new(&ax, fd);

        if (r < 0) {
                close(fd);
                return r;
        }
        r = hello(ax);
        if (r < 0) {
                client_free(ax);
                return r;
        }
        *ret = ax;
        return 0;
}

int ax_connect(ax_client **ret, const char *socket_path) {
        int fd, r;

        if (!ret)
                return -AX_EINVAL;
        fd = open_connection(socket_path);
        if (fd < 0)
                return fd;
        r = client_connect(ret, fd);
        /* for programs that this one starts; they do without where it cannot be had */
        if (r == 0 && socket_path)
                (*ret)->socket_path = realpath(socket_path, NULL);
        return r;
}

void ax_disconnect(ax_client *ax) {
        if (!ax)
                return;
        if (client_check(ax) == 0)
                ax_exit(ax, 0);
        client_free(ax);
}

/* Makes the descriptor that joins the socket with the library's own reasons to be looked after. With the lock held. */
static int make_epoll(ax_client *ax) {
        struct epoll_event event = { .events = EPOLLIN };

        ax->event_fd = eventfd(ax->handlers_due, EFD_CLOEXEC | EFD_NONBLOCK);
        ax->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (ax->event_fd >= 0 && ax->epoll_fd >= 0 &&
            epoll_ctl(ax->epoll_fd, EPOLL_CTL_ADD, ax->event_fd, &event) == 0 &&
            epoll_ctl(ax->epoll_fd, EPOLL_CTL_ADD, ax->fd, &event) == 0)
                return ax->epoll_fd;
        if (ax->event_fd >= 0)
                close(ax->event_fd);
        if (ax->epoll_fd >= 0)
                close(ax->epoll_fd);
        ax->event_fd = ax->epoll_fd = -1;
        return -AX_EMFILE;
}

int ax_fileno(ax_client *ax) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        pthread_mutex_lock(&ax->lock);
        r = ax->epoll_fd >= 0 ? ax->epoll_fd : make_epoll(ax);
        pthread_mutex_unlock(&ax->lock);
        return r;
}

static struct timespec deadline_after(double timeout_ms) {
        struct timespec deadline;

        clock_gettime(CLOCK_MONOTONIC, &deadline);
        if (timeout_ms > 1e12) /* thirty years: as good as for ever, and no overflow */
                timeout_ms = 1e12;
        deadline.tv_sec += (time_t) (timeout_ms / 1e3);
        deadline.tv_nsec += (long) (fmod(timeout_ms, 1e3) * 1e6);
        if (deadline.tv_nsec >= 1000000000) {
                deadline.tv_sec++;
                deadline.tv_nsec -= 1000000000;
        }
        return deadline;
}

static bool is_past(const struct timespec *deadline) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

int ax_dispatch(ax_client *ax, double timeout_ms) {
        int r = client_check(ax);
        struct timespec deadline;

        if (r < 0)
                return r;
        if (isnan(timeout_ms))
                return -AX_EINVAL;
        deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
        do {
                r = client_wait_events(ax, timeout_ms < 0 ? NULL : &deadline);
                if (r > 0)
                        r = client_run_handlers(ax);
                /* another thread may have been faster, or a signal without a handler have come */
        } while (r == 0 && (timeout_ms < 0 || !is_past(&deadline)));
        return r;
}
