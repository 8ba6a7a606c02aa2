/* SPDX-License-Identifier: MIT */
/*
 * caching.h - what the host's kernel may keep of what it was told, and how it is made to forget it
 *
 * A cached name or attribute costs the kernel a microsecond, a request some tens of them. And yet
 * what is cached is exact: what a client of the daemon changes is gone from the kernel's memory
 * before the client's call returns (axebergd/vfs/changes.h). For that, what the kernel may keep is
 * marked in a page that the daemon reads (filter.h), before the store is looked at.
 *
 * Names are forgotten all at once: the kernel has an epoch for them (INC_EPOCH), and its next one
 * makes it ask for every name anew. This waits for nobody, and an answer that was under way belongs
 * to the epoch in which it was asked for. A kernel without epochs keeps no names.
 *
 * Attributes are forgotten by file (INVAL_INODE). The kernel drops an answer to GETATTR that this
 * has overtaken, but not one to LOOKUP if it does not know the file yet. So only answers to GETATTR
 * may be kept. Those about a regular file may be if nobody has it open for writing, or mapped so:
 * clients write through descriptors of the host, and tell nobody. A lease tells if that is so. An
 * open for writing that comes later is announced, or comes through this mount.
 *
 * A second node of the same directory (node_is_moved()) caches nothing: nobody could tell which of
 * the two a change has to be told of.
 *
 * The page lies at the same address for all daemons that this axfs meets.
 */
#pragma once

#include "connection.h"
#include "nodes.h"

struct filter;
struct namespace;
struct descriptors;
struct pin;

struct caching {
        struct filter *filter;
        struct node_table *nodes;
        struct namespace *namespace;
        struct descriptors *descriptors;
        double timeout;      /* seconds; < 0: the defaults */
        int device;          /* /dev/fuse; -1: not mounted */
        atomic_bool allowed; /* the daemon tells us of changes, and nobody else makes any */
        atomic_bool has_epochs;
        pthread_mutex_t lock; /* who makes the kernel forget all names */
        atomic_uint refused;  /* names that had no room since then */
};

/**
 * caching_init() - nothing is cached at first
 * @timeout: of everything, in seconds; negative: the defaults
 *
 * Returns 0 or a negative errno.
 */
int caching_init(struct caching *caching, double timeout, struct node_table *nodes, struct namespace *namespace,
                 struct descriptors *descriptors);
void caching_deinit(struct caching *caching);

/** caching_set_page() - mark in this page from now on, while nothing may be cached */
int caching_set_page(struct caching *caching, int page_fd);

/** caching_mounted() - the kernel can be talked to; learns what it can do */
void caching_mounted(struct caching *caching, int device);

/** caching_set_allowed() - begin to cache, or stop and have everything forgotten */
void caching_set_allowed(struct caching *caching, bool allowed);

/**
 * caching_name() - mark a name that is about to be looked at, or changed
 *
 * Returns for how long the kernel may keep it, in seconds.
 */
double caching_name(struct caching *caching, struct node *parent, const char *name);

/**
 * caching_attributes() - mark a file whose attributes are about to be looked at
 *
 * Returns for how long the kernel may keep them, in seconds.
 */
double caching_attributes(struct caching *caching, struct node *node, const struct pin *pin);

/**
 * caching_mark_acl() - mark a file whose access control list the kernel is about to keep, which it
 * does until attributes are forgotten
 */
void caching_mark_acl(struct caching *caching, struct node *node);

/** caching_forget_names() - make the kernel ask for every name anew. Waits for nobody. */
void caching_forget_names(struct caching *caching);

/** caching_forget_attributes() - make it ask for this node's attributes anew. Waits for nobody. */
void caching_forget_attributes(struct caching *caching, struct node *node);

/** caching_forget_file() - the same, of a file that the daemon names */
void caching_forget_file(struct caching *caching, uint64_t dev, uint64_t ino);

/** caching_forget_all() - make it forget all names and attributes */
void caching_forget_all(struct caching *caching);

/** caching_changed_detached() - a detached node has changed, which its successor does not know */
void caching_changed_detached(struct caching *caching, struct node *node);
