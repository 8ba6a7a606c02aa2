#include "object/screen_host.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axeberg.h"
#include "memory/region.h"
#include "util/cleanup.h"
#include "util/log.h"

/* ---- the process ------------------------------------------------------------------------------------------------- */

/* Its end is of no interest; it only has to be reaped. */
static int on_process_end(sd_event_source *source, const siginfo_t *info, void *userdata) {
        (void) userdata;
        if (info->si_code != CLD_EXITED)
                log_warning("a window's screen ended by signal %d", info->si_status);
        sd_event_source_disable_unref(source);
        return 0;
}

/* The program is this one, called as "axebergd --screen". The descriptors go by way of numbers that the two do not have yet. */
static int spawn(int socket_fd, int memory_fd, pid_t *ret) {
        static char name[] = "axebergd", option[] = "--screen";
        char *const arguments[] = { name, option, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        posix_spawn_file_actions_adddup2(&actions, socket_fd, SCREEN_SOCKET_FD);
        posix_spawn_file_actions_adddup2(&actions, memory_fd, SCREEN_MEMORY_FD);
        r = posix_spawn(ret, "/proc/self/exe", &actions, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* Above the numbers that the process's descriptors will have. */
static int move_up(int *fd) {
        int moved = fcntl(*fd, F_DUPFD_CLOEXEC, SCREEN_MEMORY_FD + 1);

        if (moved < 0)
                return -errno;
        close(*fd);
        *fd = moved;
        return 0;
}

static int start(sd_event *event, int *socket_fd, int *memory_fd) {
        sd_event_source *child = NULL;
        pid_t pid;
        int r = move_up(socket_fd);

        if (r == 0)
                r = move_up(memory_fd);
        if (r == 0)
                r = spawn(*socket_fd, *memory_fd, &pid);
        if (r < 0)
                return r;
        r = sd_event_add_child(event, &child, pid, WEXITED, on_process_end, NULL);
        return r < 0 ? r : 0;
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

static void end(struct screen_host *host) {
        if (host->ended)
                return;
        host->ended = true;
        host->io = sd_event_source_disable_unref(host->io);
        host->listener->ended(host->userdata);
        host->listener->published(host->userdata);
        host->listener->writable(host->userdata);
}

static void receive(struct screen_host *host) {
        char message[4096 + 1];
        ssize_t n = recv(host->fd, message, sizeof(message) - 1, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                end(host);
                return;
        }
        message[n] = '\0';
        if (message[0] == SCREEN_PUBLISHED && n == 1 + sizeof(host->processed)) {
                memcpy(&host->processed, message + 1, sizeof(host->processed));
                host->shows = true;
                host->listener->published(host->userdata);
        } else if (message[0] == SCREEN_ANSWER)
                host->listener->answer(host->userdata, message + 1, (size_t) n - 1);
        else if (message[0] == SCREEN_TITLE)
                host->listener->title(host->userdata, message + 1);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct screen_host *host = userdata;

        (void) fd;
        if (events & EPOLLOUT && !(events & (EPOLLHUP | EPOLLERR))) {
                sd_event_source_set_io_events(source, EPOLLIN);
                host->listener->writable(host->userdata);
        }
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(host);
        return 0;
}

int screen_host_init(struct screen_host *host, sd_event *event, const struct screen_host_listener *listener,
                     void *userdata) {
        _cleanup_close_ int memory = -1, theirs = -1;
        int fds[2], r;
        void *map;

        *host = (struct screen_host){ .listener = listener, .userdata = userdata, .fd = -1 };
        memory = region_make_memory(sizeof(struct screen_page), AX_PROT_READ_WRITE, &map);
        if (memory < 0)
                return -ENOMEM;
        host->page = map;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
                screen_host_deinit(host);
                return -errno;
        }
        host->fd = fds[0];
        theirs = fds[1];
        r = start(event, &theirs, &memory);
        if (r == 0)
                r = sd_event_add_io(event, &host->io, host->fd, EPOLLIN, on_io, host);
        if (r < 0)
                screen_host_deinit(host);
        return r < 0 ? r : 0;
}

int screen_host_restart(struct screen_host *host, sd_event *event) {
        uint64_t sent = host->sent;
        struct screen_state state;
        int r;

        screen_host_state(host, &state);
        screen_host_deinit(host);
        r = screen_host_init(host, event, host->listener, host->userdata);
        host->sent = host->base = sent;
        host->version_base = state.version + 1;
        host->ended = r < 0;
        return r;
}

void screen_host_deinit(struct screen_host *host) {
        host->io = sd_event_source_disable_unref(host->io);
        cleanup_close(&host->fd);
        host->fd = -1;
        if (host->page)
                munmap((void *) host->page, sizeof(*host->page));
        host->page = NULL;
}

static int send_message(struct screen_host *host, char kind, const void *data, size_t size) {
        struct iovec parts[2] = { { &kind, 1 }, { (void *) data, size } };
        const struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };

        if (host->ended)
                return -EIO;
        if (sendmsg(host->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
                        end(host); /* which may begin again */
                        return host->ended ? -EIO : send_message(host, kind, data, size);
                }
                sd_event_source_set_io_events(host->io, EPOLLIN | EPOLLOUT);
                return -EAGAIN;
        }
        host->sent++;
        return 0;
}

ssize_t screen_host_write(struct screen_host *host, const void *data, size_t size) {
        int r = size > 0 ? send_message(host, SCREEN_WRITE, data, size) : 0;

        return r < 0 ? r : (ssize_t) size;
}

int screen_host_resize(struct screen_host *host, unsigned rows, unsigned columns) {
        const uint32_t size[2] = { rows, columns };

        return send_message(host, SCREEN_RESIZE, size, sizeof(size));
}

void screen_host_touch(struct screen_host *host) {
        send_message(host, SCREEN_TOUCH, NULL, 0);
}

/* ---- what it shows -------------------------------------------------------------------------------------------------- */

bool screen_host_has_processed(const struct screen_host *host, uint64_t messages) {
        return host->ended || (host->shows && host->base + host->processed >= messages);
}

void screen_host_state(const struct screen_host *host, struct screen_state *ret) {
        memcpy(ret, &host->page->state, sizeof(*ret));
        ret->version += host->version_base;
        if (ret->rows < 1 || ret->rows > SCREEN_MOST_ROWS)
                ret->rows = 1;
        if (ret->columns > SCREEN_MOST_COLUMNS)
                ret->columns = SCREEN_MOST_COLUMNS;
}

uint64_t screen_host_row_version(const struct screen_host *host, unsigned row) {
        return host->version_base + host->page->rows[row].version;
}

enum { MOST_TRIES = 100 };

/* A row that is being written now is tried again; a version that comes later brings it right in any case. */
size_t screen_host_row_text(const struct screen_host *host, unsigned row, bool plain, char *buffer, size_t size) {
        const char *text = plain ? host->page->plain[row] : host->page->dressed[row];
        size_t space = plain ? SCREEN_PLAIN_SPACE : SCREEN_DRESSED_SPACE, length = 0;

        for (int i = 0; i < MOST_TRIES; i++) {
                uint32_t before = atomic_load(&host->page->sequence);

                length = __atomic_load_n(&host->page->rows[row].lengths[plain], __ATOMIC_RELAXED);
                if (length > space)
                        length = space;
                if (length > size)
                        return length;
                memcpy(buffer, text, length);
                if (before % 2 == 0 && atomic_load(&host->page->sequence) == before)
                        break;
        }
        return length;
}
