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
        atomic_uint count;   /* nodes that have files which are passed through */
};

/**
 * passthrough_open() - decide how a file that is being opened does its I/O; under the node's lock
 * @fd: of the host's file
 * @mode: of the host's file
 * @allowed: false: only if files of the node are passed through already
 *
 * Returns its backing id, or 0 if axfs serves it.
 */
int32_t passthrough_open(struct passthrough *passthrough, struct node *node, int fd, mode_t mode, bool allowed);

/**
 * passthrough_adopt() - use a backing id that was kept for the file that is being opened; under the
 * node's lock, before passthrough_open()
 *
 * If it cannot be used any more it is unregistered.
 */
void passthrough_adopt(struct passthrough *passthrough, struct node *node, int32_t id, mode_t mode, bool allowed);

/**
 * passthrough_keep() - the node's last open file has gone, but not its backing id, which is
 * returned; under the node's lock
 */
int32_t passthrough_keep(struct passthrough *passthrough, struct node *node);

/** passthrough_forget() - unregister a backing id that was kept */
void passthrough_forget(struct passthrough *passthrough, int32_t id);

/** passthrough_close() - unregister: the node's last open file has gone; under the node's lock */
void passthrough_close(struct passthrough *passthrough, struct node *node);
