/* SPDX-License-Identifier: MIT */
#include "vfs/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "object/file.h"
#include "util/cleanup.h"
#include "util/text.h"
#include "vfs/directory.h"
#include "vfs/store.h"
#include "vfs/vfs.h"

static void walk_set_dir(struct walk *walk, int fd, bool owned) {
        if (walk->owns_dir)
                close(walk->dir);
        walk->dir = fd;
        walk->owns_dir = owned;
        walk->at_mount_root = false;
}

static void walk_enter(struct walk *walk, const struct mount *mount) {
        walk->mount = mount;
        walk_set_dir(walk, mount->store ? mount->store->root_fd : -1, false);
        walk->at_mount_root = true;
}

void walk_restart(struct walk *walk) {
        walk_enter(walk, &walk->vfs->mounts[0]);
}

int walk_take_steps(struct walk *walk, unsigned steps) {
        if (walk->abandoned && atomic_load_explicit(walk->abandoned, memory_order_relaxed))
                return -EINTR;
        walk->steps += steps;
        return walk->steps > WALK_MAX_STEPS ? -ELOOP : 0;
}

/* Puts text in front of `rest`, with a slash between. */
static int walk_prepend(struct walk *walk, const char *text, size_t size) {
        size_t room = (size_t) (walk->rest - walk->text);

        if (size + 1 > room)
                return -ENAMETOOLONG;
        if (*walk->rest)
                *--walk->rest = '/';
        walk->rest -= size;
        memcpy(walk->rest, text, size);
        return 0;
}

bool walk_is_synthetic(const struct walk *walk) {
        return !walk->mount->store;
}

int walk_init(struct walk *walk, const struct vfs *vfs, const struct vfs_directory *cwd, const char *path,
              bool keeps_last) {
        size_t size = strlen(path);

        walk->vfs = vfs;
        walk->owns_dir = false;
        walk->dir = -1;
        walk->links = walk->steps = 0;
        walk->run = WALK_MAX_RUN;
        walk->abandoned = NULL;
        walk->trailing_slash = false;
        walk->keeps_last = keeps_last;
        walk->last = WALK_LAST_ROOT;
        walk->rest = walk->text + sizeof(walk->text) - 1;
        *walk->rest = '\0';
        if (size == 0)
                return -ENOENT;
        if (size >= PATH_MAX)
                return -ENAMETOOLONG;
        if (!text_is_utf8(path, size))
                return -EINVAL;
        walk_prepend(walk, path, size);
        if (path[0] == '/') {
                walk_restart(walk);
                return 0;
        }
        walk_enter(walk, cwd->mount);
        if (walk_is_synthetic(walk))
                return walk_prepend(walk, cwd->path, strlen(cwd->path));
        walk_set_dir(walk, cwd->fd, false);
        walk->at_mount_root = cwd->is_mount_root;
        return 0;
}

int walk_take_dir(struct walk *walk) {
        int fd = walk->owns_dir ? walk->dir : -1;

        walk->owns_dir = false;
        walk->dir = -1;
        return fd;
}

void walk_deinit(struct walk *walk) {
        _cleanup_close_ int fd = walk_take_dir(walk);
}

