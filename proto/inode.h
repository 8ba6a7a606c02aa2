/* SPDX-License-Identifier: MIT */
/*
 * inode.h - the inode numbers that are shown for files of the stores
 *
 * A FUSE mount has one device number, so numbers of different stores must differ. They stay below
 * 2^32 if the host's number does, because 32-bit programs cannot stat(2) anything else: the root
 * store's files keep their numbers, and those of /tmp, and of /dev and /proc on the mount, get a
 * part of the 32 bits each. What does not fit there gets its number in the high bits.
 */
#pragma once

#include <stdint.h>

#define INODE_PART_BITS 28
#define INODE_PART_MASK ((UINT64_C(1) << INODE_PART_BITS) - 1)
#define INODE_SYNTHETIC (UINT64_C(0xe) << INODE_PART_BITS) /* /dev and /proc on the mount */
#define INODE_TMP (UINT64_C(0xf) << INODE_PART_BITS)       /* the store with the index 1 */
#define INODE_HIGH_SHIFT 56
#define INODE_HIGH_MASK ((UINT64_C(1) << INODE_HIGH_SHIFT) - 1)
#define INODE_MOVED UINT64_C(0x80) /* high bits: the root store has a number of a part */

/** inode_shown() - the number for a store's file: @index is the store's, @host the host's number */
static inline uint64_t inode_shown(uint32_t index, uint64_t host) {
        if (index == 1 && host <= INODE_PART_MASK)
                return INODE_TMP | host;
        if (index == 0 && host >= INODE_SYNTHETIC && host <= UINT32_MAX)
                return host | INODE_MOVED << INODE_HIGH_SHIFT;
        return (host & INODE_HIGH_MASK) | (uint64_t) index << INODE_HIGH_SHIFT;
}
