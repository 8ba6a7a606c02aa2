/* SPDX-License-Identifier: MIT */
/*
 * The trees that the inputs of fuzz_paths make in the stores.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "input.h"

enum action {
        MAKE_DIRECTORY,
        MAKE_SYMLINK, /* name, NUL, target */
        MAKE_FILE,
        MAKE_FIFO,
        MAKE_LINK, /* name, NUL, name */
        MOVE,      /* likewise */
        MOVE_AWAY,
        MAKE_DEEP,
        CHANGE_DIRECTORY,
        LOOK, /* each as likely as the others together */
        LOOK_TOO,
        LOOK_AGAIN,
        ACT,
        ACTIONS,
};

struct path_tree {
        int store_fds[2];
        int away_fd; /* a directory outside, for what the host moves away */
        bool judged; /* the host's tree shows what the namespace does */
        bool moved_away;
        unsigned moves;
};

extern struct path_tree the_tree;

/* NUL-terminated text of a record, up to a NUL in it. */
const char *path_read(struct reader *reader, char text[static PATH_MAX + 64]);

/*
 * As often one after the other as the input says, and as there is room: long paths from short
 * inputs.
 */
void path_repeat(char text[static PATH_MAX + 64], unsigned times);

/*
 * Names that lead to /dev and /proc, which the host's tree has not; and what is not UTF-8, which
 * the daemon refuses. From then on the host is no judge.
 */
void path_tree_note(const char *text);

/* One of the actions that make or move a name; @number: how deep or how long. */
void path_tree_build(enum action action, int store, struct reader *reader, unsigned number);

/* The host's calls, past those that count (see fuzz_paths.c). */
int __real_openat(int dir, const char *path, int flags, ...);
long __real_syscall(long number, ...);