static int open_beneath(int dir, const char *path, uint64_t flags) {
        struct open_how how = {
                .flags = flags | O_PATH | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        int fd = (int) syscall(SYS_openat2, dir, path, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

static bool same_directory(int a, int b) {
        struct stat left, right;

        return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_ino == right.st_ino &&
               left.st_dev == right.st_dev;
}

/*
 * Finds out by climbing whether a directory lies in the store: for one whose path is too long to
 * read. Returns 0, -ENOENT, or -ELOOP and -EINTR as walk_take_steps().
 */
static int climb_to_root(struct walk *walk, int dir) {
        const struct store *store = walk->mount->store;
        int at = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC), r = 0;

        while (at >= 0 && r == 0 && !store_is_root(store, at)) {
                int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

                r = up >= 0 && same_directory(at, up) ? -ENOENT : walk_take_steps(walk, 1);
                close(at);
                at = up;
        }
        if (at < 0)
                return -ENOENT;
        close(at);
        return r;
}

/*
 * Whether a directory that ".." led to lies in the store still: it may have been moved out on the
 * host.
 */
static int check_in_store(struct walk *walk, int dir) {
        const struct mount *mount = walk->mount;
        char path[PATH_MAX];
        int r;

        if (mount->store->confined)
                return 0; /* the host's kernel has checked */
        r = file_namespace_path(dir, mount->store->root_fd, mount->path, path, sizeof(path));
        if (r == -ENAMETOOLONG)
                return climb_to_root(walk, dir);
        return r < 0 ? -ENOENT : 0;
}

/* One step towards the root. */
static int walk_up(struct walk *walk) {
        int fd, r;

        if (walk->at_mount_root) {
                walk_restart(walk); /* every mount point lies directly below "/" */
                return 0;
        }
        fd = openat(walk->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = check_in_store(walk, fd);
        if (r < 0) {
                close(fd);
                return r;
        }
        walk_set_dir(walk, fd, true);
        walk->at_mount_root = store_is_root(walk->mount->store, fd);
        return 0;
}

int walk_substitute(struct walk *walk, const char *target) {
        if (++walk->links > WALK_MAX_LINKS)
                return -ELOOP;
        if (!*target)
                return -ENOENT;
        if (*target == '/')
                walk_restart(walk);
        return walk_prepend(walk, target, strlen(target));
}

/*
 * Takes one component: a directory is entered, a symlink is put in front of the rest. `name` is no
 * longer in the rest.
 */
static int walk_component(struct walk *walk, const char *name) {
        _cleanup_close_ int fd = openat(walk->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char target[PATH_MAX];
        struct stat status;
        ssize_t n;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (S_ISDIR(status.st_mode)) {
                walk_set_dir(walk, steal_fd(&fd), true);
                return 0;
        }
        if (!S_ISLNK(status.st_mode))
                return -ENOTDIR;
        n = readlinkat(fd, "", target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        return walk_substitute(walk, target);
}

int walk_follow(struct walk *walk) {
        char name[NAME_MAX + 1], target[PATH_MAX];
        ssize_t n;

        memcpy(name, walk->name, sizeof(name));
        n = readlinkat(walk->dir, name, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;
        target[n] = '\0';
        if (walk->trailing_slash)
                walk_prepend(walk, "/", 1);
        return walk_substitute(walk, target);
}

static size_t skip_slashes(const char *text) {
        return strspn(text, "/");
}

static const struct mount *mount_below(const struct walk *walk, const char *name, size_t length) {
        if (!walk->at_mount_root || walk->mount != &walk->vfs->mounts[0])
                return NULL;
        for (size_t i = 1; i < walk->vfs->n_mounts; i++) {
                const char *mount_name = walk->vfs->mounts[i].path + 1;

                if (strlen(mount_name) == length && memcmp(mount_name, name, length) == 0)
                        return &walk->vfs->mounts[i];
        }
        return NULL;
}

static bool is_dot_dot(const char *component, size_t length) {
        return length == 2 && component[0] == '.' && component[1] == '.';
}

/*
 * The leading components that one openat2() can take: no "..", not the last one, and at most `max`
 * of them. Returns their length.
 */
static size_t plain_run(const char *path, unsigned max, unsigned *ret_count) {
        size_t run = 0, at = 0;

        *ret_count = 0;
        while (*ret_count < max) {
                size_t length = strcspn(path + at, "/"), next = at + length + skip_slashes(path + at + length);

                if (is_dot_dot(path + at, length) || !path[next])
                        break;
                run = at + length;
                at = next;
                (*ret_count)++;
        }
        return run;
}

static int open_run(const struct walk *walk, size_t length) {
        char saved = walk->rest[length];
        int fd;

        walk->rest[length] = '\0';
        fd = open_beneath(walk->dir, walk->rest, O_DIRECTORY);
        walk->rest[length] = saved;
        return fd;
}

/*
 * Opens a run of directories at once. If that meets a symlink, half as many are tried, until the
 * symlink is the first. Returns 1 if there was a run, 0 if the next component has to be taken by
 * hand, or a negative errno.
 */
static int walk_run_of_directories(struct walk *walk) {
        unsigned count;
        size_t length;
        int fd, r;

        for (;;) {
                length = plain_run(walk->rest, walk->run, &count);
                if (length == 0)
                        return 0;
                fd = open_run(walk, length);
                if (fd >= 0)
                        break;
                if (fd != -ELOOP && fd != -ENOTDIR) /* ENOTDIR: the symlink is the run's last */
                        return fd;
                if (count == 1) {
                        walk->run = WALK_MAX_RUN;
                        return 0;
                }
                walk->run = count / 2;
        }
        if (walk->run > 1 && walk->run < WALK_MAX_RUN)
                walk->run /= 2; /* what stopped the larger run is in its other half */
        walk->rest += length;
        walk_set_dir(walk, fd, true);
        r = walk_take_steps(walk, count - 1);
        return r < 0 ? r : 1;
}

/*
 * Takes the last component: it stays a name, for the operation. A trailing slash goes through a
 * symlink.
 */
static int walk_last(struct walk *walk, size_t length) {
        struct stat status;

        memcpy(walk->name, walk->rest, length);
        walk->name[length] = '\0';
        walk->trailing_slash = walk->rest[length] == '/';
        walk->last = WALK_LAST_NAME;
        walk->rest += strlen(walk->rest);
        if (!walk->trailing_slash || walk->keeps_last)
                return 1;
        if (fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 1 : -errno;
        if (S_ISLNK(status.st_mode))
                return walk_follow(walk);
        return S_ISDIR(status.st_mode) ? 1 : -ENOTDIR;
}

/*
 * A path that ends in "." or "..", for an operation on names: there is no name to work on. Returns
 * 1 if that is so.
 */
static int walk_last_dots(struct walk *walk, size_t length) {
        bool dot = length == 1 && walk->rest[0] == '.', dots = is_dot_dot(walk->rest, length);

        if (!walk->keeps_last || !(dot || dots) || walk->rest[length + skip_slashes(walk->rest + length)])
                return 0;
        walk->last = dot ? WALK_LAST_DOT : WALK_LAST_DOT_DOT;
        strcpy(walk->name, ".");
        return 1;
}

/* One step. Returns 1 if the walk is over, 0 to go on, or a negative errno. */
static int walk_step(struct walk *walk) {
        const struct mount *below;
        char name[NAME_MAX + 1];
        size_t length;
        int r;

        r = walk_take_steps(walk, 1);
        if (r < 0)
                return r;
        walk->rest += skip_slashes(walk->rest);
        length = strcspn(walk->rest, "/");
        if (length > NAME_MAX)
                return -ENAMETOOLONG;
        if (walk_last_dots(walk, length))
                return 1;
        if (length == 0 || (length == 1 && walk->rest[0] == '.')) {
                walk->rest += length;
                strcpy(walk->name, ".");
                walk->trailing_slash = false;
                walk->last = WALK_LAST_ROOT;
                return length == 0;
        }
        if (is_dot_dot(walk->rest, length)) {
                walk->rest += length;
                return walk_up(walk);
        }
        below = mount_below(walk, walk->rest, length);
        if (below) {
                walk->rest += length;
                walk_enter(walk, below);
                return 0;
        }
        if (!walk->rest[length + skip_slashes(walk->rest + length)])
                return walk_last(walk, length);
        r = walk_run_of_directories(walk);
        if (r != 0)
                return r < 0 ? r : 0;
        memcpy(name, walk->rest, length);
        name[length] = '\0';
        walk->rest += length;
        return walk_component(walk, name);
}

int walk_run(struct walk *walk) {
        int r = 0;

        while (r == 0 && !walk_is_synthetic(walk))
                r = walk_step(walk);
        return r < 0 ? r : walk_is_synthetic(walk) ? WALK_SYNTHETIC : 0;
}
