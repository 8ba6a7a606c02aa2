/* SPDX-License-Identifier: MIT */
#include "exact_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAP_SIZE = 4096, SIZE_LIMIT = 9000, NAMES = 6 };

unsigned exact_draw(uint64_t *random, unsigned limit) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned) (*random >> 33) % limit;
}

/* Directories first; the one that moves is in a or in b. */
static const char *const directories[] = { "a", "b", "a/moves", "b/moves", "a/moves/deep", "b/moves/deep" };

enum { DIRECTORIES = sizeof(directories) / sizeof(directories[0]) };

void exact_place(uint64_t *random, char *buf, size_t size) {
        unsigned directory = exact_draw(random, DIRECTORIES);

        snprintf(buf, size, "%s/n%u", directories[directory], exact_draw(random, NAMES));
}

struct exact_paths exact_paths(const struct exact_tree *tree, const char *place) {
        struct exact_paths paths;

        snprintf(paths.namespace, sizeof(paths.namespace), "%s/%s", tree->directory, place);
        snprintf(paths.mount, sizeof(paths.mount), "%s%s", the_daemon.mount, paths.namespace);
        snprintf(paths.store, sizeof(paths.store), "%s%s", the_daemon.store, paths.namespace);
        return paths;
}

void exact_fail(const struct exact_tree *tree, const char *format, ...) {
        va_list arguments;

        flockfile(stderr);
        fprintf(stderr, "%s, AXEBERG_SEED=%llu, step %lu: ", tree->directory, (unsigned long long) tree->seed,
                tree->step);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, "\nThe last changes:\n");
        for (unsigned long i = tree->step < EXACT_HISTORY ? 0 : tree->step - EXACT_HISTORY + 1; i <= tree->step; i++)
                fprintf(stderr, "  %lu %s\n", i, tree->history[i % EXACT_HISTORY]);
        fflush(stderr);
        _exit(1);
}

/* ---- the changes ----------------------------------------------------------------------------- */

/* The operation's two places, and where they are for each side. */
struct change {
        struct exact_tree *tree;
        bool by_client;
        struct exact_paths at, to;
        unsigned value;
};

static int host_result(int result) {
        return result < 0 ? -errno : result;
}

static int write_whole(const struct change *c, bool exclusive) {
        static const char bytes[SIZE_LIMIT];
        unsigned size = c->value % SIZE_LIMIT;
        ssize_t n;
        int fd;

        if (c->by_client) {
                fd = ax_open(c->tree->ax, c->at.namespace, AX_WRITE | (exclusive ? AX_O_EXCLUSIVE : 0));
                if (fd < 0)
                        return fd;
                n = ax_write(c->tree->ax, fd, bytes, size);
                (void) ax_close(c->tree->ax, fd);
                return (int) n;
        }
        fd = open(c->at.mount, O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : O_TRUNC), 0644);
        if (fd < 0)
                return -errno;
        n = write(fd, bytes, size);
        close(fd);
        return (int) n;
}

static int do_create(const struct change *c) {
        return write_whole(c, true);
}

static int do_write(const struct change *c) {
        return write_whole(c, false);
}

static int do_unlink(const struct change *c) {
        return c->by_client ? ax_unlink(c->tree->ax, c->at.namespace) : host_result(unlink(c->at.mount));
}

static int do_rename(const struct change *c) {
        return c->by_client ? ax_rename(c->tree->ax, c->at.namespace, c->to.namespace)
                            : host_result(rename(c->at.mount, c->to.mount));
}

static int do_link(const struct change *c) {
        return c->by_client ? ax_link(c->tree->ax, c->at.namespace, c->to.namespace)
                            : host_result(link(c->at.mount, c->to.mount));
}

static int do_symlink(const struct change *c) {
        char target[8];

        snprintf(target, sizeof(target), "n%u", c->value % NAMES);
        return c->by_client ? ax_symlink(c->tree->ax, target, c->at.namespace)
                            : host_result(symlink(target, c->at.mount));
}

static int do_mkdir(const struct change *c) {
        return c->by_client ? ax_mkdir(c->tree->ax, c->at.namespace) : host_result(mkdir(c->at.mount, 0755));
}

static int do_rmdir(const struct change *c) {
        return c->by_client ? ax_rmdir(c->tree->ax, c->at.namespace) : host_result(rmdir(c->at.mount));
}

