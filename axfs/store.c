/* SPDX-License-Identifier: MIT */
/* store.c - see store.h */
#include "store.h"

#include "handle.h"
#include "util.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

static bool filesystem_is_local(int fd) {
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return false;
        switch ((unsigned long) fs.f_type) {
        case TMPFS_MAGIC:
        case EXT4_SUPER_MAGIC:
        case XFS_SUPER_MAGIC:
        case BTRFS_SUPER_MAGIC:
                return true;
        default:
                return false;
        }
}

/*
 * File handles need a filesystem that has them and CAP_DAC_READ_SEARCH; the only honest test is to
 * use one.
 */
static int open_for_handles(int root_fd) {
        _cleanup_free_ struct file_handle *handle = NULL;
        _cleanup_close_ int fd = -1, reopened = -1;

        fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        if (handle_from_fd(&handle, fd) < 0)
                return -1;
        reopened = open_by_handle_at(fd, handle, O_PATH | O_CLOEXEC);
        return reopened < 0 ? -1 : take_fd(&fd);
}

int store_new(struct store **ret, int root_fd, uint32_t index) {
        static atomic_uint_least64_t last_serial;
        struct store *store;
        struct stat st;

        if (fstat(root_fd, &st) < 0)
                return negative_errno();
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;

        store = malloc(sizeof(*store));
        if (!store)
                return -ENOMEM;
        *store = (struct store){
                .refs = 1,
                .serial = atomic_fetch_add(&last_serial, 1) + 1,
                .index = index,
                .root_fd = root_fd,
                .handle_fd = open_for_handles(root_fd),
                .dev = st.st_dev,
                .ino = st.st_ino,
                .local = filesystem_is_local(root_fd),
        };
        *ret = store;
        return 0;
}

struct store *store_ref(struct store *store) {
        atomic_fetch_add_explicit(&store->refs, 1, memory_order_relaxed);
        return store;
}

void store_unref(struct store *store) {
        if (!store || atomic_fetch_sub_explicit(&store->refs, 1, memory_order_acq_rel) != 1)
                return;
        close(store->root_fd);
        if (store->handle_fd >= 0)
                close(store->handle_fd);
        free(store);
}
