/* SPDX-License-Identifier: MIT */
/*
 * describe.h - a request in words, for the trace
 *
 * Called before the request is served, while the files still have their names, and while the
 * program that made it waits. So the paths are those of that moment, as the host knows them.
 */
#pragma once

#include <axeberg.h>
#include <linux/fuse.h>
#include <stddef.h>

struct axfs;
struct iovec;

/** describe_request() - @size: of the whole request */
void describe_request(struct axfs *fs, const struct fuse_in_header *header, size_t size, struct ax_mount_event *ret);

/**
 * describe_result() - @opcode: of the request; @answer: as it goes to the kernel
 *
 * Returns a negative errno, what was read or written, or 0.
 */
int describe_result(uint32_t opcode, const struct iovec *answer, int count);
