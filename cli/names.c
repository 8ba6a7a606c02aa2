/* SPDX-License-Identifier: MIT */
/*
 * mkdir, rm, mv and ln.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "axctl.h"
#include "copy.h"
#include "interrupt.h"
#include "path.h"
#include "tree.h"

/* Like mkdir -p: makes parents first; an existing directory is fine. */
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

static int remove_tree(const struct axctl *axctl, const char *path) {
        char directory[PATH_MAX], name[NAME_MAX + 1];

        if (path_split(path, directory, name) < 0)
                return complain(axctl, path, -AX_EINVAL); /* "." and ".." cannot be removed */
        return tree_visit_operand(axctl, path, false, NULL);
}

static int remove_one(const struct axctl *axctl, const char *path) {
        struct ax_stat status;
        int r = ax_lstat(axctl->ax, path, &status);

        if (r == 0 && S_ISDIR(status.mode) && axctl->flags['r'])
                return remove_tree(axctl, path);
        if (r == 0)
                r = S_ISDIR(status.mode) ? -AX_EISDIR : ax_unlink(axctl->ax, path);
        if (r == -AX_ENOENT && axctl->flags['f'])
                r = 0;
        return r < 0 ? complain(axctl, path, r) : STATUS_OK;
}

static bool is_root(const char *path) {
        return path[0] == '/' && path[strspn(path, "/.")] == '\0';
}

int rm_run(struct axctl *axctl) {
        int status = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++) {
                const char *path = axctl->operands[i];

                if (is_root(path))
                        status = complain_text(axctl, path, "the root of the namespace cannot be removed");
                else if (remove_one(axctl, path) != STATUS_OK)
                        status = STATUS_FAILED;
        }
        return status;
}

/*
 * If both are names of one file, rename(2) would leave both, so this removes the first. Returns 1
 * if it did, 0 if they name different files, or a negative error.
 */
static int join_names(struct axctl *axctl, const char *from, const char *to) {
        char directories[2][PATH_MAX], names[2][NAME_MAX + 1];
        struct ax_stat status[2], parents[2];
        int r;

        if (ax_lstat(axctl->ax, from, &status[0]) < 0 || ax_lstat(axctl->ax, to, &status[1]) < 0 ||
            status[0].ino != status[1].ino)
                return 0;
        if (S_ISDIR(status[0].mode) || path_split(from, directories[0], names[0]) < 0 ||
            path_split(to, directories[1], names[1]) < 0 || ax_stat(axctl->ax, directories[0], &parents[0]) < 0 ||
            ax_stat(axctl->ax, directories[1], &parents[1]) < 0)
                return -AX_EEXIST;
        if (strcmp(names[0], names[1]) == 0 && parents[0].ino == parents[1].ino)
                return -AX_EEXIST;
        r = ax_unlink(axctl->ax, from);
        return r < 0 ? r : 1;
}

/* Renaming does not work between mounts: copy the whole tree, and then remove it. */
static int move_across(struct copy *copy, struct axctl *axctl, const char *from, const char *to) {
        static const struct copy_options options = { .keep = true, .trees = true, .move = true, .replace = true };
        int r = copy->second ? 0 : -AX_ECONNREFUSED;

        if (!copy->axctl)
                r = copy_begin(copy, axctl, &side_namespace, &side_namespace);
        return r < 0 ? complain(axctl, from, r) : copy_one(copy, from, to, &options);
}

static int move_one(struct copy *copy, struct axctl *axctl, const char *from, const char *to) {
        int r = join_names(axctl, from, to);

        if (r == -AX_EEXIST)
                return complain_text(axctl, from, "is the same file as the target");
        if (r == 0)
                r = ax_rename(axctl->ax, from, to);
        if (r == -AX_EXDEV)
                return move_across(copy, axctl, from, to);
        return r < 0 ? complain(axctl, from, r) : STATUS_OK;
}

/* Makes the target's path: with the operand's name if the target is a directory. */
static int target_of(const char *from, const char *target, bool into, char ret[static PATH_MAX]) {
        char directory[PATH_MAX], name[NAME_MAX + 1];

        if (!into)
                return snprintf(ret, PATH_MAX, "%s", target) < PATH_MAX ? 0 : -AX_ENAMETOOLONG;
        if (path_split(from, directory, name) < 0)
                return -AX_EBUSY;
        return path_join(ret, target, name) < 0 ? -AX_ENAMETOOLONG : 0;
}

int mv_run(struct axctl *axctl) {
        const char *target = axctl->operands[axctl->n_operands - 1];
        struct copy copy = { 0 };
        struct ax_stat status;
        bool into = ax_stat(axctl->ax, target, &status) == 0 && S_ISDIR(status.mode);
        int result = STATUS_OK;

        if (!into && axctl->n_operands > 2)
                return complain(axctl, target, -AX_ENOTDIR);
        for (int i = 0; i < axctl->n_operands - 1 && !interrupted(); i++) {
                char to[PATH_MAX];
                int r = target_of(axctl->operands[i], target, into, to);

                if (r < 0)
                        result = complain(axctl, axctl->operands[i], r);
                else if (move_one(&copy, axctl, axctl->operands[i], to) != STATUS_OK)
                        result = STATUS_FAILED;
        }
        return copy.axctl ? copy_end(&copy, result) : result;
}

int ln_run(struct axctl *axctl) {
        const char *target = axctl->operands[axctl->n_operands - 1];
        struct ax_stat status;
        bool into = ax_stat(axctl->ax, target, &status) == 0 && S_ISDIR(status.mode);
        int result = STATUS_OK;

        if (!into && axctl->n_operands > 2)
                return complain(axctl, target, -AX_ENOTDIR);
        for (int i = 0; i < axctl->n_operands - 1; i++) {
                const char *from = axctl->operands[i];
                char to[PATH_MAX];
                int r = target_of(from, target, into, to);

                if (r == 0)
                        r = axctl->flags['s'] ? ax_symlink(axctl->ax, from, to) : ax_link(axctl->ax, from, to);
                if (r < 0)
                        result = complain(axctl, r == -AX_EEXIST ? to : from, r);
        }
        return result;
}
