/* SPDX-License-Identifier: MIT */
/* describe.c - see describe.h */
#include "describe.h"

#include "axfs.h"
#include "host_program.h"
#include "printable.h"
#include "util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
        NAME_NONE = -1,
        XATTR_NAME_AT = 8, /* behind size and flags */
        TAIL_LENGTH = 100,
};

/* What a request's bytes are: how many come before a name. */
static const struct {
        const char *name;
        uint32_t opcode;
        int name_at; /* NAME_NONE: none */
} requests[] = {
        { "lookup", FUSE_LOOKUP, 0 },
        { "getattr", FUSE_GETATTR, NAME_NONE },
        { "setattr", FUSE_SETATTR, NAME_NONE },
        { "readlink", FUSE_READLINK, NAME_NONE },
        { "symlink", FUSE_SYMLINK, 0 },
        { "mknod", FUSE_MKNOD, sizeof(struct fuse_mknod_in) },
        { "mkdir", FUSE_MKDIR, sizeof(struct fuse_mkdir_in) },
        { "unlink", FUSE_UNLINK, 0 },
        { "rmdir", FUSE_RMDIR, 0 },
        { "rename", FUSE_RENAME, sizeof(struct fuse_rename_in) },
        { "rename", FUSE_RENAME2, sizeof(struct fuse_rename2_in) },
        { "link", FUSE_LINK, sizeof(struct fuse_link_in) },
        { "open", FUSE_OPEN, NAME_NONE },
        { "read", FUSE_READ, NAME_NONE },
        { "write", FUSE_WRITE, NAME_NONE },
        { "statfs", FUSE_STATFS, NAME_NONE },
        { "release", FUSE_RELEASE, NAME_NONE },
        { "fsync", FUSE_FSYNC, NAME_NONE },
        { "setxattr", FUSE_SETXATTR, XATTR_NAME_AT },
        { "getxattr", FUSE_GETXATTR, XATTR_NAME_AT },
        { "listxattr", FUSE_LISTXATTR, NAME_NONE },
        { "removexattr", FUSE_REMOVEXATTR, 0 },
        { "flush", FUSE_FLUSH, NAME_NONE },
        { "opendir", FUSE_OPENDIR, NAME_NONE },
        { "readdir", FUSE_READDIR, NAME_NONE },
        { "readdir", FUSE_READDIRPLUS, NAME_NONE },
        { "releasedir", FUSE_RELEASEDIR, NAME_NONE },
        { "fsyncdir", FUSE_FSYNCDIR, NAME_NONE },
        { "access", FUSE_ACCESS, NAME_NONE },
        { "create", FUSE_CREATE, sizeof(struct fuse_create_in) },
        { "fallocate", FUSE_FALLOCATE, NAME_NONE },
        { "lseek", FUSE_LSEEK, NAME_NONE },
        { "getlk", FUSE_GETLK, NAME_NONE },
        { "setlk", FUSE_SETLK, NAME_NONE },
        { "setlkw", FUSE_SETLKW, NAME_NONE },
};

static bool names_attribute(uint32_t opcode) {
        return opcode == FUSE_SETXATTR || opcode == FUSE_GETXATTR || opcode == FUSE_REMOVEXATTR;
}

/*
 * ---- paths -------------------------------------------------------------------------------------
 */

struct path {
        char text[2 * PATH_MAX];
};

/* The path of the host, less that of the store's root. */
static bool path_in_store(struct axfs *fs, struct node *node, struct path *ret) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        char root[PATH_MAX], path[PATH_MAX];
        ssize_t root_length, length;

        if (pin_node(&fs->descriptors, &pin, node) < 0)
                return false;
        root_length = readlinkat(fs->descriptors.proc_fd, fd_path(node->store->root_fd).text, root, sizeof(root) - 1);
        length = readlinkat(fs->descriptors.proc_fd, fd_path(pin.fd).text, path, sizeof(path) - 1);
        if (root_length <= 0 || length < root_length || memcmp(path, root, (size_t) root_length) != 0)
                return false;
        path[length] = '\0';
        if (root_length == 1)
                root_length = 0; /* "/" */
        namespace_path(&fs->namespace, node->store, ret->text, sizeof(ret->text));
        strncat(ret->text, path + root_length, sizeof(ret->text) - strlen(ret->text) - 1);
        return path[root_length] == '/' || path[root_length] == '\0';
}

/* A store's root is "/" in the store, and has a different name if the store is mounted on one. */
static void end_path(struct path *path) {
        size_t length = strlen(path->text);

        if (length > 1 && path->text[length - 1] == '/')
                path->text[length - 1] = '\0';
        if (length == 0)
                snprintf(path->text, sizeof(path->text), "/");
}

static void path_of_node(struct axfs *fs, uint64_t id, struct path *ret) {
        _cleanup_(node_unrefp) struct node *node = node_from_id(&fs->nodes, id);

        ret->text[0] = '\0';
        if (node && node->kind == NODE_SYNTH)
                snprintf(ret->text, sizeof(ret->text), "%s", node->path);
        else if (!node || !path_in_store(fs, node, ret))
                snprintf(ret->text, sizeof(ret->text), "inode %llu", node ? (unsigned long long) node->key.ino : 0);
        else
                end_path(ret);
}

static void path_add(struct path *path, const char *name, size_t size) {
        size_t length = strlen(path->text);

        if (length > 0 && path->text[length - 1] == '/')
                length--;
        snprintf(path->text + length, sizeof(path->text) - length, "/%.*s", (int) strnlen(name, size), name);
}

