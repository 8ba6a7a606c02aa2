/* SPDX-License-Identifier: MIT */
/*
 * Functions that are the same for both sides.
 */
#include "side.h"

#include <sys/stat.h>

#include "interrupt.h"
#include "path.h"

int side_go(struct side *side, const char *path) {
        return side->ops->go(side, path);
}

int side_here(struct side *side, uint64_t *ret) {
        struct ax_stat status;
        int r = side->ops->lstat(side, ".", &status);

        if (r == 0)
                *ret = status.ino;
        return r;
}

int side_find(struct side *side, const char *path, char directory[static PATH_MAX], char name[static NAME_MAX + 1]) {
        char real[PATH_MAX];
        int r;

        if (path_split(path, directory, name) == 0)
                return side_go(side, directory);
        r = side_go(side, path);
        if (r == 0)
                r = side->ops->getcwd(side, real, sizeof(real));
        if (r < 0)
                return r;
        if (path_split(real, directory, name) < 0)
                return -AX_EBUSY;
        return side_go(side, directory);
}

static int check_here(struct side *side, uint64_t ino) {
        uint64_t here = 0;
        int r = side_here(side, &here);

        if (r < 0)
                return r;
        return here == ino ? 0 : -AX_ESTALE;
}

int side_enter(struct side *side, const char *name, const struct ax_stat *status) {
        int r = side->ops->go(side, name);

        return r < 0 ? r : check_here(side, status->ino);
}

int side_leave(struct side *side, uint64_t parent) {
        int r = side->ops->go(side, "..");

        return r < 0 ? r : check_here(side, parent);
}

int side_check(struct side *side, int fd, const struct ax_stat *status) {
        struct ax_stat now;
        int r = side->ops->fstat(side, fd, &now);

        if (r < 0)
                return r;
        return now.ino == status->ino && (now.mode & S_IFMT) == (status->mode & S_IFMT) ? 0 : -AX_ESTALE;
}

int side_write(struct side *side, int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = side->ops->write(side, fd, data, size);

                if (interrupted())
                        return -AX_EINTR;
                if (n == -AX_EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? (int) n : -AX_EIO;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}
