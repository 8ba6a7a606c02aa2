/*
 * ls and stat.
 */
#include <ctype.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "axctl.h"
#include "path.h"
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

/* On a terminal, control characters of a name are shown, not obeyed. */
static void print_name(const char *name) {
        bool terminal = isatty(STDOUT_FILENO);

        for (; *name; name++) {
                if (terminal && iscntrl((unsigned char) *name))
                        printf("\\%03o", (unsigned char) *name);
                else
                        putchar(*name);
        }
        putchar('\n');
}

enum { LS_MODE, LS_NLINK, LS_OWNER, LS_GROUP, LS_SIZE, LS_TIME, LS_NAME, LS_COLUMNS };

static const struct column ls_columns[LS_COLUMNS] = {
        [LS_MODE] = { .name = "MODE" },
        [LS_NLINK] = { .name = "LINKS", .number = true },
        [LS_OWNER] = { .name = "OWNER" },
        [LS_GROUP] = { .name = "GROUP" },
        [LS_SIZE] = { .name = "SIZE", .number = true },
        [LS_TIME] = { .name = "MODIFIED" },
        [LS_NAME] = { .name = "NAME" },
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
        char text[32], target[PATH_MAX];

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
        table_set(row, LS_NAME, "%s%s%s", name, *target ? " -> " : "", target);
}

static void json_time(struct libscols_line *row, size_t column, const struct timespec *time) {
        table_set(row, column, "%" PRId64 ".%09ld", (int64_t) time->tv_sec, time->tv_nsec);
}

static void json_row(struct axctl *axctl, struct libscols_table *table, const char *path, const char *name,
                     const struct ax_stat *status) {
        struct libscols_line *row = table_row(table, NULL);
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
}

/* One ls: collects into a table where the form needs one, and prints names at once where it does not. */
struct listing {
        struct axctl *axctl;
        struct libscols_table *table;
        int status;
};

static void listing_begin(struct listing *listing) {
        if (listing->table)
                return;
        if (listing->axctl->json) {
                listing->table = table_new("files", json_columns, JSON_COLUMNS, true);
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
                return; /* it went in between */
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

/* Whether a path is listed by its content. */
static bool is_listed_directory(struct listing *listing, const char *path) {
        struct ax_stat status;
        int r = ax_lstat(listing->axctl->ax, path, &status);

        if (r == 0 && S_ISLNK(status.mode) && !listing->axctl->flags['l'])
                r = ax_stat(listing->axctl->ax, path, &status);
        return r == 0 && S_ISDIR(status.mode) && !listing->axctl->flags['d'];
}

static void list_path(struct listing *listing, const char *path, bool heading) {
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
                        printf("%s:\n", path);
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
        printf("%-8s %s.%09ld\n", label, text, time->tv_nsec);
}

static void print_stat(struct axctl *axctl, const char *path, const struct ax_stat *status) {
        char mode[11], target[PATH_MAX];

        link_target(axctl, path, status, target);
        printf("%-8s %s%s%s\n", "File", path, *target ? " -> " : "", target);
        printf("%-8s %s\n", "Type", type_name(status->mode));
        printf("%-8s %04o (%s)\n", "Mode", status->mode & 07777, mode_text(status->mode, mode));
        printf("%-8s %" PRIu32 ":%" PRIu32 "\n", "Owner", status->uid, status->gid);
        printf("%-8s %" PRIu64 " bytes in %" PRIu64 " blocks\n", "Size", status->size, status->blocks);
        printf("%-8s %" PRIu64 ", %" PRIu32 " link%s\n", "Inode", status->ino, status->nlink,
               status->nlink == 1 ? "" : "s");
        print_time("Access", &status->atime);
        print_time("Modify", &status->mtime);
        print_time("Change", &status->ctime);
        if (status->btime.tv_sec)
                print_time("Birth", &status->btime);
}

int stat_run(struct axctl *axctl) {
        struct libscols_table *table = axctl->json ? table_new("files", json_columns, JSON_COLUMNS, true) : NULL;
        int result = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++) {
                const char *path = axctl->operands[i];
                struct ax_stat status;
                int r = ax_lstat(axctl->ax, path, &status);

                if (r < 0)
                        result = complain(axctl, path, r);
                else if (table)
                        json_row(axctl, table, path, path_base(path), &status);
                else
                        print_stat(axctl, path, &status);
        }
        if (table && table_print(table) != STATUS_OK)
                result = STATUS_FAILED;
        return result;
}
