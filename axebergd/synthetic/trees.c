/* SPDX-License-Identifier: MIT */
#include "synthetic/trees.h"

#include "kernel.h"

void trees_mount(struct kernel *kernel) {
        vfs_mount_synthetic(&kernel->vfs, "/dev", "devfs", &devfs_ops, kernel);
        vfs_mount_synthetic(&kernel->vfs, "/proc", "procfs", &procfs_ops, kernel);
}
