/* SPDX-License-Identifier: MIT */
/*
 * Attributes of a file: owner, mode, times, extended attributes, access control lists.
 */
#pragma once

#include "side.h"

/*
 * Returns the permission bits. If the file has an access control list, the group's bits are the
 * rights that the list gives to the owning group.
 */
uint32_t attributes_mode(struct side *side, const char *name, const struct ax_stat *status);
/**
 * attributes_copy() - gives a file the owner, mode and extended attributes of a different file
 * @times: copies the times, too
 *
 * Leaves out what the filesystem cannot hold or the caller may not set. If the owner cannot be
 * copied, the set-id bits are dropped. Returns 0 or a negative error.
 */
int attributes_copy(struct side *from, const char *from_name, const struct ax_stat *status, struct side *to,
                    const char *to_name, bool times);
