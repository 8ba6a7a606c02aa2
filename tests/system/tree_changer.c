/* SPDX-License-Identifier: MIT */
/*
 * tree_changer DIRECTORY NAME SECONDS - a library client that changes a tree which others use at
 * the same time
 *
 * It walks the directories below DIRECTORY, reads what it meets there, and in each makes, writes,
 * renames, links, chmods and removes files of its own, whose names begin with NAME. Others may
 * remove everything at any time; what they cause is no error.
 */
#include <axeberg.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { DEPTH_MAX = 6, PATH_SIZE = 1024 };

static const char *own_name;
static double end;

static double now(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* What may come of a tree that changes; anything else ends the program. */
static int check(const char *call, const char *path, int r) {
        switch (r < 0 ? ax_errno(r) : 0) {
        case 0:
        case ENOENT:
        case ENOTDIR:
        case EISDIR:
        case ELOOP:
        case EEXIST:
        case ENOTEMPTY:
        case EACCES:
        case ESTALE:
                return r;
        default:
                fprintf(stderr, "tree_changer: %s %s: %s\n", call, path, ax_error_name(r));
                exit(1);
        }
}

static void change(ax_client *ax, const char *directory) {
        char path[PATH_SIZE], renamed[PATH_SIZE], made[PATH_SIZE];
        int fd;

        snprintf(path, sizeof(path), "%s/%s-file", directory, own_name);
        snprintf(renamed, sizeof(renamed), "%s/%s-renamed", directory, own_name);
        snprintf(made, sizeof(made), "%s/%s-directory", directory, own_name);
        fd = check("open", path, ax_open(ax, path, AX_O_WRITE | AX_O_CREATE | AX_O_TRUNCATE));
        if (fd >= 0) {
                (void) ax_write(ax, fd, path, strlen(path));
                (void) ax_close(ax, fd);
        }
        check("chmod", path, ax_chmod(ax, path, 0640));
        check("rename", path, ax_rename(ax, path, renamed));
        check("link", path, ax_link(ax, renamed, path));
        check("mkdir", made, ax_mkdir(ax, made));
        check("unlink", path, ax_unlink(ax, path));
        check("unlink", renamed, ax_unlink(ax, renamed));
        check("rmdir", made, ax_rmdir(ax, made));
}

static void read_file(ax_client *ax, const char *path) {
        char bytes[4096];
        int fd = check("open", path, ax_open(ax, path, AX_O_READ | AX_O_NONBLOCK));

        if (fd < 0)
                return;
        (void) ax_read(ax, fd, bytes, sizeof(bytes));
        (void) ax_close(ax, fd);
}

static void walk(ax_client *ax, const char *directory, unsigned depth) {
        char **names, path[PATH_SIZE];
        struct ax_stat st;
        int count;

        if (depth > DEPTH_MAX || now() > end)
                return;
        count = check("readdir", directory, ax_readdir(ax, directory, &names));
        if (count < 0)
                return;
        change(ax, directory);
        for (int i = 0; i < count; i++) {
                if (snprintf(path, sizeof(path), "%s/%s", directory, names[i]) >= (int) sizeof(path) ||
                    check("stat", path, ax_lstat(ax, path, &st)) < 0)
                        continue;
                if (S_ISDIR(st.mode))
                        walk(ax, path, depth + 1);
                else
                        read_file(ax, path);
        }
        ax_names_free(names);
}

int main(int argc, char **argv) {
        ax_client *ax;
        int r;

        if (argc != 4)
                return 2;
        own_name = argv[2];
        end = now() + atof(argv[3]);
        r = ax_connect(&ax, NULL);
        if (r < 0) {
                fprintf(stderr, "tree_changer: cannot connect: %s\n", ax_strerror(r));
                return 1;
        }
        while (now() < end)
                walk(ax, argv[1], 0);
        ax_disconnect(ax);
        return 0;
}
