/*
 * The process of a screen: see screen_host.h.
 */
#include <errno.h>
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
#include <unistd.h>

#include "frame.h"
#include "object/screen_host.h"

enum { NOBODY = 65534, MOST_MEMORY = 256 << 20 };

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

static void on_message(struct display *display, const char *message, size_t size) {
        uint32_t numbers[2];

        if (message[0] == SCREEN_WRITE)
                screen_write(display->screen, message + 1, size - 1);
        else if (message[0] == SCREEN_TOUCH)
                screen_touch(display->screen);
        else if (message[0] == SCREEN_RESIZE && size == 1 + sizeof(numbers)) {
                memcpy(numbers, message + 1, sizeof(numbers));
                screen_resize(display->screen, numbers[0], numbers[1]);
        }
}

/* A system user that the packages make for this alone, else nobody, whom others share. */
static bool become_nobody(void) {
        const struct passwd *user = getpwnam("axeberg");
        uid_t uid = user && user->pw_uid > 0 ? user->pw_uid : NOBODY;
        gid_t gid = user && user->pw_gid > 0 ? user->pw_gid : NOBODY;

        return chdir("/proc/self") == 0 && setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
               setresuid(uid, uid, uid) == 0;
}

/* Nothing but memory and the two descriptors. */
static void drop_rights(void) {
        const struct rlimit none = { 0 };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which take terabytes */
        const struct rlimit memory = { MOST_MEMORY, MOST_MEMORY };

        setrlimit(RLIMIT_AS, &memory);
#endif
        prctl(PR_SET_PDEATHSIG, SIGKILL);
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
        if (display.page == MAP_FAILED || screen_new(&display.screen, 24, 80, &listener, &display) < 0)
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
