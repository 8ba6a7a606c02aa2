/* SPDX-License-Identifier: MIT */
/*
 * passthrough.h - let the kernel do the I/O of store files by itself (FUSE_PASSTHROUGH, Linux 6.9)
 *
 * A file of the host is registered with the kernel under a backing id. An open file that names the
 * id is read, written and mapped without asking axfs. The kernel refuses to mix: all open files of
 * an inode are passthrough with the same id, or none is. So a node decides when its first file is
 * opened, and stays with it until the last is closed.
 *
 * A file that is written this way loses its set-user-id and set-group-id bits whoever writes,
 * because the kernel acts with the rights that axfs had at registration, without CAP_FSETID. To
 * spare root's own such files, a file that has the bits when it is opened does ordinary I/O.
 */
#pragma once

#include "nodes.h"

struct passthrough {
        atomic_bool enabled; /* negotiated, and not refused since */
        atomic_int device;   /* /dev/fuse */
};

/**
 * passthrough_open() - decide how a file that is being opened does its I/O; under the node's lock
 * @fd: of the host's file
 * @mode: of the host's file
 *
 * Returns its backing id, or 0 if axfs serves it.
 */
int32_t passthrough_open(struct passthrough *passthrough, struct node *node, int fd, mode_t mode);

/** passthrough_close() - unregister: the node's last open file has gone; under the node's lock */
void passthrough_close(struct passthrough *passthrough, struct node *node);
