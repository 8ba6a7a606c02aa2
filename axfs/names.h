/*
 * names.h - from names in stores to nodes
 */
#pragma once

#include "axfs.h"

/**
 * store_find() - the node behind a name, counted once for the kernel
 * @parent: the directory
 * @ret: the node, referenced
 * @ret_st: the host's attributes
 *
 * Return: 0; -ENOENT; -ESTALE the name changes too fast; other errors of the host.
 */
int store_find(struct axfs *fs, const struct pin *parent, const char *name, struct node **ret, struct stat *ret_st);

/** store_adopt() - as store_find(), for a file that was just created and is open as @fd */
int store_adopt(struct axfs *fs, const struct pin *parent, const char *name, int fd, struct node **ret,
                struct stat *ret_st);

/** store_root_node() - the node of a store's root directory, counted once and referenced */
int store_root_node(struct axfs *fs, struct store *store, struct node **ret, struct stat *ret_st);

/** store_root_node_new() - the same, but a new one that is not in the table */
int store_root_node_new(struct node **ret, struct store *store, const struct stat *st);

/** store_prepare_creation() - check the name, become the caller, and hold the directory. Return: 0, -EEXIST, … */
int store_prepare_creation(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, struct pin *ret);

/** synth_find() - the node of a path of the daemon's, counted once and referenced. Return: 0, -ENOMEM … */
int synth_find(struct axfs *fs, const char *path, mode_t type, struct node **ret);

/** synth_ino() - the inode number shown for a path of the daemon's: above those of all stores */
uint64_t synth_ino(const char *path);
