/* SPDX-License-Identifier: MIT */
/*
 * A store: a directory tree of the host that holds files of the namespace.
 *
 * Durable ones are a directory, seen through a mount of the daemon's own that no path leads to;
 * ephemeral ones a tmpfs that is mounted likewise, has a size, and a share for each user if the
 * host's tmpfs has quotas. Such a mount honours no set-user-ID bits and no devices, its root is the
 * store's, and it goes with its last descriptor. Without the privilege for one, a durable store is
 * the directory itself, and an ephemeral one a temporary directory, removed at the end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/cleanup.h"

struct store {
        int root_fd;
        dev_t root_dev;
        ino_t root_ino;
        uint32_t index;       /* in inode numbers shown, see inode_shown() */
        bool confined;        /* the root is that of a mount: ".." cannot lead out of it */
        char *source;         /* for people: "durable:/path", "ephemeral", "temporary:/path" */
        char *temporary_path; /* to remove at the end, or NULL */
};

struct store_options {
        uint32_t index;
        bool exec;                    /* programs in it may be executed through the mount */
        uint64_t size, size_per_user; /* of an ephemeral one; bytes. 0: unlimited; half of the size */
};

/* Creates the directory if it is missing. Returns 0 or negative errno (logged). */
int store_open_durable(struct store **ret, const char *path, const struct store_options *options);
int store_open_ephemeral(struct store **ret, const struct store_options *options);
struct store *store_free(struct store *store);
DEFINE_CLEANUP(store, store_free)

/* Whether the descriptor is the root directory's. */
bool store_is_root(const struct store *store, int fd);

/* Creates a directory in the store unless the name exists. Returns 0 or a negative errno. */
int store_make_directory(struct store *store, const char *path, unsigned mode);
