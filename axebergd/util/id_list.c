/* SPDX-License-Identifier: MIT */
#include "util/id_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void id_list_deinit(struct id_list *list) {
        free(list->ids);
        *list = (struct id_list){ 0 };
}

size_t id_list_find_after(const struct id_list *list, uint64_t after) {
        size_t low = 0, high = list->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (list->ids[middle] <= after)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int id_list_add(struct id_list *list, uint64_t id) {
        size_t at = id_list_find_after(list, id);

        if (list->count == list->room) {
                size_t room = list->room ? list->room * 2 : 64;
                uint64_t *ids = reallocarray(list->ids, room, sizeof(*ids));

                if (!ids)
                        return -ENOMEM;
                list->ids = ids;
                list->room = room;
        }
        memmove(&list->ids[at + 1], &list->ids[at], (list->count - at) * sizeof(list->ids[0]));
        list->ids[at] = id;
        list->count++;
        return 0;
}

/*
 * The memory shrinks with the list, at a quarter of its room, so that it does not grow and shrink
 * in turn.
 */
static void shrink(struct id_list *list) {
        uint64_t *ids;

        if (list->room <= 64 || list->count > list->room / 4)
                return;
        ids = reallocarray(list->ids, list->room / 2, sizeof(*ids));
        if (!ids)
                return;
        list->ids = ids;
        list->room /= 2;
}

void id_list_remove(struct id_list *list, uint64_t id) {
        size_t after = id_list_find_after(list, id);

        if (after == 0 || list->ids[after - 1] != id)
                return;
        memmove(&list->ids[after - 1], &list->ids[after], (list->count - after) * sizeof(list->ids[0]));
        list->count--;
        shrink(list);
}
