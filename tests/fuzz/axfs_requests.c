/* SPDX-License-Identifier: MIT */
#include "axfs_requests.h"

#include <fcntl.h>
#include <string.h>

#include "axfs_kernel.h"
#include "sandbox.h"

enum { MAX_DATA = 16384 };

static void do_lookup(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFDIR);

        begin_request(FUSE_LOOKUP, node->id, reader);
        put_name(reader);
        ask_for_entry(reader);
}

static void do_forget(struct reader *reader) {
        struct known_node *node = pick_node(reader, 0);

        if (node != &nodes[0] && !is_open(node))
                give_back(node, 1 + read_byte(reader) % node->lookups, reader);
}

static void do_getattr(struct reader *reader) {
        const struct known_open *open = read_byte(reader) % 2 ? pick_open(reader, false) : NULL;
        const struct known_node *node = pick_node(reader, 0);
        struct fuse_getattr_in body = { .getattr_flags = open ? FUSE_GETATTR_FH : 0, .fh = open ? open->fh : 0 };

        begin_request(FUSE_GETATTR, open ? open->node : node->id, reader);
        PUT(body);
        ask(true);
}

static void do_setattr(struct reader *reader) {
        const struct known_open *open = read_byte(reader) % 2 ? pick_open(reader, false) : NULL;
        const struct known_node *node = pick_node(reader, 0);
        struct fuse_setattr_in body = {
                .valid = (uint32_t) read_number(reader, 2) & ~(uint32_t) (FATTR_FH | FATTR_LOCKOWNER),
                .fh = open ? open->fh : 0,
                .size = read_number(reader, 3),
                .atime = read_number(reader, 8),
                .mtime = read_number(reader, 4),
                .atimensec = (uint32_t) read_number(reader, 4) % 1000000000,
                .mode = (uint32_t) read_number(reader, 2) & 07777,
                .uid = (uint32_t) read_number(reader, 2),
                .gid = (uint32_t) read_number(reader, 2),
        };

        if (open)
                body.valid |= FATTR_FH;
        else if (node->type != S_IFREG)
                body.valid &= ~(uint32_t) FATTR_SIZE;
        body.mode |= open ? S_IFREG : node->type;
        begin_request(FUSE_SETATTR, open ? open->node : node->id, reader);
        PUT(body);
        ask(true);
}

static void do_readlink(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFLNK);

        if (!node)
                return;
        begin_request(FUSE_READLINK, node->id, reader);
        ask(true);
}

static void do_symlink(struct reader *reader) {
        static const char *const targets[] = { "a", "../outside/secret", "/mnt/outside/secret", "loop", "." };
        const struct known_node *node = pick_node(reader, S_IFDIR);
        const char *target;

        begin_request(FUSE_SYMLINK, node->id, reader);
        put_name(reader);
        target = targets[read_byte(reader) % 5];
        put(target, strlen(target) + 1);
        ask_for_entry(reader);
}

static void do_mknod(struct reader *reader) {
        static const mode_t types[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR };
        const struct known_node *node = pick_node(reader, S_IFDIR);
        struct fuse_mknod_in body = {
                .mode = types[read_byte(reader) % 4] | ((uint32_t) read_number(reader, 2) & 07777),
                .rdev = 0x103,
                .umask = read_byte(reader) & 077,
        };

        begin_request(FUSE_MKNOD, node->id, reader);
        PUT(body);
        put_name(reader);
        ask_for_entry(reader);
}

static void do_mkdir(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFDIR);
        struct fuse_mkdir_in body = { .mode = (uint32_t) read_number(reader, 2) & 07777,
                                      .umask = read_byte(reader) & 077 };

        begin_request(FUSE_MKDIR, node->id, reader);
        PUT(body);
        put_name(reader);
        ask_for_entry(reader);
}

static void do_remove(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFDIR);

        begin_request(read_byte(reader) % 2 ? FUSE_UNLINK : FUSE_RMDIR, node->id, reader);
        put_name(reader);
        ask(true);
}

static void do_rename(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFDIR), *to = pick_node(reader, S_IFDIR);
        struct fuse_rename2_in body = { .newdir = to->id, .flags = read_byte(reader) % 5 };

        if (body.flags == 3)
                return;
        begin_request(FUSE_RENAME2, node->id, reader);
        PUT(body);
        put_name(reader);
        put_name(reader);
        ask(true);
}

