/* SPDX-License-Identifier: MIT */
/*
 * Building a tree of files by records, without ever leaving its stores.
 */
#include "path_tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_DEPTH = 40 };

struct path_tree the_tree;

const char *path_read(struct reader *reader, char text[static PATH_MAX + 64]) {
        size_t size = 0;

        while (reader_left(reader) > 0 && size < PATH_MAX + 63) {
                char byte = (char) read_byte(reader);

                if (byte == '\0')
                        break;
                text[size++] = byte;
        }
        text[size] = '\0';
        return text;
}

void path_repeat(char text[static PATH_MAX + 64], unsigned times) {
        size_t size = strlen(text), used = size;

        for (; times > 1 && used + size < PATH_MAX; times--, used += size)
                memcpy(text + used, text, size);
        text[used] = '\0';
}

void path_tree_note(const char *text) {
        if (strstr(text, "dev") || strstr(text, "proc"))
                the_tree.judged = false;
        for (; *text; text++)
                if (*text & 0x80)
                        the_tree.judged = false;
}

/*
 * The harness itself must not leave the store: the parent directory of a path, without any symlink
 * on the way.
 */
static int open_parent(int store, char *path, const char **ret_name) {
        struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
        char *slash;
        int fd;

        path += strspn(path, "/");
        slash = strrchr(path, '/');
        *ret_name = slash ? slash + 1 : path;
        if (!**ret_name || strcmp(*ret_name, "..") == 0)
                return -1;
        if (slash)
                *slash = '\0';
        fd = (int) __real_syscall(SYS_openat2, store, slash ? path : ".", &how, sizeof(how));
        return fd;
}

/* Never below the directories that are mounted on. */
static bool is_mounted_on(int store, const char *path) {
        path += strspn(path, "/.");
        return store == the_tree.store_fds[0] &&
               (strncmp(path, "tmp", 3) == 0 || strncmp(path, "dev", 3) == 0 || strncmp(path, "proc", 4) == 0);
}

static int open_place(int store, struct reader *reader, char *text, const char **ret_name) {
        path_read(reader, text);
        if (is_mounted_on(store, text))
                return -1;
        return open_parent(store, text, ret_name);
}

static void make_deep(int parent, const char *name, unsigned depth) {
        int fd = __real_openat(parent, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        for (unsigned i = 0; fd >= 0 && i < depth; i++) {
                int below;

                mkdirat(fd, name, 0755);
                below = __real_openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                close(fd);
                fd = below;
        }
        if (fd >= 0)
                close(fd);
}

static void move_away(int parent, const char *name) {
        char away[32];

        snprintf(away, sizeof(away), "%u", the_tree.moves++);
        if (renameat(parent, name, the_tree.away_fd, away) == 0)
                the_tree.moved_away = true;
}

void path_tree_build(enum action action, int store, struct reader *reader, unsigned number) {
        char text[PATH_MAX + 64], second[PATH_MAX + 64];
        const char *name, *other;
        int parent = open_place(store, reader, text, &name), to;

        if (parent < 0)
                return;
        path_tree_note(name);
        switch (action) {
        case MAKE_DIRECTORY:
                mkdirat(parent, name, 0755);
                break;
        case MAKE_SYMLINK:
                path_tree_note(path_read(reader, second));
                path_repeat(second, number > 64 ? number * number : 1);
                (void) !symlinkat(second, parent, name);
                break;
        case MAKE_FILE:
                to = __real_openat(parent, name, O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
                if (to >= 0)
                        close(to);
                break;
        case MAKE_FIFO:
                mkfifoat(parent, name, 0644);
                break;
        case MAKE_LINK:
        case MOVE:
                to = open_place(store, reader, second, &other);
                if (to < 0)
                        break;
                path_tree_note(other);
                (void) !(action == MOVE ? renameat(parent, name, to, other) : linkat(parent, name, to, other, 0));
                close(to);
                break;
        case MOVE_AWAY:
                move_away(parent, name);
                break;
        default:
                make_deep(parent, name, number % MAX_DEPTH);
                break;
        }
        close(parent);
}
