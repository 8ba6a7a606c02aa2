#include "vfs/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/log.h"
#include "util/remove_tree.h"

static void cleanup_store(struct store **store) {
        store_free(*store);
}

static int store_new(struct store **ret, int root_fd, uint32_t index, const char *kind, const char *path) {
        struct store *store = calloc(1, sizeof(*store));
        struct statfs filesystem;

        if (!store)
                return -ENOMEM;
        store->root_fd = -1;
        store->index = index;
        if (asprintf(&store->source, path ? "%s:%s" : "%s", kind, path) < 0) {
                store->source = NULL;
                store_free(store);
                return -ENOMEM;
        }
        store->may_block = fstatfs(root_fd, &filesystem) < 0 || filesystem.f_type != TMPFS_MAGIC;
        store->root_fd = root_fd;
        *ret = store;
        return 0;
}

/* As mkdir -p; parents are the daemon's alone, so that only the namespace leads into the store. */
static int make_path(const char *path) {
        char parent[PATH_MAX];

        if (snprintf(parent, sizeof(parent), "%s", path) >= (int) sizeof(parent))
                return -ENAMETOOLONG;
        for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(parent, 0700) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int store_open_durable(struct store **ret, const char *path, uint32_t index) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *full = NULL;
        int r = make_path(path);

        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot create the store %s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        full = realpath(path, NULL);
        if (fd < 0 || !full)
                return log_errno(LOG_ERR, errno, "cannot open the store %s", path);
        r = store_new(ret, fd, index, "durable", full);
        if (r >= 0)
                steal_fd(&fd);
        return r;
}

/* A tmpfs that is mounted nowhere (fsopen(2), fsmount(2)). Return: descriptor of its root, negative errno. */
static int detached_tmpfs(void) {
        _cleanup_close_ int context = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1;
        int fd;

        if (context < 0)
                return -errno;
        if (fsconfig(context, FSCONFIG_SET_STRING, "source", "axeberg", 0) < 0 ||
            fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
            fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        if (mount < 0)
                return -errno;
        fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
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

int store_open_ephemeral(struct store **ret, uint32_t index) {
        _cleanup_(cleanup_store) struct store *store = NULL;
        _cleanup_close_ int fd = detached_tmpfs();
        char path[PATH_MAX];
        int r;

        if (fd >= 0) {
                r = store_new(ret, fd, index, "ephemeral", NULL);
                if (r >= 0)
                        steal_fd(&fd);
                return r;
        }
        fd = temporary_directory(path);
        if (fd < 0)
                return log_errno(LOG_ERR, errno, "cannot create a temporary directory for an ephemeral store");
        r = store_new(&store, fd, index, "temporary", path);
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

int store_make_directory(struct store *store, const char *path, unsigned mode) {
        if (mkdirat(store->root_fd, path, (mode_t) mode) == 0)
                /* mkdirat() does not set the sticky bit everywhere */
                return fchmodat(store->root_fd, path, (mode_t) mode, 0) < 0 ? -errno : 0;
        return errno == EEXIST ? 0 : -errno;
}
