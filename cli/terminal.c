#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

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

int terminal_init(struct terminal *terminal) {
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGWINCH);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGHUP);
        sigaddset(&signals, SIGINT);
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        terminal->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        terminal->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return terminal->signal_fd < 0 || terminal->stop_fd < 0 ? -errno : 0;
}

void terminal_deinit(struct terminal *terminal) {
        close(terminal->signal_fd);
        close(terminal->stop_fd);
}

void terminal_stop(struct terminal *terminal) {
        eventfd_write(terminal->stop_fd, 1);
}

static int tell_size(struct terminal *terminal) {
        unsigned rows, columns;

        if (!terminal->on_resize || !terminal_size(&rows, &columns))
                return 0;
        return terminal->on_resize(terminal->userdata, rows, columns);
}

/* Return: 1 go on, 0 that was the end, a negative error. */
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

static int read_signal(struct terminal *terminal, int fd) {
        struct signalfd_siginfo info;
        int r;

        if (read(fd, &info, sizeof(info)) != sizeof(info))
                return 1;
        if (info.ssi_signo != SIGWINCH)
                return 0;
        r = tell_size(terminal);
        return r < 0 ? r : 1;
}

static int run(struct terminal *terminal, int signal_fd) {
        struct pollfd fds[] = {
                { .fd = STDIN_FILENO, .events = POLLIN },
                { .fd = signal_fd, .events = POLLIN },
                { .fd = terminal->stop_fd, .events = POLLIN },
        };
        int r = tell_size(terminal);

        r = r < 0 ? r : 1;
        while (r > 0) {
                if (poll(fds, 3, -1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[2].revents)
                        return 0;
                if (fds[1].revents)
                        r = read_signal(terminal, signal_fd);
                if (r > 0 && fds[0].revents)
                        r = read_keys(terminal);
        }
        return r;
}

/* The output's own processing stays: programs end lines with a line feed alone. */
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
        struct termios old, keys;
        int r;

        if (tcgetattr(STDIN_FILENO, &old) < 0)
                return -errno;
        keys = as_single_keys(&old, terminal->returns);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
        r = run(terminal, terminal->signal_fd);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &old);
        return r;
}
