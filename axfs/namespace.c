/* SPDX-License-Identifier: MIT */
/* namespace.c - see namespace.h */
#include "namespace.h"

#include <string.h>

void namespace_init(struct namespace *ns) {
        memset(ns, 0, sizeof(*ns));
        pthread_rwlock_init(&ns->lock, NULL);
}

static void namespace_clear(struct store *root, struct mount_point *mounts, unsigned count) {
        store_unref(root);
        for (unsigned i = 0; i < count; i++)
                store_unref(mounts[i].store);
}

void namespace_deinit(struct namespace *ns) {
        namespace_clear(ns->root, ns->mounts, ns->count);
        pthread_rwlock_destroy(&ns->lock);
}

static bool store_is(const struct store *store, dev_t dev, ino_t ino, uint32_t index) {
        return store && store->dev == dev && store->ino == ino && store->index == index;
}

struct store *namespace_store(struct namespace *ns, dev_t dev, ino_t ino, uint32_t index) {
        struct store *found = NULL;

        pthread_rwlock_rdlock(&ns->lock);
        if (store_is(ns->root, dev, ino, index))
                found = ns->root;
        for (unsigned i = 0; !found && i < ns->count; i++)
                if (store_is(ns->mounts[i].store, dev, ino, index))
                        found = ns->mounts[i].store;
        if (found)
                store_ref(found);
        pthread_rwlock_unlock(&ns->lock);
        return found;
}

void namespace_replace(struct namespace *ns, struct store *root, const struct mount_point *mounts, unsigned count) {
        struct mount_point old_mounts[NAMESPACE_MOUNTS];
        struct store *old_root;
        unsigned old_count;

        pthread_rwlock_wrlock(&ns->lock);
        old_root = ns->root;
        old_count = ns->count;
        memcpy(old_mounts, ns->mounts, sizeof(old_mounts));
        ns->root = root;
        ns->count = count;
        memcpy(ns->mounts, mounts, count * sizeof(*mounts));
        pthread_rwlock_unlock(&ns->lock);
        namespace_clear(old_root, old_mounts, old_count);
}

static const struct mount_point *mount_from_name(const struct namespace *ns, const char *name) {
        for (unsigned i = 0; i < ns->count; i++)
                if (strcmp(ns->mounts[i].name, name) == 0)
                        return &ns->mounts[i];
        return NULL;
}

bool namespace_find(struct namespace *ns, const char *name, struct store **ret_store, struct stat *ret_st) {
        const struct mount_point *mount;
        bool found;

        pthread_rwlock_rdlock(&ns->lock);
        mount = mount_from_name(ns, name);
        found = mount != NULL;
        if (mount) {
                *ret_store = mount->store ? store_ref(mount->store) : NULL;
                *ret_st = mount->st;
        }
        pthread_rwlock_unlock(&ns->lock);
        return found;
}

bool namespace_is_mount_point(struct namespace *ns, const struct node *parent, const char *name) {
        bool found;

        if (parent->id != NODE_ROOT_ID)
                return false;
        pthread_rwlock_rdlock(&ns->lock);
        found = mount_from_name(ns, name) != NULL;
        pthread_rwlock_unlock(&ns->lock);
        return found;
}
