/* SPDX-License-Identifier: MIT */
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
#include "runtime.h"
#include "server/admission.h"
#include "server/input.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/log.h"

void server_init(struct server *server, struct kernel *kernel) {
        *server = (struct server){ .sessions.kernel = kernel, .listen_fd = -1, .spare_fd = -1 };
}

/* Out of descriptors: the client gets an error; left in the queue, it would wake us without end. */
static void refuse_without_descriptors(struct server *server) {
        int fd;

        log_warning("out of descriptors; refusing a client");
        cleanup_close(&server->spare_fd);
        fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
                close(fd);
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void server_resume(void *userdata) {
        struct server *server = userdata;

        if (server->listener)
                sd_event_source_set_enabled(server->listener, SD_EVENT_ON);
}

/*
 * While a client is being refused no other is accepted: a user who floods us with connections
 * beyond its limit must not pile them up here.
 */
static void refuse(struct server *server, int fd, int error) {
        if (error != -EDQUOT && error != -ESRCH)
                log_errno(LOG_WARNING, error, "refused a client");
        if (server->listener)
                sd_event_source_set_enabled(server->listener, SD_EVENT_OFF);
        admission_refuse(server->sessions.kernel->workers, fd, error == -ENFILE ? -EMFILE : error, server_resume,
                         server);
}

static int server_on_connection(sd_event_source *source, int listen_fd, uint32_t events, void *userdata) {
        struct server *server = userdata;
        uint64_t begin_nsec = clock_nsec(), now_nsec;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), r;
        struct user *user;

        (void) source;
        (void) events;
        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE)
                        refuse_without_descriptors(server);
                else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        log_errno(LOG_WARNING, errno, "cannot accept a client");
                return 0;
        }
        r = session_new(&server->sessions, fd, &user);
        if (r < 0)
                refuse(server, fd, r);
        now_nsec = clock_nsec();
        if (user)
                lane_account(&user->lane, now_nsec - begin_nsec, now_nsec);
        user_unref(user);
        return 0;
}

/* Clients do not talk to an impostor, but they do not reach us any more either. */
static void warn_of_others(const char *directory) {
        struct stat status;

        if (stat(directory, &status) < 0)
                return;
        if (status.st_uid != 0 && status.st_uid != geteuid())
                log_warning("uid %u can replace the socket: %s is theirs", (unsigned) status.st_uid, directory);
        else if ((status.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH)
                log_warning("everybody can replace the socket: %s is open to all and not sticky", directory);
}

/* The system's own directory is made; one that somebody named may be a slip of the pen. */
static int prepare_parent(const char *path) {
        _cleanup_free_ char *copy = strdup(path);
        struct stat status;
        char *parent;

        if (!copy)
                return log_errno(LOG_ERR, ENOMEM, "cannot listen on %s", path);
        parent = dirname(copy);
        if (strcmp(path, AX_SYSTEM_SOCKET) == 0)
                (void) mkdir(parent, 0755);
        if (stat(parent, &status) < 0)
                return log_errno(LOG_ERR, errno, "cannot listen on %s: its directory", path);
        warn_of_others(parent);
        return 0;
}

/* A socket that nobody serves is replaced, nothing else is. */
static int check_name(const char *path) {
        struct stat status;

        if (lstat(path, &status) < 0 || S_ISSOCK(status.st_mode))
                return 0;
        log_error("cannot listen on %s: it exists and is not a socket", path);
        return -EEXIST;
}

/* Whether somebody answers at a socket; if not, it is left over from a daemon that was killed. */
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
        /*
         * Admission decides who may connect; an unprivileged daemon serves its own user only. The
         * name gets the mode of the socket: chmod(2) afterwards would follow a link that somebody
         * has put there meanwhile.
         */
        if (fchmod(fd, identity_is_privileged() ? 0666 : 0600) < 0 ||
            bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        if (listen(fd, SOMAXCONN) < 0 || rename(address.sun_path, path) < 0) {
                r = -errno;
                unlink(address.sun_path);
                return r;
        }
        *ret_fd = steal_fd(&fd);
        return 0;
}

static int make_socket(struct server *server, const char *socket_path) {
        int r = prepare_parent(socket_path);

        if (r == 0)
                r = check_name(socket_path);
        if (r < 0)
                return r;
        r = listen_at(socket_path, &server->listen_fd);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot listen on %s", socket_path);
        server->socket_path = strdup(socket_path);
        return 0;
}

int server_listen(struct server *server, const char *socket_path, int inherited_fd) {
        int r = 0;

        if (inherited_fd >= 0)
                server->listen_fd = inherited_fd;
        else
                r = make_socket(server, socket_path);
        if (r < 0)
                return r;
        fcntl(server->listen_fd, F_SETFL, O_NONBLOCK); /* also of one that was handed over */
        server->sessions.admits_descriptors = !admission_block_descriptors(server->listen_fd);
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        r = sd_event_add_io(server->sessions.kernel->event, &server->listener, server->listen_fd, EPOLLIN,
                            server_on_connection, server);
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
        DL_FOREACH_SAFE (server->sessions.sessions, session, next) {
                session_free(session);
        }
        input_forget_buffers();
        cleanup_close(&server->spare_fd);
        server->spare_fd = -1;
}
