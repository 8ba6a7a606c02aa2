/* SPDX-License-Identifier: MIT */
/*
 * What the parts of mount_differ share: a step, the two sides that it is done on, and what comes of
 * it.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { SIDES = 2, SLOTS = 6, HANDLES = 4, ENTRIES = 512, TEXT = 8192 };

/* Everything that a step may need, whatever it does: so both sides get the same. */
struct step {
        const struct operation *operation;
        unsigned actor;
        const char *name, *name2;
        unsigned slot, slot2, number;
        int flags;
        mode_t mode, umask;
        unsigned uid, gid;
        int64_t offset, length;
        uint64_t bits;
};

struct side {
        const char *title;
        int root;
        int slots[SLOTS];
        struct {
                struct file_handle handle;
                char space[MAX_HANDLE_SZ];
        } handles[HANDLES];
};

struct outcome {
        long result;
        size_t used;
        char text[TEXT];
};

struct operation {
        const char *name;
        unsigned weight;
        long (*act)(struct side *side, const struct step *step, struct outcome *outcome);
};

/* The operations of each area; the last one has no name. */
extern const struct operation name_operations[], data_operations[], mode_operations[], attribute_operations[],
        handle_operations[];

extern bool as_root, passthrough;

struct actor {
        const char *name;
        uid_t uid;
        gid_t gid, group;
};

extern const struct actor actors[3];

void say(struct outcome *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_stat(struct outcome *outcome, const struct stat *st);
uint64_t hash(const void *data, size_t size);

/* Returns the result, or -errno if it is negative. */
long error_or(long result);

/* Ends the program if the result is negative. */
void must(long result, const char *what);

/* What a name had before the step, to see which of its times changed. */
struct known {
        char *path;
        struct timespec modified, changed;
};

struct tree {
        struct known known[ENTRIES];
        unsigned n_known;
        char *text;
        size_t size;
        FILE *out;
};

/* Replaces what was known of the tree. */
void tree_read(struct tree *tree, const struct side *side);
void tree_free(struct tree *tree);
