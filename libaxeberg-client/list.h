/* SPDX-License-Identifier: MIT */
/*
 * A list that the daemon gives in several replies: each request asks for what comes after the
 * last item, until there is no more. Items have a key (a pid, an id) that grows, so that a list
 * always ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axeberg.h"
#include "rpc.h"

struct list {
        void *items;
        size_t item_size, count, room;
        uint64_t last; /* the last item's key; 0 before the first */
        bool more;
        int error;
};

/*
 * Makes room for the next item, zeroed; closures call it. Returns NULL if `error` says why it
 * cannot.
 */
void *list_add(struct list *list, uint64_t key);

/*
 * Calls `ask`, which sends one request with `rpc`, until there is no more. Returns the number of
 * items, which the caller frees with free(3) even if there are none; after a negative error it
 * frees nothing.
 */
int list_fetch(ax_client *ax, struct list *list, int (*ask)(ax_client *ax, struct list *list, struct rpc *rpc));
