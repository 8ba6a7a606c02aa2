/* SPDX-License-Identifier: MIT */
#include "vfs/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/remove_tree.h"

static int store_new(struct store **ret, int root_fd, uint32_t index, const char *kind, const char *path) {
        struct store *store = calloc(1, sizeof(*store));
        struct stat status;
        int r;

        if (!store)
                return -ENOMEM;
        store->root_fd = -1;
        store->index = index;
        if (asprintf(&store->source, path ? "%s:%s" : "%s", kind, path) < 0) {
                store->source = NULL;
                store_free(store);
                return -ENOMEM;
        }
        if (fstat(root_fd, &status) < 0) {
                r = -errno;
                store_free(store);
                return r;
        }
        store->root_dev = status.st_dev;
        store->root_ino = status.st_ino;
        store->root_fd = root_fd;
        *ret = store;
        return 0;
}

/*
 * The parent of the system's own store is made, too, and is the daemon's alone, so that only the
 * namespace leads into the store. What somebody named may be a slip of the pen: a missing parent is
 * an error, and a new store is logged.
 */
static int make_store(const char *path) {
        if (strcmp(path, AX_SYSTEM_STORE) == 0)
                (void) mkdir(AX_SYSTEM_STORE_PARENT, 0700);
        if (mkdir(path, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        log_info("the store %s is new", path);
        return 0;
}

static uint64_t mount_attributes(const struct store_options *options) {
        return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (options->exec ? 0 : MOUNT_ATTR_NOEXEC);
}

/*
 * The directory through a mount of our own, with what is mounted below it now (open_tree(2)).
 * Returns a descriptor of its root, or a negative errno.
 */
static int private_mount(int directory, const struct store_options *options) {
        struct mount_attr attributes = { .attr_set = mount_attributes(options), .propagation = MS_PRIVATE };
        _cleanup_close_ int mount =
                open_tree(directory, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        int fd;

        if (mount < 0 || mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)) < 0)
                return -errno;
        fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int store_open_durable(struct store **ret, const char *path, const struct store_options *options) {
        _cleanup_close_ int fd = -1, mount = -1;
        _cleanup_free_ char *full = NULL;
        int r = make_store(path);

        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot create the store %s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        full = fd < 0 ? NULL : realpath(path, NULL);
        if (!full)
                return log_errno(LOG_ERR, errno, "cannot open the store %s", path);
        mount = private_mount(fd, options);
        if (mount < 0)
                log_errno(LOG_INFO, mount, "the store %s has the mount options of the host", full);
        r = store_new(ret, mount < 0 ? fd : mount, options->index, "durable", full);
        if (r < 0)
                return r;
        steal_fd(mount < 0 ? &fd : &mount);
        (*ret)->confined = fd >= 0; /* the other one is the store's */
        return 0;
}

enum { BYTES_PER_INODE = 8192, MIN_INODES = 1024 };

static int set_option(int context, const char *name, const char *value) {
        return fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, name, value, 0) < 0 ? -errno : 0;
}

static int set_number(int context, const char *name, uint64_t value) {
        char text[32];

        snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
        return set_option(context, name, text);
}

/* An inode takes memory, too: nobody gets more of it by making many files instead of large ones. */
static uint64_t inodes_for(uint64_t size) {
        return size / BYTES_PER_INODE > MIN_INODES ? size / BYTES_PER_INODE : MIN_INODES;
}

/* Linux 6.6, CONFIG_TMPFS_QUOTA. The hard limits are every user's but root's, see tmpfs(5). */
static int set_share(int context, uint64_t share) {
        int r = set_option(context, "usrquota", NULL);

        if (r == 0)
                r = set_number(context, "usrquota_block_hardlimit", share);
        return r < 0 ? r : set_number(context, "usrquota_inode_hardlimit", inodes_for(share));
}

/*
 * A tmpfs that is mounted nowhere (fsopen(2), fsmount(2)). Returns a descriptor of its root, or a
 * negative errno.
 */
static int detached_tmpfs(const struct store_options *options, uint64_t share) {
        _cleanup_close_ int context = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1;
        int fd, r;

        if (context < 0)
                return -errno;
        r = set_option(context, "source", "axeberg");
        if (r == 0)
                r = set_option(context, "mode", "0755");
        if (r == 0)
                r = set_number(context, "size", options->size);
        if (r == 0 && options->size > 0)
                r = set_number(context, "nr_inodes", inodes_for(options->size));
        if (r == 0 && share > 0)
                r = set_share(context, share);
        if (r < 0)
                return r;
        if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned) mount_attributes(options));
        if (mount < 0)
                return -errno;
        fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* With a share for each user, if the host's tmpfs has such. */
static int shared_tmpfs(const struct store_options *options) {
        static bool warned;
        uint64_t share = options->size_per_user > 0 ? options->size_per_user : options->size / 2;
        int fd = detached_tmpfs(options, share), r = fd;

        if (fd >= 0 || share == 0)
                return fd;
        fd = detached_tmpfs(options, 0);
        if (fd >= 0 && !warned)
                log_errno(LOG_WARNING, r, "this host's tmpfs has no quotas: one user can fill /tmp");
        warned = fd >= 0;
        return fd;
}

static int temporary_directory(char path[static PATH_MAX]) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        const char *parents[] = { runtime, "/dev/shm", "/tmp" };

        for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
                if (!parents[i] || snprintf(path, PATH_MAX, "%s/axeberg-store-XXXXXX", parents[i]) >= PATH_MAX)
                        continue;
                if (mkdtemp(path))
                        return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        return -1;
}

int store_open_ephemeral(struct store **ret, const struct store_options *options) {
        _cleanup_(store_cleanup) struct store *store = NULL;
        _cleanup_close_ int fd = shared_tmpfs(options);
        char path[PATH_MAX];
        int r;

        if (fd >= 0) {
                r = store_new(ret, fd, options->index, "ephemeral", NULL);
                if (r < 0)
                        return r;
                steal_fd(&fd);
                (*ret)->confined = true;
                return 0;
        }
        fd = temporary_directory(path);
        if (fd < 0)
                return log_errno(LOG_ERR, errno, "cannot create a temporary directory for an ephemeral store");
        r = store_new(&store, fd, options->index, "temporary", path);
        if (r < 0)
                return r;
        steal_fd(&fd);
        store->temporary_path = strdup(path);
        if (!store->temporary_path)
                return -ENOMEM;
        *ret = steal_pointer(&store);
        return 0;
}

static void remove_temporary(const struct store *store) {
        int r = remove_tree(store->root_fd);

        if (r == 0 && rmdir(store->temporary_path) < 0)
                r = -errno;
        if (r < 0)
                log_errno(LOG_WARNING, r, "cannot remove %s", store->temporary_path);
}

struct store *store_free(struct store *store) {
        if (!store)
                return NULL;
        if (store->temporary_path)
                remove_temporary(store);
        cleanup_close(&store->root_fd);
        free(store->temporary_path);
        free(store->source);
        free(store);
        return NULL;
}

bool store_is_root(const struct store *store, int fd) {
        struct stat status;

        return fstat(fd, &status) == 0 && status.st_ino == store->root_ino && status.st_dev == store->root_dev;
}

int store_make_directory(struct store *store, const char *path, unsigned mode) {
        if (mkdirat(store->root_fd, path, (mode_t) mode) == 0)
                /* mkdirat() does not set the sticky bit everywhere */
                return fchmodat(store->root_fd, path, (mode_t) mode, 0) < 0 ? -errno : 0;
        return errno == EEXIST ? 0 : -errno;
}
