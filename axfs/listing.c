/* SPDX-License-Identifier: MIT */
/* listing.c - see listing.h */
#include "listing.h"

#include "util.h"

int listing_answer(struct listing *listing, struct request *request, size_t size) {
        _cleanup_free_ char *out = malloc(size);
        struct listing_entry entry;
        size_t used = 0;
        int r;

        if (!out)
                return -ENOMEM;
        while ((r = listing->peek(listing, &entry)) > 0) {
                const struct stat st = { .st_ino = entry.ino, .st_mode = entry.type };
                size_t need = request_add_entry(request, out + used, size - used, entry.name, &st, entry.next);

                if (need > size - used)
                        break;
                used += need;
                listing->take(listing, &entry);
        }
        if (r < 0 && used == 0)
                return r;
        answer_data(request, out, used);
        out = NULL;
        return 0;
}
