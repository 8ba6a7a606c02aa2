/* SPDX-License-Identifier: MIT */
/*
 * wire.h - the messages to and from the kernel that libfuse does not know
 *
 * libfuse learnt passthrough in 3.17 and leaves some flags of requests out in every version. axfs
 * speaks these few things itself, the same way with all versions of libfuse and of the kernel's
 * headers: their layout is part of the kernel's stable interface.
 */
#pragma once

#include <linux/fuse.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct wire_backing_map {
        int32_t fd;
        uint32_t flags;
        uint64_t padding;
};

#define WIRE_BACKING_OPEN _IOW(229, 1, struct wire_backing_map)
#define WIRE_BACKING_CLOSE _IOW(229, 2, uint32_t)

#define WIRE_INIT_EXT (UINT32_C(1) << 30)
#define WIRE_HANDLE_KILLPRIV_V2 (UINT32_C(1) << 28)
#define WIRE_DIRECT_IO_ALLOW_MMAP2 (UINT32_C(1) << (36 - 32)) /* in flags2 */
#define WIRE_PASSTHROUGH2 (UINT32_C(1) << (37 - 32))          /* in flags2 */

/* The answer to INIT, up to the last field that is looked at. */
struct wire_init_out {
        uint32_t major, minor, max_readahead, flags;
        uint16_t max_background, congestion_threshold;
        uint32_t max_write, time_gran;
        uint16_t max_pages, map_alignment;
        uint32_t flags2, max_stack_depth, unused[6];
};

#define WIRE_FOPEN_NOFLUSH (UINT32_C(1) << 5)
#define WIRE_FOPEN_PASSTHROUGH (UINT32_C(1) << 7)

struct wire_open_out {
        uint64_t fh;
        uint32_t open_flags;
        int32_t backing_id;
};
_Static_assert(sizeof(struct wire_open_out) == sizeof(struct fuse_open_out), "layout of the kernel");
_Static_assert(sizeof(struct wire_init_out) == sizeof(struct fuse_init_out), "layout of the kernel");
