/* SPDX-License-Identifier: MIT */
/* passthrough.c - see passthrough.h */
#include "passthrough.h"

#include "identity.h"
#include "util.h"
#include "wire.h"

#include <sys/ioctl.h>

static int backing_open(struct passthrough *passthrough, int fd) {
        struct wire_backing_map map = { .fd = fd };
        int id;

        identity_without_setid(true);
        id = ioctl(atomic_load(&passthrough->device), WIRE_BACKING_OPEN, &map);
        if (id < 0)
                id = negative_errno();
        identity_without_setid(false);
        /* Without the privilege it will not work for the next file either. */
        if (id == -EPERM)
                atomic_store(&passthrough->enabled, false);
        return id;
}

int32_t passthrough_open(struct passthrough *passthrough, struct node *node, int fd, mode_t mode) {
        int id;

        if (node->io == IO_NONE) {
                node->io = IO_CACHED;
                if (!atomic_load_explicit(&passthrough->enabled, memory_order_relaxed) || (mode & (S_ISUID | S_ISGID)))
                        return 0;
                id = backing_open(passthrough, fd);
                if (id <= 0)
                        return 0;
                node->io = IO_PASSTHROUGH;
                node->backing_id = id;
        }
        return node->io == IO_PASSTHROUGH ? node->backing_id : 0;
}

void passthrough_close(struct passthrough *passthrough, struct node *node) {
        uint32_t id = (uint32_t) node->backing_id;

        if (node->io == IO_PASSTHROUGH)
                (void) ioctl(atomic_load(&passthrough->device), WIRE_BACKING_CLOSE, &id);
        node->io = IO_NONE;
        node->backing_id = 0;
}
