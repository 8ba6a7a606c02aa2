/* SPDX-License-Identifier: MIT */
#include "tree_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#include "attributes.h"
#include "interrupt.h"
#include "walk.h"

/* ---- copying data ---------------------------------------------------------------------------- */

enum { BUFFER_SIZE = 1 << 20 };

static char buffer[BUFFER_SIZE];

/* Copies `left` bytes, fewer if the file ends. */
static int copy_bytes(struct tree_data *data, int64_t left) {
        while (left > 0) {
                size_t size = left < BUFFER_SIZE ? (size_t) left : BUFFER_SIZE;
                ssize_t n = data->from->ops->read(data->from, data->in, buffer, size);
                int r;

                if (interrupted())
                        return -AX_EINTR;
                if (n == -AX_EINTR)
                        continue;
                data->read_failed = n < 0;
                if (n <= 0)
                        return (int) n;
                r = side_write(data->to, data->out, buffer, (size_t) n);
                if (r < 0)
                        return r;
                left -= n;
        }
        return 0;
}

static bool has_holes(const struct tree_data *data) {
        struct ax_stat status;

        return !data->plain && data->from->ops->fstat(data->from, data->in, &status) == 0 && S_ISREG(status.mode) &&
               status.blocks * 512 < status.size;
}

/*
 * Copies the data after `at`, up to the next hole. Returns where that begins, or -AX_ENXIO if there
 * is only a hole up to the end, or a different negative error.
 */
static int64_t copy_extent(struct tree_data *data, int64_t at) {
        struct side *from = data->from, *to = data->to;
        int64_t begin = from->ops->seek(from, data->in, at, SEEK_DATA), end, r;

        if (begin < 0)
                return begin;
        end = from->ops->seek(from, data->in, begin, SEEK_HOLE);
        if (end < 0)
                return end;
        r = from->ops->seek(from, data->in, begin, SEEK_SET);
        if (r >= 0)
                r = to->ops->seek(to, data->out, begin, SEEK_SET);
        if (r >= 0)
                r = copy_bytes(data, end - begin);
        return r < 0 ? r : end;
}

int tree_copy_data(struct tree_data *data) {
        int64_t at = 0, end;

        if (!has_holes(data))
                return copy_bytes(data, INT64_MAX);
        for (;;) {
                int64_t next = copy_extent(data, at);

                if (next == -AX_ENXIO)
                        break;
                if (next == -AX_EINVAL && at == 0)
                        return copy_bytes(data, INT64_MAX); /* the filesystem does not know its holes */
                if (next < 0)
                        return (int) next;
                at = next;
        }
        end = data->from->ops->seek(data->from, data->in, 0, SEEK_END);
        return end < 0 ? (int) end : data->to->ops->truncate(data->to, data->out, end);
}

/* ---- copying trees --------------------------------------------------------------------------- */

/* Files with several names, by inode number. The room has a link to each: "l" and `number`. */
struct tree_links {
        uint64_t ino;
        unsigned number;
        UT_hash_handle hh;
};

/* Makes the path from a depth in the tree to a link in the room. */
static int path_to_link(size_t depth, unsigned number, char path[static PATH_MAX]) {
        char *at = path;

        if (depth * 3 + 16 > PATH_MAX)
                return -AX_ENAMETOOLONG;
        while (depth-- > 0)
                at = stpcpy(at, "../");
        sprintf(at, "l%u", number);
        return 0;
}

/*
 * Makes a further name of a file that was copied already. Returns 1, or 0 if it was not copied yet,
 * or a negative error.
 */
static int link_again(struct tree_copy *copy, size_t depth, const struct ax_stat *status, const char *to_name) {
        struct tree_links *link;
        char path[PATH_MAX];
        int r;

        HASH_FIND(hh, copy->links, &status->ino, sizeof(status->ino), link);
        if (!link)
                return 0;
        r = path_to_link(depth, link->number, path);
        if (r == 0)
                r = copy->to->ops->link(copy->to, path, to_name);
        return r < 0 ? r : 1;
}

static int remember_link(struct tree_copy *copy, size_t depth, const struct ax_stat *status, const char *to_name) {
        struct tree_links *link = calloc(1, sizeof(*link));
        char path[PATH_MAX];
        int r;

        if (!link)
                return -AX_ENOMEM;
        link->ino = status->ino;
        link->number = copy->n_links++;
        HASH_ADD(hh, copy->links, ino, sizeof(link->ino), link);
        r = path_to_link(depth, link->number, path);
        return r < 0 ? r : copy->to->ops->link(copy->to, to_name, path);
}

static void forget_links(struct tree_copy *copy) {
        struct tree_links *link, *next;

        HASH_ITER (hh, copy->links, link, next) {
                HASH_DEL(copy->links, link);
                free(link);
        }
}

static int copy_attributes(const struct tree_copy *copy, const char *name, const struct ax_stat *status,
                           const char *to_name) {
        uint32_t mode;

        if (copy->keep)
                return attributes_copy(copy->from, name, status, copy->to, to_name, true);
        if (S_ISLNK(status->mode))
                return 0;
        mode = attributes_mode(copy->from, name, status) & 0777 & ~copy->umask;
        return copy->to->ops->chmod(copy->to, to_name, mode);
}

