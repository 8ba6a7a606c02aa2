#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "kernel.h"
#include "server/session.h"
#include "syscalls/describe.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "util/log.h"

int server_init(struct server *server, struct kernel *kernel) {
        const ProtobufCServiceDescriptor *descriptor = &axeberg__kernel__descriptor;
        void (**handlers)(void);

        *server = (struct server){ .kernel = kernel, .listen_fd = -1, .spare_fd = -1 };
        axeberg__kernel__init(&server->service, NULL);
        syscalls_add_process(&server->service);
        syscalls_add_files(&server->service);
        syscalls_add_names(&server->service);
        syscalls_add_console(&server->service);
        syscalls_add_inspect(&server->service);
        syscalls_add_spawn(&server->service);
        syscalls_add_signals(&server->service);
        syscalls_add_tasks(&server->service);
        syscalls_add_memory(&server->service);
        server->kernel->method_name = describe_method;
        server->kernel->local_method = AX_METHOD(local_call);
        syscalls_add_pipes(&server->service);
        syscalls_add_trace(&server->service);
        syscalls_add_windows(&server->service);

        handlers = (void (**)(void))(&server->service.base + 1);
        for (unsigned i = 0; i < descriptor->n_methods; i++)
                if (!handlers[i]) {
                        log_error("the method %s has no handler", descriptor->methods[i].name);
                        return -ENOSYS;
                }
        return 0;
}

/* Out of descriptors: the client gets an error, and is not left in the queue where it would wake us for ever. */
static void refuse_without_descriptors(struct server *server) {
        int fd;

        log_warning("out of descriptors; refusing a client");
        cleanup_close(&server->spare_fd);
        fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
                close(fd);
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int server_on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata) {
        struct server *server = userdata;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), r;

        (void) source;
        (void) events;
        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE)
                        refuse_without_descriptors(server);
                else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        log_errno(LOG_WARNING, errno, "cannot accept a client");
                return 0;
        }
        r = session_new(server, fd);
        if (r < 0 && r != -EDQUOT && r != -ESRCH)
                log_errno(LOG_WARNING, r, "refused a client");
        return 0;
}

static int make_parent(const char *path) {
        _cleanup_free_ char *copy = strdup(path);
        char *parent;

        if (!copy)
                return -ENOMEM;
        parent = dirname(copy);
        return mkdir(parent, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Whether somebody answers at a socket; one that nobody answers at is left over from a daemon that was killed. */
static bool is_served(const struct sockaddr_un *address) {
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return false;
        return connect(fd, (const struct sockaddr *) address, sizeof(*address)) == 0 || errno == EAGAIN;
}

/* Listens under a temporary name and moves it into place: whoever sees the name can connect. */
static int listen_at(const char *path, int *ret_fd) {
        struct sockaddr_un address = { .sun_family = AF_UNIX }, final = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s.%d", path, (int) getpid());
        int r;

        if (fd < 0)
                return -errno;
        if ((size_t) n >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(final.sun_path, path);
        if (is_served(&final))
                return -EADDRINUSE;
        unlink(address.sun_path);
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        /* Who may connect is decided by admission; an unprivileged daemon serves its own user only. */
        if (chmod(address.sun_path, identity_is_privileged() ? 0666 : 0600) < 0 || listen(fd, SOMAXCONN) < 0 ||
            rename(address.sun_path, path) < 0) {
                r = -errno;
                unlink(address.sun_path);
                return r;
        }
        *ret_fd = steal_fd(&fd);
        return 0;
}

static int make_socket(struct server *server, const char *socket_path) {
        int r = make_parent(socket_path);

        if (r == 0)
                r = listen_at(socket_path, &server->listen_fd);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot listen on %s", socket_path);
        server->socket_path = strdup(socket_path);
        return 0;
}

int server_listen(struct server *server, const char *socket_path, int given) {
        int r = 0;

        if (given >= 0)
                server->listen_fd = given;
        else
                r = make_socket(server, socket_path);
        if (r < 0)
                return r;
        fcntl(server->listen_fd, F_SETFL, O_NONBLOCK); /* also of one that was handed over */
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        r = sd_event_add_io(server->kernel->event, &server->listener, server->listen_fd, EPOLLIN, server_on_connection,
                            server);
        return r < 0 ? log_errno(LOG_ERR, r, "cannot watch the socket") : 0;
}

void server_stop_listening(struct server *server) {
        server->listener = sd_event_source_disable_unref(server->listener);
        cleanup_close(&server->listen_fd);
        server->listen_fd = -1;
        if (server->socket_path)
                unlink(server->socket_path);
        free(steal_pointer(&server->socket_path));
}

void server_deinit(struct server *server) {
        struct session *session, *next;

        server_stop_listening(server);
        DL_FOREACH_SAFE (server->sessions, session, next) {
                session_free(session);
        }
        cleanup_close(&server->spare_fd);
        server->spare_fd = -1;
}
