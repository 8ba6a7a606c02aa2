/* SPDX-License-Identifier: MIT */
#include "list.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16 };

static int make_room(struct list *list) {
        size_t room = list->room > 0 ? 2 * list->room : FIRST_ROOM;
        void *items;

        if (list->count < list->room)
                return 0;
        items = reallocarray(list->items, room, list->item_size);
        if (!items)
                return -AX_ENOMEM;
        list->items = items;
        list->room = room;
        return 0;
}

void *list_add(struct list *list, uint64_t key) {
        void *item;

        if (list->error == 0 && list->count > 0 && key <= list->last)
                list->error = -AX_EPROTO; /* out of order: the list might never end */
        if (list->error == 0)
                list->error = make_room(list);
        if (list->error < 0)
                return NULL;
        list->last = key;
        item = (char *) list->items + list->count++ * list->item_size;
        return memset(item, 0, list->item_size);
}

int list_fetch(ax_client *ax, struct list *list, int (*ask)(ax_client *ax, struct list *list, struct rpc *rpc)) {
        int r = make_room(list);

        if (r < 0)
                return r;
        do {
                struct rpc rpc = { .context = list };
                size_t before = list->count;

                list->more = false;
                r = ask(ax, list, &rpc);
                if (r >= 0)
                        r = list->error;
                list->more = list->more && list->count > before;
        } while (r == 0 && list->more);
        if (r < 0) {
                free(list->items);
                return r;
        }
        return (int) list->count;
}
