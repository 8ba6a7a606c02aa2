/* SPDX-License-Identifier: MIT */
/*
 * mounts and df: the mounts of the namespace, and their free space.
 */
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axctl.h"
#include "show.h"
#include "table.h"
#include "text.h"

enum { MOUNTS_SIZE = 16384 };

/* Reads the whole of /proc/mounts. Returns its size or a negative error. */
static ssize_t read_mounts(struct axctl *axctl, char text[static MOUNTS_SIZE]) {
        int fd = ax_open(axctl->ax, "/proc/mounts", AX_READ);
        ssize_t size = 0, n = 0;

        if (fd < 0)
                return fd;
        while (size < MOUNTS_SIZE - 1 && (n = ax_read(axctl->ax, fd, text + size, MOUNTS_SIZE - 1 - (size_t) size)) > 0)
                size += n;
        ax_close(axctl->ax, fd);
        text[size] = '\0';
        return n < 0 ? n : size;
}

/* Calls a function for each mount, in order. Returns 0 or a negative error. */
static int for_each_mount(struct axctl *axctl, void (*function)(void *userdata, const struct mntent *mount),
                          void *userdata) {
        char text[MOUNTS_SIZE], line[MOUNTS_SIZE];
        ssize_t size = read_mounts(axctl, text);
        struct mntent mount;
        FILE *file;

        if (size <= 0)
                return (int) size;
        file = fmemopen(text, (size_t) size, "r");
        if (!file)
                return -AX_ENOMEM;
        while (getmntent_r(file, &mount, line, sizeof(line)))
                function(userdata, &mount);
        fclose(file);
        return 0;
}

struct listing {
        struct axctl *axctl;
        struct libscols_table *table;
        int status;
};

static void set_name(const struct listing *listing, struct libscols_line *row, size_t column, const char *name) {
        char buffer[SHOWN_SIZE];

        table_set(row, column, "%s", listing->axctl->json ? json_text(name, buffer) : shown(name, buffer));
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static const struct column mounts_text_columns[] = { { .name = "PATH" },
                                                     { .name = "TYPE" },
                                                     { .name = "SOURCE", .others = true } };
static const struct column mounts_json_columns[] = { { .name = "path" }, { .name = "type" }, { .name = "source" } };

static void mounts_row(void *userdata, const struct mntent *mount) {
        const struct listing *listing = userdata;
        struct libscols_line *row = table_row(listing->table, NULL);

        set_name(listing, row, 0, mount->mnt_dir);
        set_name(listing, row, 1, mount->mnt_type);
        set_name(listing, row, 2, mount->mnt_fsname);
}

int mounts_run(struct axctl *axctl) {
        struct listing listing = {
                .axctl = axctl,
                .table = table_new("mounts", axctl->json ? mounts_json_columns : mounts_text_columns, 3, axctl->json),
        };
        int r = listing.table ? for_each_mount(axctl, mounts_row, &listing) : -AX_ENOMEM;

        if (r == 0)
                return table_print(listing.table);
        scols_unref_table(listing.table);
        return complain(axctl, "/proc/mounts", r);
}

/* ---- df -------------------------------------------------------------------------------------- */

static const struct column df_text_columns[] = {
        { .name = "SIZE", .number = true }, { .name = "USED", .number = true },  { .name = "AVAIL", .number = true },
        { .name = "USE%", .number = true }, { .name = "FILES", .number = true }, { .name = "PATH", .others = true },
};
static const struct column df_json_columns[] = {
        { .name = "size", .number = true },       { .name = "used", .number = true },
        { .name = "available", .number = true },  { .name = "files", .number = true },
        { .name = "files_free", .number = true }, { .name = "path" },
};

static void df_row(struct listing *listing, const char *path, const struct ax_statvfs *room) {
        struct libscols_line *row = table_row(listing->table, NULL);
        uint64_t used = room->blocks - room->blocks_free, reach = used + room->blocks_available;
        char text[BYTES_SIZE];

        if (listing->axctl->json) {
                table_set(row, 0, "%" PRIu64, room->blocks * room->block_size);
                table_set(row, 1, "%" PRIu64, used * room->block_size);
                table_set(row, 2, "%" PRIu64, room->blocks_available * room->block_size);
                table_set(row, 3, "%" PRIu64, room->files);
                table_set(row, 4, "%" PRIu64, room->files_free);
                set_name(listing, row, 5, path);
                return;
        }
        table_set(row, 0, "%s", bytes_text(room->blocks * room->block_size, text));
        table_set(row, 1, "%s", bytes_text(used * room->block_size, text));
        table_set(row, 2, "%s", bytes_text(room->blocks_available * room->block_size, text));
        if (reach > 0)
                table_set(row, 3, "%" PRIu64, used / reach * 100 + (used % reach * 100 + reach - 1) / reach);
        else
                table_set(row, 3, "-");
        table_set(row, 4, "%" PRIu64, room->files - room->files_free);
        set_name(listing, row, 5, path);
}

static void df_path(struct listing *listing, const char *path) {
        struct ax_statvfs room;
        int r = ax_statvfs(listing->axctl->ax, path, &room);

        if (r < 0)
                listing->status = complain(listing->axctl, path, r);
        else
                df_row(listing, path, &room);
}

static void df_mount(void *userdata, const struct mntent *mount) {
        struct listing *listing = userdata;

        if (strcmp(mount->mnt_type, "store") == 0)
                df_path(listing, mount->mnt_dir);
}

int df_run(struct axctl *axctl) {
        struct listing listing = {
                .axctl = axctl,
                .table = table_new("filesystems", axctl->json ? df_json_columns : df_text_columns, 6, axctl->json),
        };
        int r = listing.table ? 0 : -AX_ENOMEM, status;

        if (r == 0 && axctl->n_operands == 0)
                r = for_each_mount(axctl, df_mount, &listing);
        if (r < 0) {
                scols_unref_table(listing.table);
                return complain(axctl, "/proc/mounts", r);
        }
        for (int i = 0; i < axctl->n_operands; i++)
                df_path(&listing, axctl->operands[i]);
        status = table_print(listing.table);
        return status == STATUS_OK ? listing.status : status;
}