static int do_chmod(const struct change *c) {
        mode_t mode = 0600 | (c->value & 0177);

        return c->by_client ? ax_chmod(c->tree->ax, c->at.namespace, mode) : host_result(chmod(c->at.mount, mode));
}

static int do_chown(const struct change *c) {
        uid_t uid = c->value % 3, gid = c->value % 5;

        return c->by_client ? ax_lchown(c->tree->ax, c->at.namespace, uid, gid)
                            : host_result(lchown(c->at.mount, uid, gid));
}

static int do_utimens(const struct change *c) {
        const struct timespec times[2] = { { .tv_sec = c->value }, { .tv_sec = c->value, .tv_nsec = 7 } };

        return c->by_client ? ax_utimens(c->tree->ax, c->at.namespace, times)
                            : host_result(utimensat(AT_FDCWD, c->at.mount, times, 0));
}

static int do_truncate(const struct change *c) {
        int fd, r;

        if (!c->by_client)
                return host_result(truncate(c->at.mount, c->value % SIZE_LIMIT));
        fd = ax_open(c->tree->ax, c->at.namespace, AX_O_WRITE);
        if (fd < 0)
                return fd;
        r = ax_ftruncate(c->tree->ax, fd, c->value % SIZE_LIMIT);
        (void) ax_close(c->tree->ax, fd);
        return r;
}

static int do_setxattr(const struct change *c) {
        return c->by_client ? ax_setxattr(c->tree->ax, c->at.namespace, "user.exact", &c->value, sizeof(c->value), 0)
                            : host_result(setxattr(c->at.mount, "user.exact", &c->value, sizeof(c->value), 0));
}

static int do_removexattr(const struct change *c) {
        return c->by_client ? ax_removexattr(c->tree->ax, c->at.namespace, "user.exact")
                            : host_result(removexattr(c->at.mount, "user.exact"));
}

/* ---- what is held open ----------------------------------------------------------------------- */

static int let_go(const struct change *c) {
        struct exact_held *held = &c->tree->held;

        if (held->host < 0)
                return 0;
        if (held->map)
                munmap(held->map, MAP_SIZE);
        close(held->host);
        (void) ax_close(c->tree->ax, held->fd);
        *held = (struct exact_held){ .host = -1 };
        return 0;
}

static int do_hold(const struct change *c) {
        struct exact_held *held = &c->tree->held;
        int fd;

        (void) let_go(c);
        fd = ax_open(c->tree->ax, c->at.namespace, AX_RDWR);
        if (fd < 0)
                return fd;
        held->fd = fd;
        held->host = open(c->at.mount, O_RDWR | O_CLOEXEC);
        if (held->host < 0)
                exact_fail(c->tree, "open %s: a client opened it, on the mount: %s", c->at.mount, strerror(errno));
        held->map = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, held->host, 0);
        if (held->map == MAP_FAILED)
                held->map = NULL;
        return 0;
}

static int do_pwrite(const struct change *c) {
        struct exact_held *held = &c->tree->held;
        char bytes[16] = "held";

        if (held->host < 0)
                return 0;
        return (int) (c->by_client ? ax_pwrite(c->tree->ax, held->fd, bytes, sizeof(bytes), c->value % SIZE_LIMIT)
                                   : pwrite(held->host, bytes, sizeof(bytes), c->value % SIZE_LIMIT));
}

static int do_ftruncate(const struct change *c) {
        struct exact_held *held = &c->tree->held;

        if (held->host < 0)
                return 0;
        return c->by_client ? ax_ftruncate(c->tree->ax, held->fd, c->value % SIZE_LIMIT)
                            : host_result(ftruncate(held->host, c->value % SIZE_LIMIT));
}

/* Only what the file has: more would be SIGBUS. On a disk, waiting for the disk takes long. */
static int do_mapped_write(const struct change *c) {
        struct exact_held *held = &c->tree->held;
        struct stat st;

        if (held->host < 0 || !held->map || (the_daemon.options.durable && c->value % 16 > 0) ||
            fstat(held->host, &st) < 0 || st.st_size < 1)
                return 0;
        held->map[0] = (char) c->value;
        return host_result(msync(held->map, MAP_SIZE, MS_SYNC));
}

