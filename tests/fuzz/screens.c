/* SPDX-License-Identifier: MIT */
#include "screens.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "window/screen_host.h"

enum { SCREENS = 64, MAX_MESSAGE = 65536 };

struct served {
        int socket, memory; /* socket -1: the place is free */
        uint64_t processed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct served screens[SCREENS] = { [0 ... SCREENS - 1] = { .socket = -1, .memory = -1 } };
static _Thread_local int next_socket = -1, next_memory = -1;

int __real_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]);
int __wrap_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]);
int __real_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to);
int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to);

int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to) {
        if (to == SCREEN_SOCKET_FD)
                next_socket = from;
        if (to == SCREEN_MEMORY_FD)
                next_memory = from;
        return __real_posix_spawn_file_actions_adddup2(actions, from, to);
}

static void adopt_screen(void) {
        struct served *screen = NULL;

        pthread_mutex_lock(&lock);
        for (unsigned i = 0; i < SCREENS && !screen; i++)
                if (screens[i].socket < 0)
                        screen = &screens[i];
        must(screen != NULL);
        *screen = (struct served){ .socket = fcntl(next_socket, F_DUPFD_CLOEXEC, 0),
                                   .memory = fcntl(next_memory, F_DUPFD_CLOEXEC, 0) };
        must(screen->socket >= 0 && screen->memory >= 0);
        pthread_mutex_unlock(&lock);
}

int __wrap_posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
        siginfo_t info;
        int r;

        (void) path;
        (void) actions;
        r = __real_posix_spawn(ret, "/bin/true", NULL, attributes, arguments, environment);
        if (r != 0)
                return r;
        adopt_screen();
        /* so that its end is known whenever the event loop is asked */
        must(waitid(P_PID, (id_t) *ret, &info, WEXITED | WNOWAIT) == 0);
        return 0;
}

static void end(struct served *screen) {
        close(screen->socket);
        close(screen->memory);
        *screen = (struct served){ .socket = -1, .memory = -1 };
}

static void tell(const struct served *screen, const void *message, size_t size) {
        if (size > 0)
                (void) !send(screen->socket, message, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void publish(const struct served *screen) {
        uint8_t message[1 + sizeof(screen->processed)] = { SCREEN_PUBLISHED };

        memcpy(message + 1, &screen->processed, sizeof(screen->processed));
        tell(screen, message, sizeof(message));
}

/* The first two bytes are the place, in units of 64: the memory's beginning has what matters. */
static void scribble(const struct served *screen, const uint8_t *data, size_t size) {
        off_t place = size >= 2 ? (data[0] | data[1] << 8) * 64 : 0;

        if (size >= 2 && place + (off_t) size < (off_t) sizeof(struct screen_page))
                (void) !pwrite(screen->memory, data + 2, size - 2, place);
}

/* A well-behaved one has text in its first rows. */
static void draw(const struct served *screen, const uint8_t *text, size_t size) {
        struct screen_page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, screen->memory, 0);

        if (page == MAP_FAILED)
                return;
        if (size > SCREEN_PLAIN_SPACE)
                size = SCREEN_PLAIN_SPACE;
        page->state.version++;
        page->state.rows = 24;
        page->state.columns = 80;
        page->rows[0].version = page->state.version;
        page->rows[0].lengths[0] = page->rows[0].lengths[1] = (uint32_t) size;
        memcpy(page->dressed[0], text, size);
        memcpy(page->plain[0], text, size);
        munmap(page, sizeof(*page));
}

static void serve_message(struct served *screen, const uint8_t *message, size_t size) {
        screen->processed++;
        if (message[0] == SCREEN_WRITE && size > 1) {
                switch (message[1]) {
                case SCREEN_SAYS:
                        tell(screen, message + 2, size - 2);
                        return;
                case SCREEN_SCRIBBLES:
                        scribble(screen, message + 2, size - 2);
                        break;
                case SCREEN_ENDS:
                        end(screen);
                        return;
                case SCREEN_HOLDS_BACK:
                        return;
                default:
                        draw(screen, message + 1, size - 1);
                        break;
                }
        }
        publish(screen);
}

static bool serve(struct served *screen) {
        static uint8_t message[MAX_MESSAGE];
        ssize_t n = recv(screen->socket, message, sizeof(message), MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN)
                return false;
        if (n > 0)
                serve_message(screen, message, (size_t) n);
        else
                end(screen);
        return true;
}

bool screens_serve(void) {
        bool served = false;

        pthread_mutex_lock(&lock);
        for (unsigned i = 0; i < SCREENS; i++)
                while (screens[i].socket >= 0 && serve(&screens[i]))
                        served = true;
        pthread_mutex_unlock(&lock);
        return served;
}
