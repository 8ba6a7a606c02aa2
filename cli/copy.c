/* SPDX-License-Identifier: MIT */
#include "copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attributes.h"
#include "interrupt.h"
#include "path.h"
#include "room.h"
#include "tree.h"

/* ---- the two sides --------------------------------------------------------------------------- */

/* A second process of ours, in the same place. */
static int connect_again(struct copy *copy) {
        char path[PATH_MAX];
        int r = ax_connect(&copy->second, copy->axctl->socket_path);

        copy->to.ax = copy->second;
        if (r == 0 && ax_getcwd(copy->axctl->ax, path, sizeof(path)) >= 0)
                r = ax_chdir(copy->second, path);
        return r;
}

int copy_begin(struct copy *copy, struct axctl *axctl, const struct side_ops *from, const struct side_ops *to) {
        int r = interrupt_begin();

        *copy = (struct copy){ .axctl = axctl,
                               .from = { .ops = from, .ax = axctl->ax },
                               .to = { .ops = to, .ax = axctl->ax } };
        if (r == 0 && from == to)
                r = connect_again(copy);
        if (copy->from.ops->getcwd(&copy->from, copy->from_start, PATH_MAX) < 0)
                *copy->from_start = '\0'; /* it was removed, so trees cannot be walked from there */
        if (copy->to.ops->getcwd(&copy->to, copy->to_start, PATH_MAX) < 0)
                *copy->to_start = '\0';
        return r;
}

int copy_end(struct copy *copy, int status) {
        interrupt_hold(true);
        interrupt_end();
        ax_disconnect(copy->second);
        return status;
}

/* Moves both sides back to their first directories. */
static int go_to_start(struct copy *copy) {
        int r = side_go(&copy->from, copy->from_start);

        return r < 0 ? r : side_go(&copy->to, copy->to_start);
}

/* ---- contents for a file --------------------------------------------------------------------- */

static int write_through(struct copy *copy, struct tree_data *data, const char *to) {
        int r, closed;

        data->out = copy->to.ops->overwrite(&copy->to, to);
        if (data->out < 0)
                return data->out;
        data->plain = true;
        r = tree_copy_data(data);
        closed = copy->to.ops->close(&copy->to, data->out);
        return r < 0 ? r : closed;
}

/*
 * Makes the new file in the room. If it replaces an old file, only we may read it until it has the
 * mode of the old one.
 */
static int make_file(struct copy *copy, struct tree_data *data, const char *name, const struct ax_stat *old) {
        uint32_t mask = 0;
        char outside[NAME_MAX + 4];
        int r, closed;

        if (old)
                mask = copy->to.ops->umask(&copy->to, 077);
        data->out = copy->to.ops->create(&copy->to, "new");
        if (old)
                copy->to.ops->umask(&copy->to, mask);
        if (data->out < 0)
                return data->out;
        r = tree_copy_data(data);
        closed = copy->to.ops->close(&copy->to, data->out);
        if (r == 0)
                r = closed;
        if (r < 0 || !old)
                return r;
        snprintf(outside, sizeof(outside), "../%s", name);
        return attributes_copy(&copy->to, outside, old, &copy->to, "new", false);
}

/* A host's symlink to a file stays a symlink, and the file is replaced. */
static const char *resolve_host_link(const struct copy *copy, const char *to, char real[static PATH_MAX]) {
        struct stat status;

        if (copy->to.ops != &side_host || stat(to, &status) < 0 || !S_ISREG(status.st_mode))
                return to;
        return realpath(to, real) ? real : to;
}

int copy_stream(struct copy *copy, int in, bool plain, const char *to, bool *ret_read_failed) {
        struct tree_data data = { .from = &copy->from, .to = &copy->to, .in = in, .plain = plain };
        char real[PATH_MAX], directory[PATH_MAX], name[NAME_MAX + 1];
        struct side *side = &copy->to;
        struct room room = { 0 };
        struct ax_stat old;
        bool exists;
        int r;

        to = resolve_host_link(copy, to, real);
        exists = side->ops->lstat(side, to, &old) == 0;
        if (exists && S_ISDIR(old.mode))
                return -AX_EISDIR;
        if (exists && !S_ISREG(old.mode)) {
                r = write_through(copy, &data, to);
                *ret_read_failed = data.read_failed;
                return r;
        }
        if (path_split(to, directory, name) < 0 || to[strlen(to) - 1] == '/')
                return -AX_EISDIR;
        r = side_go(side, directory);
        if (r == 0)
                r = room_open(&room, side, exists);
        if (r == 0)
                r = make_file(copy, &data, name, exists ? &old : NULL);
        if (r == 0 && interrupted())
                r = -AX_EINTR;
        if (r == 0)
                r = room_move_out(&room, "new", name);
        room_close(&room);
        *ret_read_failed = data.read_failed;
        return r;
}