static const struct operation {
        const char *name;
        int (*run)(const struct change *c);
        unsigned weight;
} operations[] = {
        { "create", do_create, 12 },      { "write", do_write, 6 },
        { "unlink", do_unlink, 8 },       { "rename", do_rename, 8 },
        { "link", do_link, 4 },           { "symlink", do_symlink, 3 },
        { "mkdir", do_mkdir, 2 },         { "rmdir", do_rmdir, 2 },
        { "chmod", do_chmod, 4 },         { "chown", do_chown, 3 },
        { "utimens", do_utimens, 3 },     { "truncate", do_truncate, 4 },
        { "setxattr", do_setxattr, 3 },   { "removexattr", do_removexattr, 2 },
        { "hold", do_hold, 4 },           { "pwrite", do_pwrite, 8 },
        { "ftruncate", do_ftruncate, 4 }, { "mapped write", do_mapped_write, 5 },
        { "let go", let_go, 2 },
};

/* ---- steps ----------------------------------------------------------------------------------- */

static const struct operation *draw_operation(uint64_t *random) {
        const struct operation *operation = operations;
        unsigned total = 0, drawn;

        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
                total += operations[i].weight;
        for (drawn = exact_draw(random, total); drawn >= operation->weight; operation++)
                drawn -= operation->weight;
        return operation;
}

/* A directory moves with what is in it, to where it is not. */
static void draw_places(struct exact_tree *tree, const struct operation *operation) {
        if (operation->run == do_rename && exact_draw(&tree->random, 3) == 0) {
                unsigned from = exact_draw(&tree->random, 2);

                snprintf(tree->named[0], EXACT_PATH_SIZE, "%s/moves", directories[from]);
                snprintf(tree->named[1], EXACT_PATH_SIZE, "%s/moves", directories[1 - from]);
                return;
        }
        for (unsigned i = 0; i < 2; i++)
                exact_place(&tree->random, tree->named[i], EXACT_PATH_SIZE);
}

/* What the host's kernel should have in its cache when the change comes. */
static void warm_up(struct exact_tree *tree, const struct change *c) {
        struct stat st;

        if (exact_draw(&tree->random, 4) == 0)
                return;
        (void) lstat(c->at.mount, &st);
        (void) lstat(c->to.mount, &st);
}

static void look(struct exact_tree *tree) {
        char place[EXACT_PATH_SIZE];

        exact_look(tree, tree->named[0]);
        exact_look(tree, tree->named[1]);
        exact_look_held(tree);
        exact_place(&tree->random, place, sizeof(place));
        exact_look(tree, place);
        if (exact_draw(&tree->random, 8) == 0)
                exact_look_into(tree, directories[exact_draw(&tree->random, DIRECTORIES)]);
}

void exact_tree_step(struct exact_tree *tree) {
        const struct operation *operation = draw_operation(&tree->random);
        char *said = tree->history[++tree->step % EXACT_HISTORY];
        struct change c = { .tree = tree };
        int r;

        draw_places(tree, operation);
        c.by_client = exact_draw(&tree->random, 2);
        c.value = exact_draw(&tree->random, 1U << 30);
        c.at = exact_paths(tree, tree->named[0]);
        c.to = exact_paths(tree, tree->named[1]);
        snprintf(said, sizeof(tree->history[0]), "%s %s %s", operation->name, tree->named[0], tree->named[1]);
        warm_up(tree, &c);
        r = operation->run(&c);
        snprintf(said, sizeof(tree->history[0]), "%s %s by the %s: %d", operation->name, tree->named[0],
                 c.by_client ? "client" : "host", r);
        if (operation->run == do_rename || operation->run == do_link)
                snprintf(said, sizeof(tree->history[0]), "%s %s to %s by the %s: %d", operation->name, tree->named[0],
                         tree->named[1], c.by_client ? "client" : "host", r);
        look(tree);
}

void exact_tree_begin(struct exact_tree *tree) {
        static const char *const first[] = { "", "a", "b", "a/moves", "a/moves/deep" };
        int r = ax_connect(&tree->ax, the_daemon.socket);

        tree->held.host = -1;
        if (r < 0)
                exact_fail(tree, "cannot connect: %s", ax_strerror(r));
        for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
                r = ax_mkdir(tree->ax, exact_paths(tree, first[i]).namespace);
                if (r < 0)
                        exact_fail(tree, "mkdir %s: %s", first[i], ax_strerror(r));
        }
}

void exact_tree_end(struct exact_tree *tree) {
        (void) let_go(&(struct change){ .tree = tree });
        ax_disconnect(tree->ax);
}
