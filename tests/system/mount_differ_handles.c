/* SPDX-License-Identifier: MIT */
/* mount_differ_handles.c - file handles, and what is ready */
#include "mount_differ.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static long do_poll(struct side *side, const struct step *step, struct outcome *outcome) {
        struct pollfd ask = { .fd = side->slots[step->slot], .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };
        long n = error_or(poll(&ask, 1, 0));

        say(outcome, "%x", (unsigned) ask.revents);
        return n;
}
static long do_take_handle(struct side *side, const struct step *step, struct outcome *outcome) {
        int mount;

        (void) outcome;
        side->handles[step->slot % HANDLES].handle.handle_bytes = MAX_HANDLE_SZ;
        if (name_to_handle_at(side->root, step->name, &side->handles[step->slot % HANDLES].handle, &mount, 0) == 0)
                return 0;
        side->handles[step->slot % HANDLES].handle.handle_bytes = 0;
        return -errno;
}

static long do_open_handle(struct side *side, const struct step *step, struct outcome *outcome) {
        struct file_handle *handle = &side->handles[step->slot % HANDLES].handle;
        struct stat st;
        int fd;

        if (handle->handle_bytes == 0)
                return 0;
        fd = open_by_handle_at(side->root, handle, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) == 0)
                say_stat(outcome, &st);
        close(fd);
        return 0;
}
const struct operation handle_operations[] = {
        { "poll", 6, do_poll },
        { "take_handle", 4, do_take_handle },
        { "open_handle", 4, do_open_handle },
        { NULL, 0, NULL },
};
