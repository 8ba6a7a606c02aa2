/*
 * A store: a directory tree of the host that holds files of the namespace.
 *
 * Durable ones are a directory; ephemeral ones a tmpfs that no path of the host leads to, and that goes with its last descriptor; without
 * the privilege for that, a temporary directory, removed at the end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct store {
        int root_fd;
        uint32_t index;       /* in inode numbers shown, see store_ino_prefix() */
        bool may_block;       /* lies on a disk */
        char *source;         /* for people: "durable:/path", "ephemeral", "temporary:/path" */
        char *temporary_path; /* to remove at the end, or NULL */
};

/* Creates the directory where it is missing. Return: 0, negative errno (logged). */
int store_open_durable(struct store **ret, const char *path, uint32_t index);
int store_open_ephemeral(struct store **ret, uint32_t index);
struct store *store_free(struct store *store);

/* Inode numbers of different stores may be equal on the host; with this or-ed in they differ. */
static inline uint64_t store_ino_prefix(const struct store *store) {
        return (uint64_t) store->index << 56;
}

/* Creates a directory in the store where the name is free; leaves an existing one alone. Return: 0, negative errno. */
int store_make_directory(struct store *store, const char *path, unsigned mode);