/* ---- files and trees ------------------------------------------------------------------------- */

/* Where a copy goes; the target's side is in its directory then. */
struct target {
        char directory[PATH_MAX], name[NAME_MAX + 1];
        struct ax_stat status;
        bool exists;
};

static int count_names(struct side *side, const char *name, const struct ax_stat *status) {
        struct ax_stat parent;
        char **names;
        int r = side->ops->lstat(side, ".", &parent), count;

        if (r == 0)
                r = side_enter(side, name, status);
        if (r < 0)
                return r;
        count = side->ops->list(side, &names);
        if (count >= 0)
                ax_names_free(names);
        r = side_leave(side, parent.ino);
        return r < 0 ? r : count;
}

/* Finds at the beginning errors that rename(2) would give at the end. */
static int check_target(struct side *side, const struct target *target, bool is_directory) {
        int count;

        if (!target->exists)
                return 0;
        if (!S_ISDIR(target->status.mode))
                return is_directory ? -AX_ENOTDIR : 0;
        if (!is_directory)
                return -AX_EISDIR;
        count = count_names(side, target->name, &target->status);
        return count > 0 ? -AX_ENOTEMPTY : count;
}

/* Refuses a target inside the directory that is copied: the copy would never end. */
static int check_not_inside(struct copy *copy, const struct target *target, const struct ax_stat *source) {
        uint64_t last = 0;
        int r;

        if (copy->from.ops != copy->to.ops)
                return 0;
        for (;;) {
                struct ax_stat here;

                r = copy->to.ops->lstat(&copy->to, ".", &here);
                if (r < 0 || here.ino == last)
                        break;
                if (here.ino == source->ino) {
                        complain_text(copy->axctl, target->name, "lies inside the source");
                        return -AX_ECANCELED;
                }
                last = here.ino;
                r = side_go(&copy->to, "..");
                if (r < 0)
                        break;
        }
        if (r == 0)
                r = side_go(&copy->to, copy->to_start);
        return r < 0 ? r : side_go(&copy->to, target->directory);
}

/* The sides are in the directories of the source and of the target. */
static int copy_in_room(struct copy *copy, const char *name, const struct target *target, struct tree_copy *tree) {
        struct room room;
        uint32_t mask;
        int r = room_open(&room, &copy->to, true);

        if (r < 0)
                return r;
        mask = copy->to.ops->umask(&copy->to, 077);
        tree->umask = mask;
        r = tree_copy(tree, name, "new");
        copy->to.ops->umask(&copy->to, mask);
        if (r == 0 && interrupted())
                r = -AX_EINTR;
        interrupt_hold(true);
        if (r == 0)
                r = room_move_out(&room, "new", target->name);
        room_close(&room);
        return r;
}

/* Follows symlinks, for a path that names no symlink. */
static int resolve(struct side *side, const char *path, char real[static PATH_MAX]) {
        char target[PATH_MAX], directory[PATH_MAX], name[NAME_MAX + 1];
        struct ax_stat status;

        if (snprintf(real, PATH_MAX, "%s", path) >= PATH_MAX)
                return -AX_ENAMETOOLONG;
        for (int links = 0; links < 40; links++) {
                int n = side->ops->lstat(side, real, &status);

                if (n < 0)
                        return n;
                if (!S_ISLNK(status.mode))
                        return 0;
                n = side->ops->readlink(side, real, target, sizeof(target) - 1);
                if (n < 0)
                        return n;
                target[n] = '\0';
                if (*target != '/' && path_split(real, directory, name) < 0)
                        return -AX_EINVAL;
                if (*target == '/')
                        strcpy(real, target);
                else if (path_join(real, directory, target) < 0)
                        return -AX_ENAMETOOLONG;
        }
        return -AX_ELOOP;
}

/* Writes contents to an existing file, a device, or the target of a symlink. */
static int copy_contents(struct copy *copy, const char *name, const struct ax_stat *status, const char *to) {
        bool read_failed;
        int in = copy->from.ops->open(&copy->from, name), r;

        if (in < 0)
                return in;
        r = side_check(&copy->from, in, status);
        if (r == 0)
                r = side_go(&copy->to, copy->to_start);
        if (r == 0)
                r = copy_stream(copy, in, !S_ISREG(status->mode), to, &read_failed);
        copy->from.ops->close(&copy->from, in);
        return r;
}

