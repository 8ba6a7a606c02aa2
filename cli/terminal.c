/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Private events, besides those that terminal_wait() returns. */
enum { EVENT_STOP = 1 << 8, EVENT_CONTINUED = 1 << 9 };

enum { PATIENCE_SECONDS = 10 };

/* There is one terminal. Its settings before, and while keys are read. */
static struct termios settings_before, settings_taken;
static bool is_known; /* settings_before is valid */
static bool is_taken;

bool terminal_is_there(void) {
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool terminal_size(unsigned *ret_rows, unsigned *ret_columns) {
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
                return false;
        *ret_rows = size.ws_row;
        *ret_columns = size.ws_col;
        return true;
}

size_t terminal_columns(void) {
        unsigned rows, columns;

        if (!isatty(STDOUT_FILENO))
                return 0;
        return terminal_size(&rows, &columns) ? columns : 80;
}

/* ---- signals --------------------------------------------------------------------------------- */

static void wake(struct terminal *terminal, unsigned events) {
        atomic_fetch_or(&terminal->events, events);
        eventfd_write(terminal->wake_fd, 1);
}

/*
 * The other threads end in order, if they can: a terminal that takes no more output holds them up.
 */
static void end_soon(struct terminal *terminal, int signal) {
        const struct timespec patience = { .tv_sec = PATIENCE_SECONDS };

        atomic_store(&terminal->signal, signal);
        ax_cancel_fire(terminal->cancel);
        wake(terminal, TERMINAL_ENDED);
        if (signal_thread_ends_within(&terminal->signals, &patience))
                return;
        if (is_known)
                tcsetattr(STDIN_FILENO, TCSANOW, &settings_before);
        signal_take_effect(signal);
}

static void *signals_main(void *userdata) {
        struct terminal *terminal = userdata;
        int signal;

        while ((signal = signal_thread_wait(&terminal->signals, NULL, NULL)) >= 0) {
                if (signal == SIGWINCH)
                        wake(terminal, TERMINAL_RESIZED);
                else if (signal == SIGTSTP)
                        wake(terminal, EVENT_STOP);
                else if (signal == SIGCONT)
                        wake(terminal, EVENT_CONTINUED);
                else if (signal > 0) {
                        end_soon(terminal, signal);
                        break;
                }
        }
        return NULL;
}

int terminal_init(struct terminal *terminal) {
        static const int signals[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT };
        int r;

        terminal->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (terminal->wake_fd < 0)
                return -errno;
        is_known = tcgetattr(STDIN_FILENO, &settings_before) == 0;
        signal_thread_init(&terminal->signals, signals, sizeof(signals) / sizeof(signals[0]));
        r = ax_cancel_new(&terminal->cancel);
        if (r == 0) {
                signal_thread_block(&terminal->signals);
                r = signal_thread_begin(&terminal->signals, signals_main, terminal);
        }
        if (r == 0) {
                ax_cancel_use(terminal->cancel);
                return 0;
        }
        ax_cancel_free(terminal->cancel);
        close(terminal->wake_fd);
        return r;
}

void terminal_deinit(struct terminal *terminal) {
        signal_thread_end(&terminal->signals);
        ax_cancel_use(NULL);
        ax_cancel_free(terminal->cancel);
        close(terminal->wake_fd);
        if (atomic_load(&terminal->signal))
                signal_take_effect(atomic_load(&terminal->signal));
}

void terminal_stop(struct terminal *terminal) {
        wake(terminal, TERMINAL_ENDED);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void leave(struct terminal *terminal) {
        if (terminal->on_leave)
                terminal->on_leave(terminal->userdata);
        if (is_taken)
                tcsetattr(STDIN_FILENO, TCSANOW, &settings_before);
}

/* In the background, this stops axctl until it is in the foreground. */
static void enter(struct terminal *terminal) {
        if (is_taken)
                tcsetattr(STDIN_FILENO, TCSANOW, &settings_taken);
        if (terminal->on_enter)
                terminal->on_enter(terminal->userdata);
}

/*
 * Stops axctl, and takes the terminal again when it is continued; also after a SIGSTOP.
 */
static unsigned stop_and_go(struct terminal *terminal, unsigned events) {
        if (!(events & (EVENT_STOP | EVENT_CONTINUED)))
                return events;
        if (events & EVENT_STOP) {
                leave(terminal);
                signal_take_effect(SIGTSTP);
        }
        enter(terminal);
        return (events & (TERMINAL_ENDED | TERMINAL_RESIZED)) | TERMINAL_RESIZED;
}

unsigned terminal_wait(struct terminal *terminal, int timeout_ms) {
        struct pollfd fds[] = {
                { .fd = STDIN_FILENO, .events = POLLIN },
                { .fd = terminal->wake_fd, .events = POLLIN },
        };
        unsigned events = 0;
        eventfd_t count;

        if (poll(fds, 2, timeout_ms) < 0)
                return 0; /* interrupted */
        if (fds[1].revents) {
                eventfd_read(terminal->wake_fd, &count);
                events = stop_and_go(terminal, atomic_exchange(&terminal->events, 0));
        }
        if (fds[0].revents & (POLLHUP | POLLERR))
                events |= TERMINAL_ENDED; /* hung up */
        return events | (fds[0].revents ? TERMINAL_KEYS : 0);
}

/* ---- running --------------------------------------------------------------------------------- */

static int tell_size(struct terminal *terminal) {
        unsigned rows, columns;

        if (!terminal->on_resize || !terminal_size(&rows, &columns))
                return 0;
        return terminal->on_resize(terminal->userdata, rows, columns);
}

/* Returns 1 to continue, 0 at the end, or a negative error. */
static int read_keys(struct terminal *terminal) {
        char keys[1024], *escape;
        ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
        int r;

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 1 : -errno;
        if (n == 0)
                return 0;
        escape = memchr(keys, TERMINAL_ESCAPE, (size_t) n);
        if (escape)
                n = escape - keys;
        r = n > 0 ? terminal->on_keys(terminal->userdata, keys, (size_t) n) : 0;
        return r < 0 ? r : !escape;
}

static int run(struct terminal *terminal) {
        int r = tell_size(terminal);

        r = r < 0 ? r : 1;
        while (r > 0) {
                unsigned events = terminal_wait(terminal, -1);

                if (events & TERMINAL_ENDED)
                        return 0;
                r = events & TERMINAL_RESIZED ? tell_size(terminal) : 0;
                r = r < 0 ? r : 1;
                if (r > 0 && events & TERMINAL_KEYS)
                        r = read_keys(terminal);
        }
        return r;
}

/* Output processing stays on: programs end lines with a line feed alone. */
static struct termios as_single_keys(const struct termios *old, bool returns) {
        struct termios keys = *old;

        keys.c_lflag &= ~(tcflag_t) (ICANON | ECHO | ISIG | IEXTEN);
        keys.c_iflag &= ~(tcflag_t) (IXON | ISTRIP | INLCR);
        if (returns)
                keys.c_iflag &= ~(tcflag_t) ICRNL;
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        return keys;
}

int terminal_run(struct terminal *terminal) {
        int r;

        if (!is_known)
                return -ENOTTY;
        settings_taken = as_single_keys(&settings_before, terminal->returns);
        is_taken = true;
        tcsetattr(STDIN_FILENO, TCSANOW, &settings_taken);
        r = run(terminal);
        tcsetattr(STDIN_FILENO, TCSANOW, &settings_before);
        is_taken = false;
        return r == -AX_EINTR && atomic_load(&terminal->signal) ? 0 : r;
}
