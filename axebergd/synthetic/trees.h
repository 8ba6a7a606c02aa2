/* SPDX-License-Identifier: MIT */
/*
 * The synthetic trees: /dev and /proc.
 */
#pragma once

#include "vfs/synthetic.h"

struct kernel;

extern const struct synthetic_ops devfs_ops;  /* devfs.c */
extern const struct synthetic_ops procfs_ops; /* procfs.c */

/* Mounts both, before anybody walks. */
void trees_mount(struct kernel *kernel);