/* -AX_ECANCELED: the error has been printed. */
static int copy_node(struct copy *copy, const char *from, const char *to, const struct copy_options *options,
                     struct tree_copy *tree) {
        char real[PATH_MAX], directory[PATH_MAX], name[NAME_MAX + 1];
        const struct tree_report report = { copy->axctl, from };
        struct target target = { .exists = false };
        struct ax_stat status = { 0 };
        int r = 0;

        if (!options->trees && (r = resolve(&copy->from, from, real)) == 0)
                from = real;
        if (r == 0)
                r = side_find(&copy->from, from, directory, name);
        if (r == 0)
                r = copy->from.ops->lstat(&copy->from, name, &status);
        if (r < 0)
                return r;
        if (S_ISDIR(status.mode) && !options->trees)
                return -AX_EISDIR;
        if (!S_ISDIR(status.mode) && from[strlen(from) - 1] == '/')
                return -AX_ENOTDIR;
        if (path_split(to, target.directory, target.name) < 0)
                return -AX_EBUSY;
        r = side_go(&copy->to, target.directory);
        if (r < 0)
                return r;
        target.exists = copy->to.ops->lstat(&copy->to, target.name, &target.status) == 0;
        if (target.exists && copy->from.ops == copy->to.ops && target.status.ino == status.ino) {
                complain_text(copy->axctl, from, "is the same file as the target");
                return -AX_ECANCELED;
        }
        if (!options->replace && target.exists && !S_ISDIR(target.status.mode) && S_ISREG(status.mode))
                return copy_contents(copy, name, &status, to);
        r = check_target(&copy->to, &target, S_ISDIR(status.mode));
        if (r == 0 && S_ISDIR(status.mode))
                r = check_not_inside(copy, &target, &status);
        if (r == 0)
                r = copy_in_room(copy, name, &target, tree);
        if (r == 0 && options->move) {
                interrupt_hold(true); /* the copy is in its place, so finish the move */
                r = tree_remove(&copy->from, name, &report) < 0 ? -AX_ECANCELED : 0;
        }
        interrupt_hold(false);
        return r;
}

int copy_one(struct copy *copy, const char *from, const char *to, const struct copy_options *options) {
        struct tree_copy tree = {
                .from = &copy->from, .to = &copy->to, .keep = options->keep, .removable = options->move
        };
        int r = go_to_start(copy);

        if (r == 0)
                r = copy_node(copy, from, to, options, &tree);
        if (r < 0 && r != -AX_ECANCELED && !interrupted())
                tree_complain(&(struct tree_report){ copy->axctl, from }, tree.failed, r);
        go_to_start(copy);
        return r < 0 ? STATUS_FAILED : STATUS_OK;
}

static bool is_directory(const struct side *side, const char *path) {
        struct ax_stat status;
        struct stat host;

        if (side->ops == &side_host)
                return stat(path, &host) == 0 && S_ISDIR(host.st_mode);
        return ax_stat(side->ax, path, &status) == 0 && S_ISDIR(status.mode);
}

/* Makes the path of an operand in the target directory. */
static int name_into(struct copy *copy, const char *from, const char *target, char to[static PATH_MAX]) {
        char directory[PATH_MAX], name[NAME_MAX + 1];

        if (path_split(from, directory, name) < 0) {
                int r = side_find(&copy->from, from, directory, name);

                if (r < 0)
                        return r;
        }
        return path_join(to, target, name) < 0 ? -AX_ENAMETOOLONG : 0;
}

int copy_operands(struct copy *copy, const struct copy_options *options) {
        struct axctl *axctl = copy->axctl;
        const char *target = axctl->operands[axctl->n_operands - 1];
        bool into = is_directory(&copy->to, target);
        int status = STATUS_OK;

        if (!into && axctl->n_operands > 2)
                return complain(axctl, target, -AX_ENOTDIR);
        for (int i = 0; i < axctl->n_operands - 1 && !interrupted(); i++) {
                const char *from = axctl->operands[i];
                char to[PATH_MAX];
                int r = into ? name_into(copy, from, target, to) : 0;

                if (r < 0)
                        status = complain(axctl, from, r);
                else if (copy_one(copy, from, into ? to : target, options) != STATUS_OK)
                        status = STATUS_FAILED;
        }
        return status;
}