static int copy_regular(struct tree_copy *copy, const char *name, const struct ax_stat *status, const char *to_name) {
        struct tree_data data = { .from = copy->from, .to = copy->to, .in = copy->from->ops->open(copy->from, name) };
        int r, closed;

        if (data.in < 0)
                return data.in;
        r = side_check(copy->from, data.in, status);
        data.out = r < 0 ? r : copy->to->ops->create(copy->to, to_name);
        if (data.out < 0) {
                copy->from->ops->close(copy->from, data.in);
                return data.out;
        }
        r = tree_copy_data(&data);
        closed = copy->to->ops->close(copy->to, data.out);
        copy->from->ops->close(copy->from, data.in);
        return r < 0 ? r : closed;
}

static int copy_symlink(struct tree_copy *copy, const char *name, const char *to_name) {
        char target[PATH_MAX];
        int n = copy->from->ops->readlink(copy->from, name, target, sizeof(target) - 1);

        if (n < 0)
                return n;
        target[n] = '\0';
        return copy->to->ops->symlink(copy->to, target, to_name);
}

static int copy_node(struct tree_copy *copy, size_t depth, const char *name, const struct ax_stat *status,
                     const char *to_name) {
        bool shared = copy->keep && status->nlink > 1;
        int r = shared ? link_again(copy, depth, status, to_name) : 0;

        if (r != 0)
                return r < 0 ? r : 0;
        if (S_ISREG(status->mode))
                r = copy_regular(copy, name, status, to_name);
        else if (S_ISLNK(status->mode))
                r = copy_symlink(copy, name, to_name);
        else if (S_ISFIFO(status->mode))
                r = copy->to->ops->mkfifo(copy->to, to_name);
        else
                r = -AX_EXDEV; /* devices and sockets belong to the host */
        if (r == 0)
                r = copy_attributes(copy, name, status, to_name);
        return r == 0 && shared ? remember_link(copy, depth, status, to_name) : r;
}

/*
 * Checks whether the caller may remove a name, without doing so: the host checks permission first,
 * and then refuses unlink() of a directory and rmdir() of a file.
 */
static int check_removable(struct side *side, const char *name, const struct ax_stat *status) {
        int r = S_ISDIR(status->mode) ? side->ops->unlink(side, name) : side->ops->rmdir(side, name);

        return r == -AX_EISDIR || r == -AX_ENOTDIR ? 0 : r;
}

static int enter_to_copy(struct tree_copy *copy, struct walk *walk, const char *name, const struct ax_stat *status,
                         const char *to_name) {
        struct ax_stat made;
        struct level *level;
        uint64_t parent = 0, to_parent = 0;
        int r = side_here(copy->from, &parent);

        if (r == 0)
                r = side_here(copy->to, &to_parent);
        if (r == 0)
                r = copy->to->ops->mkdir(copy->to, to_name);
        if (r == 0)
                r = copy->to->ops->chmod(copy->to, to_name, 0700);
        if (r == 0)
                r = copy->to->ops->lstat(copy->to, to_name, &made);
        if (r == 0)
                r = side_enter(copy->from, name, status);
        if (r < 0)
                return r;
        level = walk_push(walk, to_name, status);
        if (!level)
                return -AX_ENOMEM;
        level->parent = parent;
        level->to_parent = to_parent;
        r = side_enter(copy->to, to_name, &made);
        if (r == 0)
                r = copy->from->ops->list(copy->from, &level->names);
        level->next = level->names;
        return r < 0 ? r : 0;
}

static int copy_or_enter(struct tree_copy *copy, struct walk *walk, const char *name, const char *to_name) {
        struct ax_stat status;
        int r = interrupted() ? -AX_EINTR : copy->from->ops->lstat(copy->from, name, &status);

        if (r == 0 && copy->removable)
                r = check_removable(copy->from, name, &status);
        if (r < 0)
                return r;
        return S_ISDIR(status.mode) ? enter_to_copy(copy, walk, name, &status, to_name)
                                    : copy_node(copy, walk->depth, name, &status, to_name);
}

/* A directory gets its attributes last, since they may forbid to write in it. */
static int leave_copied(struct tree_copy *copy, struct walk *walk) {
        struct level *level = walk_top(walk);
        int r = side_leave(copy->to, level->to_parent);

        if (r == 0)
                r = copy_attributes(copy, ".", &level->status, level->name);
        if (r == 0)
                r = side_leave(copy->from, level->parent);
        if (r == 0)
                walk_pop(walk);
        return r;
}

int tree_copy(struct tree_copy *copy, const char *name, const char *to_name) {
        struct walk walk = { 0 };
        struct ax_stat top;
        const char *child = NULL;
        int r = copy->to->ops->lstat(copy->to, ".", &top);

        if (r == 0)
                r = copy_or_enter(copy, &walk, name, to_name);
        while (r == 0 && walk.depth > 0) {
                child = *walk_top(&walk)->next;
                if (child)
                        walk_top(&walk)->next++;
                r = child ? copy_or_enter(copy, &walk, child, child) : leave_copied(copy, &walk);
        }
        *copy->failed = '\0';
        if (r < 0 && walk.depth > 0)
                walk_path(&walk, child ? child : "", copy->failed);
        for (size_t depth = walk.depth; depth > 0; depth--) {
                uint64_t ino = 0;

                if (side_here(copy->to, &ino) == 0 && ino == top.ino)
                        break;
                copy->to->ops->go(copy->to, "..");
        }
        walk_end(&walk);
        forget_links(copy);
        return r;
}