/* Of a long path the end says more. */
static size_t add_path(struct ax_mount_event *event, size_t at, const struct path *path) {
        size_t length = strlen(path->text);
        const char *shown = length > TAIL_LENGTH ? path->text + length - TAIL_LENGTH : path->text;
        char text[TAIL_LENGTH + 32];

        printable(text, sizeof(text), shown, strlen(shown), PRINTABLE_QUOTE);
        snprintf(event->text + at, sizeof(event->text) - at, "%s\"%s\"", shown != path->text ? "..." : "", text);
        return strlen(event->text);
}

/*
 * ---- requests ----------------------------------------------------------------------------------
 */

struct body {
        const char *bytes;
        size_t size;
};

static uint64_t number_at(const struct body *body, size_t at, size_t size) {
        uint32_t small = 0;
        uint64_t large = 0;

        if (body->size < at + size)
                return 0;
        if (size == sizeof(large)) {
                memcpy(&large, body->bytes + at, sizeof(large));
                return large;
        }
        memcpy(&small, body->bytes + at, sizeof(small));
        return small;
}

#define FIELD(body, type, field) number_at(body, offsetof(struct type, field), sizeof(((struct type *) 0)->field))

/* The name that begins there, in that directory. Returns where the next one begins. */
static size_t add_name(struct axfs *fs, struct ax_mount_event *event, uint64_t directory, const struct body *body,
                       size_t at) {
        size_t length = strnlen(body->bytes + at, body->size - at);
        struct path path;

        path_of_node(fs, directory, &path);
        path_add(&path, body->bytes + at, length);
        (void) add_path(event, strlen(event->text), &path);
        return at + length + 1;
}

static void add_text(struct ax_mount_event *event, const char *format, uint64_t a, uint64_t b) {
        size_t at = strlen(event->text);

        snprintf(event->text + at, sizeof(event->text) - at, format, (unsigned long long) a, (unsigned long long) b);
}

static void add_arrow(struct ax_mount_event *event) {
        strncat(event->text, " -> ", sizeof(event->text) - strlen(event->text) - 1);
}

static void describe_rename(struct axfs *fs, struct ax_mount_event *event, const struct fuse_in_header *header,
                            const struct body *body, size_t name_at) {
        size_t next = add_name(fs, event, header->nodeid, body, name_at);

        add_arrow(event);
        if (next < body->size)
                (void) add_name(fs, event, FIELD(body, fuse_rename_in, newdir), body, next);
}

static void describe_attribute(struct ax_mount_event *event, const struct body *body, size_t name_at) {
        char name[64];

        printable(name, sizeof(name), body->bytes + name_at, strnlen(body->bytes + name_at, body->size - name_at),
                  PRINTABLE_QUOTE);
        strncat(event->text, ", \"", sizeof(event->text) - strlen(event->text) - 1);
        strncat(event->text, name, sizeof(event->text) - strlen(event->text) - 1);
        strncat(event->text, "\"", sizeof(event->text) - strlen(event->text) - 1);
}

/* What more there is to say of the file. */
static void describe_details(struct ax_mount_event *event, uint32_t opcode, const struct body *body, int name_at) {
        switch (opcode) {
        case FUSE_READ:
                add_text(event, ", %llu bytes at %llu", FIELD(body, fuse_read_in, size),
                         FIELD(body, fuse_read_in, offset));
                break;
        case FUSE_WRITE:
                add_text(event, ", %llu bytes at %llu", FIELD(body, fuse_write_in, size),
                         FIELD(body, fuse_write_in, offset));
                break;
        default:
                if (names_attribute(opcode) && body->size > (size_t) name_at)
                        describe_attribute(event, body, (size_t) name_at);
                break;
        }
}

static void describe_files(struct axfs *fs, const struct fuse_in_header *header, const struct body *body, int name_at,
                           bool names_file, struct ax_mount_event *event) {
        struct path path;

        if (header->opcode == FUSE_LINK && body->size > (size_t) name_at) {
                path_of_node(fs, FIELD(body, fuse_link_in, oldnodeid), &path);
                (void) add_path(event, 0, &path);
                add_arrow(event);
        }
        if (!names_file || body->size <= (size_t) name_at) {
                path_of_node(fs, header->nodeid, &path);
                (void) add_path(event, 0, &path);
                describe_details(event, header->opcode, body, name_at);
        } else if (header->opcode == FUSE_RENAME || header->opcode == FUSE_RENAME2) {
                describe_rename(fs, event, header, body, (size_t) name_at);
        } else {
                (void) add_name(fs, event, header->nodeid, body, (size_t) name_at);
        }
}

void describe_request(struct axfs *fs, const struct fuse_in_header *header, size_t size, struct ax_mount_event *ret) {
        const struct body body = { (const char *) (header + 1), size - sizeof(*header) };
        int name_at = NAME_NONE;
        bool names_file = false;

        *ret = (struct ax_mount_event){ .host_pid = (int32_t) header->pid, .uid = header->uid };
        snprintf(ret->name, sizeof(ret->name), "request %u", header->opcode);
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
                if (requests[i].opcode == header->opcode) {
                        snprintf(ret->name, sizeof(ret->name), "%s", requests[i].name);
                        name_at = requests[i].name_at;
                        names_file = name_at >= 0 && !names_attribute(header->opcode);
                }
        describe_files(fs, header, &body, name_at, names_file, ret);
        host_program_describe((pid_t) header->pid, ret);
}

int describe_result(uint32_t opcode, const struct iovec *answer, int count) {
        const struct fuse_out_header *header = answer[0].iov_base;
        const struct fuse_write_out *written = count > 1 ? answer[1].iov_base : NULL;

        if (header->error < 0)
                return header->error;
        if (opcode == FUSE_READ)
                return (int) (header->len - sizeof(*header));
        return opcode == FUSE_WRITE && written && answer[1].iov_len >= sizeof(*written) ? (int) written->size : 0;
}
