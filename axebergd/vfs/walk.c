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

int walk_init(struct walk *walk, const struct vfs *vfs, const struct vfs_directory *cwd, const char *path,
              bool keeps_last) {
        size_t size = strlen(path);

        walk->vfs = vfs;
        walk->owns_dir = false;
        walk->dir = -1;
        walk->links = 0;
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
        if (!cwd->mount->store)
                return walk_prepend(walk, cwd->path, strlen(cwd->path));
        walk_set_dir(walk, cwd->fd, false);
        walk->at_mount_root = cwd->is_mount_root;
        return 0;
}

void walk_deinit(struct walk *walk) {
        walk_set_dir(walk, -1, false);
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

/* Whether a directory lies in the store, found by climbing: for one whose path is too long to be told. */
static bool climbs_to(int dir, int root) {
        int at = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool found = false;

        while (at >= 0 && !(found = same_directory(at, root))) {
                int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                bool at_top = up >= 0 && same_directory(at, up);

                close(at);
                at = up;
                if (at_top)
                        break;
        }
        if (at >= 0)
                close(at);
        return found;
}

static bool lies_in_store(int dir, const struct mount *mount) {
        char path[PATH_MAX];
        int r = file_namespace_path(dir, mount->store->root_fd, mount->path, path, sizeof(path));

        return r >= 0 || (r == -ENAMETOOLONG && climbs_to(dir, mount->store->root_fd));
}

/* One step towards the root. The step is checked, because a directory may have been moved out of the store on the host. */
static int walk_up(struct walk *walk) {
        const struct mount *mount = walk->mount;
        int fd;

        if (walk->at_mount_root) {
                walk_restart(walk); /* every mount point lies directly below "/" */
                return 0;
        }
        fd = openat(walk->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (!lies_in_store(fd, mount)) {
                close(fd);
                return -ENOENT;
        }
        walk_set_dir(walk, fd, true);
        walk->at_mount_root = same_directory(fd, mount->store->root_fd);
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

/* Takes one component: a directory is entered, a symlink is put in front of the rest. `name` is no longer in the rest. */
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

/* Length of the leading components, without the last one, that contain no "..": what one openat2() can take. */
static size_t plain_run(const char *path) {
        size_t run = 0, at = 0;

        for (;;) {
                size_t length = strcspn(path + at, "/"), next = at + length + skip_slashes(path + at + length);

                if (is_dot_dot(path + at, length) || !path[next])
                        return run;
                run = at + length;
                at = next;
        }
}

/* Opens a run of directories at once. Return: 1, 0 where it has to be taken by hand, negative errno. */
static int walk_run_of_directories(struct walk *walk) {
        size_t length = plain_run(walk->rest);
        char saved;
        int fd;

        if (length == 0)
                return 0;
        saved = walk->rest[length];
        walk->rest[length] = '\0';
        fd = open_beneath(walk->dir, walk->rest, O_DIRECTORY);
        walk->rest[length] = saved;
        if (fd == -ELOOP || fd == -ENOTDIR)
                return 0; /* a symlink on the way; the kernel says ENOTDIR where it is the run's last */
        if (fd < 0)
                return fd;
        walk->rest += length;
        walk_set_dir(walk, fd, true);
        return 1;
}

/* Takes the last component: it stays a name, for the operation. A trailing slash goes through a symlink. */
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

/* A path that ends in "." or "..", for an operation on names: there is no name to work on. Return: 1 where that is so. */
static int walk_last_dots(struct walk *walk, size_t length) {
        bool dot = length == 1 && walk->rest[0] == '.', dots = is_dot_dot(walk->rest, length);

        if (!walk->keeps_last || !(dot || dots) || walk->rest[length + skip_slashes(walk->rest + length)])
                return 0;
        walk->last = dot ? WALK_LAST_DOT : WALK_LAST_DOT_DOT;
        strcpy(walk->name, ".");
        return 1;
}

/* One step. Return: 1 where the walk is over, 0 to go on, negative errno. */
static int walk_step(struct walk *walk) {
        const struct mount *below;
        char name[NAME_MAX + 1];
        size_t length;
        int r;

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

        while (r == 0 && walk->mount->store)
                r = walk_step(walk);
        return r < 0 ? r : 0;
}