static void do_link(struct reader *reader) {
        const struct known_node *node = pick_node(reader, 0), *to = pick_node(reader, S_IFDIR);
        struct fuse_link_in body = { .oldnodeid = node->id };

        if (node->type == S_IFDIR)
                return;
        begin_request(FUSE_LINK, to->id, reader);
        PUT(body);
        put_name(reader);
        ask_for_entry(reader);
}

static uint32_t pick_flags(struct reader *reader) {
        static const uint32_t flags[] = { O_APPEND, O_TRUNC, O_NONBLOCK, O_DIRECT, O_SYNC, O_NOATIME };
        uint32_t picked = read_byte(reader) % 3;
        uint8_t bits = read_byte(reader);

        for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
                if (bits & 1u << i)
                        picked |= flags[i];
        return picked;
}

static void do_open(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFREG);
        struct fuse_open_in body = { .flags = pick_flags(reader), .open_flags = read_byte(reader) & 1 };

        if (!node)
                return;
        begin_request(FUSE_OPEN, node->id, reader);
        PUT(body);
        ask_to_open(node, false, reader);
}

static void do_create(struct reader *reader) {
        const struct known_node *parent = pick_node(reader, S_IFDIR);
        struct fuse_create_in body = {
                .flags = pick_flags(reader) | O_CREAT | (read_byte(reader) % 2 ? O_EXCL : 0),
                .mode = S_IFREG | ((uint32_t) read_number(reader, 2) & 07777),
                .umask = read_byte(reader) & 077,
        };
        bool nameless = read_byte(reader) % 8 == 0;

        begin_request(nameless ? FUSE_TMPFILE : FUSE_CREATE, parent->id, reader);
        PUT(body);
        if (nameless)
                put("/", 2);
        else
                put_name(reader);
        ask_to_create(reader);
}

static void do_opendir(struct reader *reader) {
        const struct known_node *node = pick_node(reader, S_IFDIR);
        struct fuse_open_in body = { .flags = O_DIRECTORY };

        begin_request(FUSE_OPENDIR, node->id, reader);
        PUT(body);
        ask_to_open(node, true, reader);
}

static void do_read(struct reader *reader) {
        bool directory = read_byte(reader) % 2;
        const struct known_open *open = pick_open(reader, directory);
        struct fuse_read_in body = { .fh = open ? open->fh : 0,
                                     .offset = read_number(reader, 3),
                                     .size = (uint32_t) read_number(reader, 2) };

        if (!open)
                return;
        begin_request(directory ? FUSE_READDIR : FUSE_READ, open->node, reader);
        PUT(body);
        if (ask(true) && received_size - sizeof(received.header) > body.size)
                finding("%zu bytes are read, %u were asked for", received_size - sizeof(received.header), body.size);
}

static void do_write(struct reader *reader) {
        static const uint8_t zeros[MAX_DATA];
        const struct known_open *open = pick_open(reader, false);
        struct fuse_write_in body = {
                .fh = open ? open->fh : 0,
                .offset = read_number(reader, 3),
                .size = (uint32_t) read_number(reader, 2) % MAX_DATA,
                .write_flags = read_byte(reader) % 2 ? FUSE_WRITE_KILL_SUIDGID : 0,
        };

        if (!open)
                return;
        begin_request(FUSE_WRITE, open->node, reader);
        PUT(body);
        put(zeros, body.size);
        ask(true);
}

static void do_release(struct reader *reader) {
        struct known_open *open = pick_open(reader, read_byte(reader) % 2);

        if (open)
                release(open, reader);
}

static void do_sync(struct reader *reader) {
        bool directory = read_byte(reader) % 2, flush = read_byte(reader) % 2;
        const struct known_open *open = pick_open(reader, directory);
        struct fuse_fsync_in body = { .fh = open ? open->fh : 0, .fsync_flags = read_byte(reader) & 1 };
        struct fuse_flush_in flush_body = { .fh = body.fh };

        if (!open)
                return;
        begin_request(directory ? FUSE_FSYNCDIR : flush ? FUSE_FLUSH : FUSE_FSYNC, open->node, reader);
        if (flush && !directory)
                PUT(flush_body);
        else
                PUT(body);
        ask(true);
}

static void do_statfs(struct reader *reader) {
        begin_request(FUSE_STATFS, pick_node(reader, 0)->id, reader);
        ask(true);
}

