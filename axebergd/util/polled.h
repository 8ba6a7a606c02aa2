/* SPDX-License-Identifier: MIT */
/*
 * Input that no descriptor announces, in memory that others write.
 *
 * The loop looks at those that were served lately (the hot ones), and serves what it finds in its
 * user's lane. Before the loop sleeps they all rest: each asks its other side for a wake-up, which
 * comes over a descriptor, and is hot again from then on. The hot ones are few, for each lane and
 * in all, so looking is cheap; those that were served longest ago rest first. One for which there
 * is no room is served as long as it has input, and then rests.
 */
#pragma once

#include <stdbool.h>

struct lane;
struct lanes;

/* Zeroed, nobody looks at it. */
struct polled {
        struct lane *lane; /* NULL: it is neither hot nor ready */
        bool (*has_input)(const struct polled *polled);
        bool (*rest)(struct polled *polled); /* returns false if there is input after all */
        void (*ready)(struct polled *polled);
        bool is_hot, is_ready;
        struct polled *prev, *next;             /* hot ones, by the time when they were served */
        struct polled *ready_prev, *ready_next; /* of the lane */
};

/* It has just been served, or may have input. */
void polled_heat(struct lane *lane, struct polled *polled);
/* Nobody looks at it any more; fine if nobody does. */
void polled_stop(struct polled *polled);

/* Looks at the hot ones. Returns whether there is input, of which the lanes know now. */
bool polled_look(struct lanes *lanes);
/* Lets them rest. Returns false if there was input after all. */
bool polled_rest(struct lanes *lanes);
/* Serves one of the lane's that has input. Returns false if there is none. */
bool polled_serve(struct lane *lane);
