/* SPDX-License-Identifier: MIT */
/*
 * contract.h - what the daemon and its clients must agree on beside frames and messages
 *
 * frame.h has the frames, pages.h the memory that both sides look at, runtime.h the place of the
 * socket, inode.h the numbers of files, names.h names. WIRE.md tells the same in words.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The id of a region: the low bits are a slot of the process's table, from 1, and the bits above
 * tell one user of the slot from the next. So both sides find a region without a search.
 */
enum { AX_REGION_SLOT_BITS = 20 };

static inline size_t ax_region_slot(uint64_t id) {
        return (size_t) (id & ((UINT64_C(1) << AX_REGION_SLOT_BITS) - 1));
}

/* Signals are numbers below this. */
enum { AX_SIGNAL_LIMIT = 32 };

/* The largest window. */
enum { AX_SCREEN_MAX_ROWS = 200, AX_SCREEN_MAX_COLUMNS = 400 };

/* A row of a screen in WindowRead's trailer: number and length, little-endian, then its text. */
enum { AX_ROW_HEADER_SIZE = 6 };

static inline void ax_row_header_encode(unsigned row, size_t length, uint8_t *bytes) {
        bytes[0] = (uint8_t) row;
        bytes[1] = (uint8_t) (row >> 8);
        for (int i = 0; i < 4; i++)
                bytes[2 + i] = (uint8_t) (length >> (8 * i));
}

static inline void ax_row_header_decode(unsigned *row, size_t *length, const uint8_t *bytes) {
        *row = (unsigned) bytes[0] | (unsigned) bytes[1] << 8;
        *length = (size_t) bytes[2] | (size_t) bytes[3] << 8 | (size_t) bytes[4] << 16 | (size_t) bytes[5] << 24;
}
