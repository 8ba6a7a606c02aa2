/* SPDX-License-Identifier: MIT */
/* mounts.c - see mounts.h */
#include "mounts.h"

#include "namespace.h"
#include "options.h"
#include "util.h"

#include <stdio.h>
#include <string.h>

static void mounts_free(struct ax_mount *mounts, int count) {
        for (int i = 0; i < count; i++)
                if (mounts[i].fd >= 0)
                        close(mounts[i].fd);
        free(mounts);
}

/* The store for a descriptor that the daemon sent: the one we have if it is the same directory. */
static int store_from_mount(struct namespace *namespace, struct ax_mount *mount, struct store **ret) {
        struct stat st;
        int r;

        if (fstat(mount->fd, &st) < 0)
                return negative_errno();
        *ret = namespace_store(namespace, st.st_dev, st.st_ino, mount->index);
        if (*ret)
                return 0;
        r = store_new(ret, mount->fd, mount->index);
        if (r == 0)
                mount->fd = -1;
        return r;
}

static void stat_daemon_directory(ax_client *ax, const char *path, struct stat *ret) {
        struct ax_stat st = { .mode = S_IFDIR | 0555 };

        (void) ax_lstat(ax, path, &st);
        *ret = (struct stat){
                .st_mode = S_IFDIR | (st.mode & 07777),
                .st_nlink = 2,
                .st_uid = st.uid,
                .st_gid = st.gid,
                .st_atim = st.atime,
                .st_mtim = st.mtime,
                .st_ctim = st.ctime,
        };
}

static int set_root(const struct namespace *namespace, struct node_table *nodes, struct store *root) {
        struct node *node;
        struct stat st;
        int r;

        if (namespace->root == root)
                return 0;
        if (fstat(root->root_fd, &st) < 0)
                return negative_errno();
        r = node_new_store_root(&node, root, &st);
        if (r == 0)
                node_table_set_root(nodes, node);
        return r;
}

/* What the daemon's table comes to. */
struct table {
        struct store *root;
        struct mount_point points[NAMESPACE_MOUNTS];
        unsigned count;
};

static void table_deinit(struct table *table) {
        store_unref(table->root);
        for (unsigned i = 0; i < table->count; i++)
                store_unref(table->points[i].store);
}

static int table_add(struct table *table, struct namespace *namespace, ax_client *ax, struct ax_mount *mount) {
        const char *name = mount->path + 1;
        struct mount_point *point;

        if (*name == '\0')
                return mount->fd < 0 || table->root ? 0 : store_from_mount(namespace, mount, &table->root);
        if (strchr(name, '/') || table->count == NAMESPACE_MOUNTS)
                return 0;
        point = &table->points[table->count++];
        snprintf(point->name, sizeof(point->name), "%s", name);
        if (mount->fd >= 0)
                return store_from_mount(namespace, mount, &point->store);
        stat_daemon_directory(ax, mount->path, &point->st);
        return 0;
}

int mounts_fetch(struct namespace *namespace, struct node_table *nodes, ax_client *ax, const struct options *options) {
        _cleanup_(table_deinit) struct table table = { .root = NULL };
        struct ax_mount *mounts;
        int count = ax_mount_list(ax, &mounts), r = 0;

        if (count < 0)
                return count;
        for (int i = 0; i < count && r == 0; i++) {
                options_say(options, "%s: %s", mounts[i].path, mounts[i].backend);
                r = table_add(&table, namespace, ax, &mounts[i]);
        }
        mounts_free(mounts, count);
        if (r == 0)
                r = table.root ? set_root(namespace, nodes, table.root) : -EPROTO;
        if (r < 0)
                return r;
        namespace_replace(namespace, table.root, table.points, table.count);
        table = (struct table){ .root = NULL };
        return 0;
}
