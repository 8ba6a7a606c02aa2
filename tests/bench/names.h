/* SPDX-License-Identifier: MIT */
/*
 * What operations on names cost: on tmpfs, on the mount, and on the peer.
 */
#pragma once

#include "cases.h"

/* Make what the cases below work on, in each of the three places that is there. */
int bench_prepare_names(const struct bench_context *context);

#define BENCH_NAMES(name)                                                                                              \
        int bench_tmpfs_##name(struct bench_context *context, unsigned n);                                             \
        int bench_mount_##name(struct bench_context *context, unsigned n);                                             \
        int bench_peer_##name(struct bench_context *context, unsigned n);

BENCH_NAMES(deep_stat)
BENCH_NAMES(absent)
BENCH_NAMES(reopen)
BENCH_NAMES(create_many)
BENCH_NAMES(rename)
BENCH_NAMES(list)
#undef BENCH_NAMES