static void put_attribute_name(struct reader *reader) {
        static const char *const names[] = { "user.a",
                                             "user.b",
                                             "trusted.a",
                                             "security.capability",
                                             "system.posix_acl_access",
                                             "system.posix_acl_default",
                                             "user.",
                                             "x" };
        const char *name = names[read_byte(reader) % 8];

        put(name, strlen(name) + 1);
}

static void do_setxattr(struct reader *reader) {
        static const uint8_t acl[] = { 2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 4,   0,
                                       4, 0, 255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255 };
        const struct known_node *node = pick_node(reader, 0);
        struct {
                uint32_t size, flags;
        } body = { .flags = read_byte(reader) % 3 }; /* FUSE_COMPAT_SETXATTR_IN_SIZE */
        bool is_acl = read_byte(reader) % 2;

        body.size = is_acl ? sizeof(acl) : read_byte(reader);
        begin_request(FUSE_SETXATTR, node->id, reader);
        PUT(body);
        put_attribute_name(reader);
        for (uint32_t i = 0; i < body.size; i++) {
                uint8_t byte = is_acl ? acl[i] : read_byte(reader);

                put(&byte, 1);
        }
        ask(true);
}

static void do_getxattr(struct reader *reader) {
        bool list = read_byte(reader) % 2;
        struct fuse_getxattr_in body = { .size = (uint32_t) read_number(reader, 2) };

        begin_request(list ? FUSE_LISTXATTR : FUSE_GETXATTR, pick_node(reader, 0)->id, reader);
        PUT(body);
        if (!list)
                put_attribute_name(reader);
        if (ask(true) && body.size > 0 && received_size - sizeof(received.header) > body.size)
                finding("attributes of %zu bytes, where %u fit", received_size - sizeof(received.header), body.size);
}

static void do_removexattr(struct reader *reader) {
        begin_request(FUSE_REMOVEXATTR, pick_node(reader, 0)->id, reader);
        put_attribute_name(reader);
        ask(true);
}

static void do_fallocate(struct reader *reader) {
        const struct known_open *open = pick_open(reader, false);
        struct fuse_fallocate_in body = {
                .fh = open ? open->fh : 0,
                .offset = read_number(reader, 3),
                .length = read_number(reader, 2),
                .mode = read_byte(reader) & 0x7b,
        };

        if (!open)
                return;
        begin_request(FUSE_FALLOCATE, open->node, reader);
        PUT(body);
        ask(true);
}

static void do_lseek(struct reader *reader) {
        const struct known_open *open = pick_open(reader, false);
        struct fuse_lseek_in body = { .fh = open ? open->fh : 0,
                                      .offset = read_number(reader, 3),
                                      .whence = 3 + read_byte(reader) % 2 };

        if (!open)
                return;
        begin_request(FUSE_LSEEK, open->node, reader);
        PUT(body);
        ask(true);
}

static void do_copy(struct reader *reader) {
        const struct known_open *from = pick_open(reader, false), *to = pick_open(reader, false);
        struct fuse_copy_file_range_in body = {
                .fh_in = from ? from->fh : 0,
                .off_in = read_number(reader, 2),
                .nodeid_out = to ? to->node : 0,
                .fh_out = to ? to->fh : 0,
                .off_out = read_number(reader, 2),
                .len = read_number(reader, 2),
        };

        if (!from)
                return;
        begin_request(FUSE_COPY_FILE_RANGE, from->node, reader);
        PUT(body);
        ask(true);
}

/* A node that the kernel does not know is never in a request; axfs answers all the same. */
static void do_stale(struct reader *reader) {
        uint64_t id = read_byte(reader) % 2 ? read_number(reader, 8) : read_number(reader, 1);
        struct fuse_getattr_in body = { 0 };

        for (unsigned i = 0; i < NODES; i++)
                if (nodes[i].id == id)
                        return;
        begin_request(FUSE_GETATTR, id, reader);
        PUT(body);
        ask(true);
}

void (*const requests[REQUESTS])(struct reader *reader) = {
        do_lookup, do_lookup, do_forget,   do_getattr,  do_setattr,     do_readlink,  do_symlink, do_mknod, do_mkdir,
        do_remove, do_rename, do_link,     do_open,     do_create,      do_opendir,   do_read,    do_write, do_release,
        do_sync,   do_statfs, do_setxattr, do_getxattr, do_removexattr, do_fallocate, do_lseek,   do_copy,  do_stale,
};
