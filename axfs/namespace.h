/* SPDX-License-Identifier: MIT */
/*
 * namespace.h - the daemon's mount table as axfs knows it
 *
 * "/" is a store. Below it lie the names of the other mounts: stores, or directories that the
 * daemon answers for (/dev, /proc). The table is replaced as a whole after a reconnection. A store
 * that is still the same directory stays the same object, so its nodes stay valid. If a store was
 * exchanged, the kernel's old nodes live on, and new look-ups lead to the new one.
 */
#pragma once

#include "nodes.h"
#include "store.h"

enum { NAMESPACE_MOUNTS = 16 };

struct mount_point {
        char name[256];      /* in the root directory */
        struct store *store; /* NULL: the daemon's */
        struct stat st;      /* of the daemon's directory */
};

struct namespace {
        pthread_rwlock_t lock;
        struct store *root;
        struct mount_point mounts[NAMESPACE_MOUNTS];
        unsigned count;
};

void namespace_init(struct namespace *ns);
void namespace_deinit(struct namespace *ns);

/**
 * namespace_store() - returns the store with this root directory, referenced, or NULL if the table
 * does not have it
 */
struct store *namespace_store(struct namespace *ns, dev_t dev, ino_t ino, uint32_t index);

/**
 * namespace_replace() - put a new table in place
 * @root: the store at "/"; its reference is taken over, as those of @mounts
 * @mounts: what else is there
 * @count: of @mounts, at most NAMESPACE_MOUNTS
 */
void namespace_replace(struct namespace *ns, struct store *root, const struct mount_point *mounts, unsigned count);

/** namespace_is_mount_point() - returns true if a name in this directory is a mount point */
bool namespace_is_mount_point(struct namespace *ns, const struct node *parent, const char *name);

/**
 * namespace_find() - find what is mounted on a name in the root directory
 * @ret_store: the store, referenced; NULL for the daemon's directories
 * @ret_st: the directory's attributes, for the daemon's ones
 *
 * Returns false if nothing is mounted there.
 */
bool namespace_find(struct namespace *ns, const char *name, struct store **ret_store, struct stat *ret_st);
