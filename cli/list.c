/* SPDX-License-Identifier: MIT */
/*
 * ls and stat.
 */
#include <grp.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "axctl.h"
#include "path.h"
#include "show.h"
#include "table.h"

static char type_letter(uint32_t mode) {
        switch (mode & S_IFMT) {
        case S_IFDIR:
                return 'd';
        case S_IFLNK:
                return 'l';
        case S_IFCHR:
                return 'c';
        case S_IFBLK:
                return 'b';
        case S_IFIFO:
                return 'p';
        case S_IFSOCK:
                return 's';
        default:
                return '-';
        }
}

static const char *type_name(uint32_t mode) {
        static const char letters[] = "dlcbps-";
        static const char *const names[] = { "directory", "symlink", "character device", "block device", "fifo",
                                             "socket",    "file" };

        return names[strchr(letters, type_letter(mode)) - letters];
}

/* "drwxr-sr-t", as ls(1). */
static const char *mode_text(uint32_t mode, char text[static 11]) {
        static const char letters[] = "rwxrwxrwx";

        text[0] = type_letter(mode);
        for (int i = 0; i < 9; i++)
                text[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
        if (mode & S_ISUID)
                text[3] = mode & S_IXUSR ? 's' : 'S';
        if (mode & S_ISGID)
                text[6] = mode & S_IXGRP ? 's' : 'S';
        if (mode & S_ISVTX)
                text[9] = mode & S_IXOTH ? 't' : 'T';
        text[10] = '\0';
        return text;
}

static const char *time_text(const struct timespec *time, char text[static 32]) {
        struct tm parts;

        localtime_r(&time->tv_sec, &parts);
        strftime(text, 32, "%Y-%m-%d %H:%M", &parts);
        return text;
}

static void print_name(const char *name) {
        char buffer[SHOWN_SIZE];

        puts(shown(name, buffer));
}

enum { LS_MODE, LS_NLINK, LS_OWNER, LS_GROUP, LS_SIZE, LS_TIME, LS_NAME, LS_COLUMNS };

/* Without headings, as ls(1). */
static const struct column ls_columns[LS_COLUMNS] = {
        [LS_MODE] = { .name = "" },
        [LS_NLINK] = { .name = "", .number = true, .spare = 5 },
        [LS_OWNER] = { .name = "", .spare = 3 },
        [LS_GROUP] = { .name = "", .spare = 4 },
        [LS_SIZE] = { .name = "", .number = true, .spare = 1 },
        [LS_TIME] = { .name = "", .spare = 2 },
        [LS_NAME] = { .name = "", .others = true },
};

enum {
        JSON_PATH,
        JSON_NAME,
        JSON_TYPE,
        JSON_MODE,
        JSON_NLINK,
        JSON_UID,
        JSON_GID,
        JSON_SIZE,
        JSON_MTIME,
        JSON_TARGET,
        JSON_INO,
        JSON_BLOCKS,
        JSON_ATIME,
        JSON_CTIME,
        JSON_BTIME,
        JSON_USER,
        JSON_GROUP,
        JSON_LS_COLUMNS,
        JSON_XATTRS = JSON_LS_COLUMNS,
        JSON_COLUMNS,
};

static const struct column json_columns[JSON_COLUMNS] = {
        [JSON_PATH] = { .name = "path" },
        [JSON_NAME] = { .name = "name" },
        [JSON_TYPE] = { .name = "type" },
        [JSON_MODE] = { .name = "mode" },
        [JSON_NLINK] = { .name = "nlink", .number = true },
        [JSON_UID] = { .name = "uid", .number = true },
        [JSON_GID] = { .name = "gid", .number = true },
        [JSON_SIZE] = { .name = "size", .number = true },
        [JSON_MTIME] = { .name = "mtime", .number = true },
        [JSON_TARGET] = { .name = "target" },
        [JSON_INO] = { .name = "ino", .number = true },
        [JSON_BLOCKS] = { .name = "blocks", .number = true },
        [JSON_ATIME] = { .name = "atime", .number = true },
        [JSON_CTIME] = { .name = "ctime", .number = true },
        [JSON_BTIME] = { .name = "btime", .number = true },
        [JSON_USER] = { .name = "user" },
        [JSON_GROUP] = { .name = "group" },
        [JSON_XATTRS] = { .name = "xattrs" },
};

/* A symlink's text, or "". */
static const char *link_target(struct axctl *axctl, const char *path, const struct ax_stat *status,
                               char target[static PATH_MAX]) {
        int n = S_ISLNK(status->mode) ? ax_readlink(axctl->ax, path, target, PATH_MAX - 1) : 0;

        target[n > 0 ? n : 0] = '\0';
        return target;
}

static void ls_row(struct axctl *axctl, struct libscols_table *table, const char *path, const char *name,
                   const struct ax_stat *status) {
        struct libscols_line *row = table_row(table, NULL);
        const struct passwd *owner = getpwuid(status->uid);
        const struct group *group = getgrgid(status->gid);
        char text[32], target[PATH_MAX], shown_name[SHOWN_SIZE], shown_target[SHOWN_SIZE];

        table_set(row, LS_MODE, "%s", mode_text(status->mode, text));
        table_set(row, LS_NLINK, "%" PRIu32, status->nlink);
        if (owner)
                table_set(row, LS_OWNER, "%s", owner->pw_name);
        else
                table_set(row, LS_OWNER, "%" PRIu32, status->uid);
        if (group)
                table_set(row, LS_GROUP, "%s", group->gr_name);
        else
                table_set(row, LS_GROUP, "%" PRIu32, status->gid);
        table_set(row, LS_SIZE, "%" PRIu64, status->size);
        table_set(row, LS_TIME, "%s", time_text(&status->mtime, text));
        link_target(axctl, path, status, target);
        table_set(row, LS_NAME, "%s%s%s", shown(name, shown_name), *target ? " -> " : "", shown(target, shown_target));
}

static void json_time(struct libscols_line *row, size_t column, const struct timespec *time) {
        table_set(row, column, "%" PRId64 ".%09ld", (int64_t) time->tv_sec, time->tv_nsec);
}

static struct libscols_line *json_row(struct axctl *axctl, struct libscols_table *table, const char *path,
                                      const char *name, const struct ax_stat *status) {
        struct libscols_line *row = table_row(table, NULL);
        const struct passwd *owner = getpwuid(status->uid);
        const struct group *group = getgrgid(status->gid);
        char target[PATH_MAX];

        table_set(row, JSON_PATH, "%s", path);
        table_set(row, JSON_NAME, "%s", name);
        table_set(row, JSON_TYPE, "%s", type_name(status->mode));
        table_set(row, JSON_MODE, "%04o", status->mode & 07777);
        table_set(row, JSON_NLINK, "%" PRIu32, status->nlink);
        table_set(row, JSON_UID, "%" PRIu32, status->uid);
        table_set(row, JSON_GID, "%" PRIu32, status->gid);
        table_set(row, JSON_SIZE, "%" PRIu64, status->size);
        json_time(row, JSON_MTIME, &status->mtime);
        if (S_ISLNK(status->mode))
                table_set(row, JSON_TARGET, "%s", link_target(axctl, path, status, target));
        table_set(row, JSON_INO, "%" PRIu64, status->ino);
        table_set(row, JSON_BLOCKS, "%" PRIu64, status->blocks);
        json_time(row, JSON_ATIME, &status->atime);
        json_time(row, JSON_CTIME, &status->ctime);
        if (status->btime.tv_sec)
                json_time(row, JSON_BTIME, &status->btime);
        if (owner)
                table_set(row, JSON_USER, "%s", owner->pw_name);
        if (group)
                table_set(row, JSON_GROUP, "%s", group->gr_name);
        return row;
}

/* One ls: collects rows in a table if the format needs one, and otherwise prints names at once. */
struct listing {
        struct axctl *axctl;
        struct libscols_table *table;
        int status;
};

static void listing_begin(struct listing *listing) {
        if (listing->table)
                return;
        if (listing->axctl->json) {
                listing->table = table_new("files", json_columns, JSON_LS_COLUMNS, true);
        } else if (listing->axctl->flags['l']) {
                listing->table = table_new("files", ls_columns, LS_COLUMNS, false);
                scols_table_enable_noheadings(listing->table, 1);
        }
}

static void listing_end(struct listing *listing) {
        if (listing->table && table_print(listing->table) != STATUS_OK)
                listing->status = STATUS_FAILED;
        listing->table = NULL;
}

static void listing_add(struct listing *listing, const char *path, const char *name) {
        struct ax_stat status;
        int r;

        if (!listing->table) {
                print_name(name);
                return;
        }
        r = ax_lstat(listing->axctl->ax, path, &status);
        if (r == -AX_ENOENT)
                return; /* it was removed meanwhile */
        if (r < 0)
                listing->status = complain(listing->axctl, path, r);
        else if (listing->axctl->json)
                json_row(listing->axctl, listing->table, path, name, &status);
        else
                ls_row(listing->axctl, listing->table, path, name, &status);
}

static void list_directory(struct listing *listing, const char *path) {
        char **names, child[PATH_MAX];
        int r = ax_readdir(listing->axctl->ax, path, &names);

        if (r < 0) {
                listing->status = complain(listing->axctl, path, r);
                return;
        }
        listing_begin(listing);
        for (char **name = names; *name; name++) {
                if (**name == '.' && !listing->axctl->flags['a'])
                        continue;
                if (path_join(child, path, *name) < 0)
                        listing->status = complain(listing->axctl, *name, -AX_ENAMETOOLONG);
                else
                        listing_add(listing, child, *name);
        }
        ax_names_free(names);
}

/* Returns true if the contents of the path are listed. */
static bool is_listed_directory(struct listing *listing, const char *path) {
        struct ax_stat status;
        int r = ax_lstat(listing->axctl->ax, path, &status);

        if (r == 0 && S_ISLNK(status.mode) && !listing->axctl->flags['l'])
                r = ax_stat(listing->axctl->ax, path, &status);
        return r == 0 && S_ISDIR(status.mode) && !listing->axctl->flags['d'];
}

static void list_path(struct listing *listing, const char *path, bool heading) {
        char buffer[SHOWN_SIZE];
        struct ax_stat status;
        int r = ax_lstat(listing->axctl->ax, path, &status);

        if (r < 0) {
                listing->status = complain(listing->axctl, path, r);
                return;
        }
        if (!is_listed_directory(listing, path)) {
                listing_begin(listing);
                listing_add(listing, path, path);
        } else {
                if (heading && !listing->axctl->json)
                        printf("%s:\n", shown(path, buffer));
                list_directory(listing, path);
        }
        if (!listing->axctl->json)
                listing_end(listing);
}

int ls_run(struct axctl *axctl) {
        struct listing listing = { .axctl = axctl };

        if (axctl->json)
                listing_begin(&listing);
        if (axctl->n_operands == 0)
                list_path(&listing, ".", false);
        for (int i = 0; i < axctl->n_operands; i++) {
                if (i > 0 && !axctl->json && is_listed_directory(&listing, axctl->operands[i]))
                        putchar('\n');
                list_path(&listing, axctl->operands[i], axctl->n_operands > 1);
        }
        listing_end(&listing);
        return listing.status;
}

static void print_time(const char *label, const struct timespec *time) {
        char text[64];
        struct tm parts;

        localtime_r(&time->tv_sec, &parts);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
        fact_print(8, label, "%s.%09ld", text, time->tv_nsec);
}

/* Gets the names of extended attributes, each ended by a NUL. Returns bytes or a negative error. */
static ssize_t list_xattrs(const struct axctl *axctl, const char *path, char names[static XATTR_LIST_MAX]) {
        ssize_t n = ax_llistxattr(axctl->ax, path, names, XATTR_LIST_MAX);

        return n == -AX_EOPNOTSUPP ? 0 : n;
}

static void print_stat(struct axctl *axctl, const char *path, const struct ax_stat *status) {
        const struct passwd *owner = getpwuid(status->uid);
        const struct group *group = getgrgid(status->gid);
        char mode[11], target[PATH_MAX], shown_path[SHOWN_SIZE], shown_target[SHOWN_SIZE];

        link_target(axctl, path, status, target);
        fact_print(8, "File", "%s%s%s", shown(path, shown_path), *target ? " -> " : "", shown(target, shown_target));
        fact_print(8, "Type", "%s", type_name(status->mode));
        fact_print(8, "Mode", "%04o (%s)", status->mode & 07777, mode_text(status->mode, mode));
        fact_print(8, "Owner", "%" PRIu32 ":%" PRIu32 " (%s:%s)", status->uid, status->gid,
                   owner ? owner->pw_name : "?", group ? group->gr_name : "?");
        fact_print(8, "Size", "%" PRIu64 " bytes in %" PRIu64 " blocks", status->size, status->blocks);
        fact_print(8, "Inode", "%" PRIu64 ", %" PRIu32 " link%s", status->ino, status->nlink,
                   status->nlink == 1 ? "" : "s");
        print_time("Access", &status->atime);
        print_time("Modify", &status->mtime);
        print_time("Change", &status->ctime);
        if (status->btime.tv_sec)
                print_time("Birth", &status->btime);
}

static void print_xattrs(const char *names, ssize_t size) {
        char buffer[SHOWN_SIZE];

        for (const char *name = names; name < names + size; name += strlen(name) + 1)
                fact_print(8, "Xattr", "%s", shown(name, buffer));
}

/* One name a line. A name that has a line feed itself is escaped. */
static void json_xattrs(struct libscols_line *row, const char *names, ssize_t size) {
        char buffer[SHOWN_SIZE], *text = NULL;
        size_t length = 0;
        FILE *list = size > 0 ? open_memstream(&text, &length) : NULL;

        if (!list)
                return;
        for (const char *name = names; name < names + size; name += strlen(name) + 1)
                fprintf(list, "%s%s", name > names ? "\n" : "", strchr(name, '\n') ? shown(name, buffer) : name);
        if (fclose(list) == 0)
                table_set(row, JSON_XATTRS, "%s", text);
        free(text);
}

static int stat_one(struct axctl *axctl, struct libscols_table *table, const char *path) {
        char xattrs[XATTR_LIST_MAX];
        struct ax_stat status;
        int r = ax_lstat(axctl->ax, path, &status);
        ssize_t size = r < 0 ? r : list_xattrs(axctl, path, xattrs);

        if (r < 0)
                return complain(axctl, path, r);
        if (table) {
                json_xattrs(json_row(axctl, table, path, path_base(path), &status), xattrs, size);
        } else {
                print_stat(axctl, path, &status);
                print_xattrs(xattrs, size);
        }
        return size < 0 ? complain(axctl, path, (int) size) : STATUS_OK;
}

int stat_run(struct axctl *axctl) {
        struct libscols_table *table = axctl->json ? table_new("files", json_columns, JSON_COLUMNS, true) : NULL;
        int result = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++)
                if (stat_one(axctl, table, axctl->operands[i]) != STATUS_OK)
                        result = STATUS_FAILED;
        if (table && table_print(table) != STATUS_OK)
                result = STATUS_FAILED;
        return result;
}
