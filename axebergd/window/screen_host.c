/* SPDX-License-Identifier: MIT */
#include "window/screen_host.h"

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
#include "memory/memfd.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/container.h"
#include "util/identity.h"
#include "util/log.h"
#include "util/workers.h"

/* So many processes a user can start at once; then one in each interval. */
enum { BURST = 64, START_INTERVAL_USEC = 20000 };

/* ---- the process ----------------------------------------------------------------------------- */

/* Its end is of no interest; it only has to be reaped. */
static int on_process_end(sd_event_source *source, const siginfo_t *info, void *userdata) {
        (void) userdata;
        if (info->si_code != CLD_EXITED)
                log_warning("a window's screen ended by signal %d", info->si_status);
        sd_event_source_disable_unref(source);
        return 0;
}

/*
 * The program is this one, called as "axebergd --screen". The descriptors go by way of numbers that
 * the two do not have yet.
 */
static int spawn(int socket_fd, int memory_fd, pid_t *ret) {
        static char name[] = "axebergd", option[] = "--screen";
        char *const arguments[] = { name, option, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
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

/*
 * A process that is being started: in a job, because executing a program takes a millisecond, and
 * perhaps later, because a user who opens and closes windows must not take all of our time. Data
 * that is written meanwhile waits in the socket. If the start fails, the socket ends.
 */
struct screen_start {
        struct job job;
        struct timer_entry delay; /* until the user may start another */
        const struct screen_starter *starter;
        struct screen_host *host; /* NULL: the window is gone */
        atomic_bool unwanted;
        int socket_fd, memory_fd;
        pid_t pid; /* or a negative errno */
};

static void start_free(struct screen_start *start) {
        if (start->host)
                start->host->start = NULL;
        timer_queue_remove(&start->job.user->lane.timers, &start->delay);
        cleanup_close(&start->socket_fd);
        cleanup_close(&start->memory_fd);
        user_unref(start->job.user);
        free(start);
}

static void start_run(struct job *job) {
        struct screen_start *start = container_of(job, struct screen_start, job);
        int r = atomic_load(&start->unwanted) ? -ECANCELED : 0;

        if (r == 0)
                r = move_up(&start->socket_fd);
        if (r == 0)
                r = move_up(&start->memory_fd);
        identity_restore_groups();
        if (r == 0)
                r = spawn(start->socket_fd, start->memory_fd, &start->pid);
        if (r < 0)
                start->pid = r;
}

static void start_done(struct job *job) {
        struct screen_start *start = container_of(job, struct screen_start, job);
        sd_event_source *child = NULL;
        int r = start->pid;

        if (r > 0)
                r = sd_event_add_child(start->starter->event, &child, start->pid, WEXITED, on_process_end, NULL);
        if (r < 0 && r != -ECANCELED)
                log_errno(LOG_WARNING, r, "cannot start a window's screen");
        start_free(start);
}

static void start_submit(struct screen_start *start) {
        int r = workers_submit(start->starter->workers, &start->job);

        if (r == 0)
                return;
        log_errno(LOG_WARNING, r, "cannot start a window's screen");
        start_free(start);
}

static void start_on_time(struct timer_entry *entry, uint64_t now_usec) {
        (void) now_usec;
        start_submit(container_of(entry, struct screen_start, delay));
}

/*
 * When the user's next process may start: the first few at once, then one after the other (the
 * generic cell rate algorithm).
 */
static uint64_t next_start_usec(struct user *user) {
        uint64_t now_usec = clock_usec(), burst_usec = BURST * START_INTERVAL_USEC, start_usec;

        if (user->window_pace_usec < now_usec)
                user->window_pace_usec = now_usec;
        start_usec = user->window_pace_usec > now_usec + burst_usec ? user->window_pace_usec - burst_usec : now_usec;
        user->window_pace_usec += START_INTERVAL_USEC;
        return start_usec;
}

/* Takes over the descriptors. */
static int start_new(struct screen_host *host, const struct screen_starter *starter, struct user *user, int socket_fd,
                     int memory_fd) {
        struct screen_start *start = calloc(1, sizeof(*start));
        uint64_t start_usec;
        int r = 0;

        if (!start) {
                close(socket_fd);
                close(memory_fd);
                return -ENOMEM;
        }
        start->job = (struct job){ .run = start_run, .done = start_done, .user = user_ref(user), .slow = true };
        start->delay.fire = start_on_time;
        start->starter = starter;
        start->host = host;
        start->socket_fd = socket_fd;
        start->memory_fd = memory_fd;
        host->start = start;
        start_usec = next_start_usec(user);
        if (start_usec <= clock_usec()) {
                start_submit(start);
                return host->start ? 0 : -EAGAIN;
        }
        r = timer_queue_add(&user->lane.timers, &start->delay, start_usec);
        if (r < 0)
                start_free(start);
        return r;
}

/* The window goes. */
static void start_abandon(struct screen_start *start) {
        if (!start)
                return;
        start->host->start = NULL;
        start->host = NULL;
        atomic_store(&start->unwanted, true);
        if (start->delay.place > 0)
                start_free(start);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void end(struct screen_host *host) {
        if (host->ended)
                return;
        host->ended = true;
        lane_unwatch(&host->io);
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

static void on_io(struct lane_source *source, uint32_t events) {
        struct screen_host *host = container_of(source, struct screen_host, io);

        if (events & EPOLLOUT && !(events & (EPOLLHUP | EPOLLERR))) {
                lane_set_events(source, EPOLLIN);
                host->listener->writable(host->userdata);
        }
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(host);
}

/* Charges for the socket, the descriptors that go to the process, and the screen. */
static int host_charge(struct screen_host *host) {
        int r = user_charge(host->user, &host->fd_charge, USER_HOST_FDS, 3);

        return r < 0 ? r : user_charge(host->user, &host->map_charge, USER_MAPPINGS, 1);
}

static int host_begin(struct screen_host *host) {
        int fds[2], memory, r;
        void *map;

        memory = memfd_make(sizeof(struct screen_page), MEMFD_SEALED_LATER, &map);
        if (memory < 0)
                return -ENOMEM;
        host->page = map;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
                r = -errno;
                close(memory);
                return r;
        }
        host->fd = fds[0];
        r = start_new(host, host->starter, host->user, fds[1], memory);
        return r < 0 ? r : lane_watch(&host->user->lane, &host->io, host->fd, EPOLLIN, on_io);
}

int screen_host_init(struct screen_host *host, const struct screen_starter *starter, struct user *user,
                     const struct screen_host_listener *listener, void *userdata) {
        int r;

        *host = (struct screen_host){
                .listener = listener, .userdata = userdata, .starter = starter, .user = user, .fd = -1
        };
        r = host_charge(host);
        if (r == 0)
                r = host_begin(host);
        if (r < 0)
                screen_host_deinit(host);
        return r;
}

int screen_host_restart(struct screen_host *host) {
        uint64_t sent = host->sent;
        struct screen_state state;
        int r;

        screen_host_state(host, &state);
        screen_host_deinit(host);
        r = screen_host_init(host, host->starter, host->user, host->listener, host->userdata);
        host->sent = host->base = sent;
        host->version_base = state.version + 1;
        host->ended = r < 0;
        return r;
}

void screen_host_deinit(struct screen_host *host) {
        start_abandon(host->start);
        lane_unwatch(&host->io);
        cleanup_close(&host->fd);
        host->fd = -1;
        if (host->page)
                munmap((void *) host->page, sizeof(*host->page));
        host->page = NULL;
        user_charge_deinit(&host->fd_charge);
        user_charge_deinit(&host->map_charge);
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
                lane_set_events(&host->io, EPOLLIN | EPOLLOUT);
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

/* ---- what it shows --------------------------------------------------------------------------- */

bool screen_host_has_processed(const struct screen_host *host, uint64_t messages) {
        return host->ended || (host->shows && host->base + host->processed >= messages);
}

void screen_host_state(const struct screen_host *host, struct screen_state *ret) {
        memcpy(ret, &host->page->state, sizeof(*ret));
        ret->version += host->version_base;
        if (ret->rows < 1 || ret->rows > AX_SCREEN_MAX_ROWS)
                ret->rows = 1;
        if (ret->columns > AX_SCREEN_MAX_COLUMNS)
                ret->columns = AX_SCREEN_MAX_COLUMNS;
}

uint64_t screen_host_row_version(const struct screen_host *host, unsigned row) {
        return host->version_base + host->page->rows[row].version;
}

enum { MAX_TRIES = 100 };

/*
 * A row that is being written now is tried again; a version that comes later brings it right in any
 * case.
 */
size_t screen_host_row_text(const struct screen_host *host, unsigned row, bool plain, char *buffer, size_t size) {
        const char *text = plain ? host->page->plain[row] : host->page->dressed[row];
        size_t space = plain ? SCREEN_PLAIN_SPACE : SCREEN_DRESSED_SPACE, length = 0;

        for (int i = 0; i < MAX_TRIES; i++) {
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
