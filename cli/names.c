/*
 * mkdir, rm and mv.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "axctl.h"
#include "copy.h"
#include "path.h"

/* As mkdir -p: parents first, what exists is fine. */
static int make_path(ax_client *ax, const char *path) {
        char parent[PATH_MAX];
        struct ax_stat status;
        int r;

        if (snprintf(parent, sizeof(parent), "%s", path) >= PATH_MAX)
                return -AX_ENAMETOOLONG;
        for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                r = ax_mkdir(ax, parent);
                if (r < 0 && r != -AX_EEXIST && r != -AX_EROFS)
                        return r;
                *slash = '/';
        }
        r = ax_mkdir(ax, path);
        if (r != -AX_EEXIST)
                return r;
        r = ax_stat(ax, path, &status);
        return r == 0 && !S_ISDIR(status.mode) ? -AX_EEXIST : r;
}

int mkdir_run(struct axctl *axctl) {
        int status = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++) {
                const char *path = axctl->operands[i];
                int r = axctl->flags['p'] ? make_path(axctl->ax, path) : ax_mkdir(axctl->ax, path);

                if (r < 0)
                        status = complain(axctl, path, r);
        }
        return status;
}

/* Removes a directory with what is in it; goes on after an error. */
static int remove_tree(struct axctl *axctl, const char *path) {
        char **names, *child = malloc(PATH_MAX);
        int r = child ? ax_readdir(axctl->ax, path, &names) : -AX_ENOMEM, result = 0;

        if (r < 0) {
                free(child);
                return r;
        }
        for (char **name = names; *name; name++) {
                r = path_join(child, path, *name) < 0 ? -AX_ENAMETOOLONG : ax_unlink(axctl->ax, child);
                if (r == -AX_EISDIR || r == -AX_EPERM)
                        r = remove_tree(axctl, child);
                if (r < 0 && r != -AX_ENOENT) {
                        complain(axctl, child, r);
                        result = r;
                }
        }
        ax_names_free(names);
        free(child);
        return result < 0 ? result : ax_rmdir(axctl->ax, path);
}

static int remove_one(struct axctl *axctl, const char *path) {
        struct ax_stat status;
        int r = ax_lstat(axctl->ax, path, &status);

        if (r == 0 && !S_ISDIR(status.mode))
                r = ax_unlink(axctl->ax, path);
        else if (r == 0)
                r = axctl->flags['r'] ? remove_tree(axctl, path) : -AX_EISDIR;
        return r == -AX_ENOENT && axctl->flags['f'] ? 0 : r;
}

static bool is_root(const char *path) {
        return path[0] == '/' && path[strspn(path, "/.")] == '\0';
}

int rm_run(struct axctl *axctl) {
        int status = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++) {
                const char *path = axctl->operands[i];
                int r;

                if (is_root(path)) {
                        status = complain_text(axctl, path, "is the root of the namespace, and is not removed");
                        continue;
                }
                r = remove_one(axctl, path);
                if (r < 0)
                        status = complain(axctl, path, r);
        }
        return status;
}

static int move_across(struct axctl *axctl, const char *from, const char *to);

static int copy_link(struct axctl *axctl, const char *from, const char *to) {
        char target[PATH_MAX];
        int n = ax_readlink(axctl->ax, from, target, sizeof(target) - 1);

        if (n < 0)
                return n;
        target[n] = '\0';
        return ax_symlink(axctl->ax, target, to);
}

static int move_directory(struct axctl *axctl, const char *from, const char *to, const struct ax_stat *status) {
        char **names, (*paths)[PATH_MAX] = malloc(2 * sizeof(*paths));
        const struct timespec times[2] = { status->atime, status->mtime };
        int r = paths ? ax_mkdir(axctl->ax, to) : -AX_ENOMEM;

        if (r == 0)
                r = ax_readdir(axctl->ax, from, &names);
        if (r < 0) {
                free(paths);
                return r;
        }
        r = 0;
        for (char **name = names; r == 0 && *name; name++)
                r = path_join(paths[0], from, *name) < 0 || path_join(paths[1], to, *name) < 0
                            ? -AX_ENAMETOOLONG
                            : move_across(axctl, paths[0], paths[1]);
        ax_names_free(names);
        free(paths);
        if (r == 0) {
                ax_chown(axctl->ax, to, status->uid, status->gid);
                r = ax_chmod(axctl->ax, to, status->mode & 07777);
        }
        if (r == 0)
                r = ax_utimens(axctl->ax, to, times);
        return r == 0 ? ax_rmdir(axctl->ax, from) : r;
}

/* Between mounts nothing can be renamed: each file is copied and then removed, so that at any moment it exists. */
static int move_across(struct axctl *axctl, const char *from, const char *to) {
        struct ax_stat status;
        int r = ax_lstat(axctl->ax, from, &status);

        if (r < 0)
                return r;
        if (S_ISDIR(status.mode))
                return move_directory(axctl, from, to, &status);
        if (S_ISLNK(status.mode))
                r = copy_link(axctl, from, to);
        else
                r = S_ISREG(status.mode) ? copy_within(axctl, from, to, &status) : -AX_EXDEV;
        return r == 0 ? ax_unlink(axctl->ax, from) : r;
}

static int move_one(struct axctl *axctl, const char *from, const char *to) {
        int r = ax_rename(axctl->ax, from, to);

        return r == -AX_EXDEV ? move_across(axctl, from, to) : r;
}

int mv_run(struct axctl *axctl) {
        const char *target = axctl->operands[axctl->n_operands - 1];
        struct ax_stat status;
        bool into = ax_stat(axctl->ax, target, &status) == 0 && S_ISDIR(status.mode);
        int result = STATUS_OK;

        if (!into && axctl->n_operands > 2)
                return complain(axctl, target, -AX_ENOTDIR);
        for (int i = 0; i < axctl->n_operands - 1; i++) {
                const char *from = axctl->operands[i], *to = target;
                char joined[PATH_MAX];
                int r = 0;

                if (into && path_join(joined, target, path_base(from)) < 0)
                        r = -AX_ENAMETOOLONG;
                if (into)
                        to = joined;
                if (r == 0)
                        r = move_one(axctl, from, to);
                if (r < 0)
                        result = complain(axctl, from, r);
        }
        return result;
}
