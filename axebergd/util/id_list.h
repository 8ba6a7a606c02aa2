/* SPDX-License-Identifier: MIT */
/*
 * Ids in ascending order, so that a list that is read piece by piece goes on where it stopped,
 * whatever was added and removed meanwhile, without a walk over all of them. New ids are usually
 * the largest, and cost nothing to add.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct id_list {
        uint64_t *ids;
        size_t count, room;
};

void id_list_deinit(struct id_list *list);
/* Returns 0 or -ENOMEM. The id is not in the list yet. */
int id_list_add(struct id_list *list, uint64_t id);
/* Fine for one that is not in the list. */
void id_list_remove(struct id_list *list, uint64_t id);
/* The index of the first id above `after`; `count` if there is none. */
size_t id_list_find_after(const struct id_list *list, uint64_t after);
