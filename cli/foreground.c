/* SPDX-License-Identifier: MIT */
#include "foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void foreground_init(struct foreground *foreground) {
        foreground->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (foreground->fd < 0 ||
            (foreground_is_ours(foreground) && tcgetattr(foreground->fd, &foreground->settings) == 0))
                return;
        close(foreground->fd);
        foreground->fd = -1;
}

void foreground_deinit(struct foreground *foreground) {
        if (foreground->fd >= 0)
                close(foreground->fd);
}

bool foreground_is_ours(const struct foreground *foreground) {
        return foreground->fd >= 0 && tcgetpgrp(foreground->fd) == getpgrp();
}

void foreground_restore(const struct foreground *foreground) {
        pid_t front;

        if (foreground->fd < 0)
                return;
        front = tcgetpgrp(foreground->fd);
        if (front != getpgrp() && (front <= 0 || (kill(-front, 0) < 0 && errno == ESRCH)))
                tcsetpgrp(foreground->fd, getpgrp());
        if (foreground_is_ours(foreground))
                tcsetattr(foreground->fd, TCSANOW, &foreground->settings);
}
