/* SPDX-License-Identifier: MIT */
/* listing.h - answer READDIR from a source of entries */
#pragma once

#include "request.h"

#include <stdint.h>

struct listing_entry {
        const char *name; /* good until the next entry is looked at */
        uint64_t ino;
        mode_t type;
        off_t next; /* the position behind it */
};

/** Where the entries come from. A caller puts it in front of a structure of its own. */
struct listing {
        /* look at the next entry; returns 1, 0 at the end, or a negative errno */
        int (*peek)(struct listing *listing, struct listing_entry *ret);
        /* that entry is in the answer */
        void (*take)(struct listing *listing, const struct listing_entry *entry);
};

/**
 * listing_answer() - fill the answer with as many entries as there is room for
 *
 * Returns 0 or a negative errno. After some entries an error is left for the next request to find.
 */
int listing_answer(struct listing *listing, struct request *request, size_t size);
