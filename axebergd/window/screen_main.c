/* SPDX-License-Identifier: MIT */
/*
 * The process of a screen: see screen_host.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "frame.h"
#include "memory/memfd.h"
#include "window/screen_host.h"

enum { NOBODY = 65534, MAX_MEMORY = 64 << 20, PIECE_SIZE = 1024, PIECE_LIMIT_S = 2 };

struct display {
        struct screen *screen;
        struct screen_page *page;
        uint64_t shown; /* the version that has been published */
};

static void send_message(char kind, const char *data, size_t size) {
        char message[4096];

        if (size > sizeof(message) - 1)
                size = sizeof(message) - 1;
        message[0] = kind;
        memcpy(message + 1, data, size);
        /* answers that the daemon does not take are lost, as on a terminal */
        send(SCREEN_SOCKET_FD, message, size + 1, MSG_NOSIGNAL | (kind == SCREEN_PUBLISHED ? 0 : MSG_DONTWAIT));
}

static void on_answer(void *userdata, const char *data, size_t size) {
        (void) userdata;
        send_message(SCREEN_ANSWER, data, size);
}

static void on_title(void *userdata, const char *title) {
        (void) userdata;
        send_message(SCREEN_TITLE, title, strlen(title));
}

static uint32_t cut(size_t length, size_t space) {
        return (uint32_t) (length < space ? length : space - 1);
}

static void publish_row(struct display *display, unsigned row) {
        struct screen_page *page = display->page;

        page->rows[row].lengths[false] =
                cut(screen_row_text(display->screen, row, false, page->dressed[row], SCREEN_DRESSED_SPACE),
                    SCREEN_DRESSED_SPACE);
        page->rows[row].lengths[true] = cut(
                screen_row_text(display->screen, row, true, page->plain[row], SCREEN_PLAIN_SPACE), SCREEN_PLAIN_SPACE);
        page->rows[row].version = screen_row_version(display->screen, row);
}

static void publish(struct display *display, uint64_t processed) {
        struct screen_page *page = display->page;
        struct screen_state state;

        screen_state(display->screen, &state);
        atomic_fetch_add(&page->sequence, 1);
        for (unsigned row = 0; row < state.rows; row++)
                if (screen_row_version(display->screen, row) > display->shown)
                        publish_row(display, row);
        page->state = state;
        atomic_fetch_add(&page->sequence, 1);
        display->shown = state.version;
        send_message(SCREEN_PUBLISHED, (const char *) &processed, sizeof(processed));
}

/*
 * A piece of a stream that takes so much processor time has caught libvterm in a loop (a combining
 * character at the start of a line, repeated, does). The signal ends this process, which the daemon
 * takes for a crash: the window goes on with an empty screen.
 */
static void limit_time(void) {
        const struct itimerval limit = { .it_value = { .tv_sec = PIECE_LIMIT_S } };

        setitimer(ITIMER_PROF, &limit, NULL);
}

/*
 * libvterm 0.1 keeps 64 bytes of a title that comes in two parts, so a string is not cut, nor its
 * end (ESC \) cut off.
 */
static size_t piece_size(const char *data, size_t size) {
        for (size_t i = PIECE_SIZE; i + 1 < size; i++)
                if (data[i] == '\n' || (data[i] == '\033' && data[i + 1] != '\\'))
                        return i;
        return size;
}

static void write_in_pieces(struct screen *screen, const char *data, size_t size) {
        while (size > 0) {
                size_t piece = piece_size(data, size);

                limit_time();
                screen_write(screen, data, piece);
                data += piece;
                size -= piece;
        }
}

static void on_message(struct display *display, const char *message, size_t size) {
        uint32_t numbers[2];

        limit_time();
        if (message[0] == SCREEN_WRITE)
                write_in_pieces(display->screen, message + 1, size - 1);
        else if (message[0] == SCREEN_TOUCH)
                screen_touch(display->screen);
        else if (message[0] == SCREEN_RESIZE && size == 1 + sizeof(numbers)) {
                memcpy(numbers, message + 1, sizeof(numbers));
                screen_resize(display->screen, numbers[0], numbers[1]);
        }
}

/* Prefer the packaged system user; fall back to nobody, which other services share. */
static bool become_nobody(void) {
        const struct passwd *user = getpwnam("axeberg");
        uid_t uid = user && user->pw_uid > 0 ? user->pw_uid : NOBODY;
        gid_t gid = user && user->pw_gid > 0 ? user->pw_gid : NOBODY;

        return chdir("/proc/self") == 0 && setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
               setresuid(uid, uid, uid) == 0;
}

/*
 * It works for one user: others, and the daemon, come first, and it goes first if memory runs out.
 */
static void give_way(void) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        setpriority(PRIO_PROCESS, 0, 10);
        if (fd < 0)
                return;
        (void) !write(fd, "500", 3);
        close(fd);
}

/* Nothing but memory and the two descriptors. */
static void drop_rights(void) {
        const struct rlimit none = { 0 };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which take terabytes */
        const struct rlimit memory = { MAX_MEMORY, MAX_MEMORY };

        setrlimit(RLIMIT_AS, &memory);
#endif
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        give_way();
        prctl(PR_SET_NAME, "axeberg-screen");
        prctl(PR_SET_DUMPABLE, 0);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (geteuid() == 0 && !become_nobody())
                _exit(EXIT_FAILURE);
        setrlimit(RLIMIT_NOFILE, &none);
        setrlimit(RLIMIT_NPROC, &none);
        setrlimit(RLIMIT_CORE, &none);
}

int screen_main(void) {
        static const struct screen_listener listener = { .answer = on_answer, .title = on_title };
        static char message[1 + AX_FRAME_MAX_SIZE];
        struct display display = { 0 };
        uint64_t processed = 0;

        drop_rights();
        display.page = mmap(NULL, sizeof(*display.page), PROT_READ | PROT_WRITE, MAP_SHARED, SCREEN_MEMORY_FD, 0);
        /*
         * before any stream is parsed: from now on nothing here can make the daemon wait for a page
         */
        if (display.page == MAP_FAILED || !memfd_seal(SCREEN_MEMORY_FD) ||
            screen_new(&display.screen, 24, 80, &listener, &display) < 0)
                return EXIT_FAILURE;
        publish(&display, 0);
        for (;;) {
                ssize_t n = recv(SCREEN_SOCKET_FD, message, sizeof(message), 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return EXIT_SUCCESS; /* the window has gone */
                do {                         /* what has come together is shown together */
                        on_message(&display, message, (size_t) n);
                        processed++;
                        n = recv(SCREEN_SOCKET_FD, message, sizeof(message), MSG_DONTWAIT);
                } while (n > 0);
                publish(&display, processed);
        }
}
