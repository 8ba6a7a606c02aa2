/*
 * A list that the daemon tells in several replies: what comes after the last item, until there is no more. Items have a key (a pid, an id) that grows, so
 * that a list always ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

struct list {
        void *items;
        size_t item_size, count, room;
        uint64_t last; /* the last item's key; 0: there is none yet */
        bool more;
        int error;
};

/* A place for the next item, zeroed. NULL: it cannot be, and `error` says why. For the reply's closure. */
void *list_add(struct list *list, uint64_t key);

/*
 * Calls `ask`, which sends one request with `rpc`, until there is no more. Return: how many items, which are the caller's, to be freed with free(3), even if there are
 * none; negative error: there is nothing to free.
 */
int list_fetch(ax_client *ax, struct list *list, int (*ask)(ax_client *ax, struct list *list, struct rpc *rpc));
