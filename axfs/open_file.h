/* SPDX-License-Identifier: MIT */
/*
 * open_file.h - open files and directories of the stores; the fuse_file_info's handle points to one
 *
 * An open file keeps its host descriptor, so an unlinked file lives on. It is listed with its node,
 * which thereby can always be reopened. All open files of a node do their I/O the same way
 * (passthrough.h).
 */
#pragma once

#include "nodes.h"
#include "opened.h"

struct open_file {
        struct opened opened;
        int fd;
        struct node *node;
        bool flushes;        /* close() may report errors of writing */
        atomic_bool appends; /* the descriptor has O_APPEND */
        struct open_file *prev, *next;
};

struct open_dir {
        struct opened opened;
        int fd;
        struct node *node;
        pthread_mutex_t lock;
        int64_t position; /* of the descriptor */
        char *buffer;     /* of directory entries read from the host, not all of them in an answer yet */
        size_t start, end;
};
