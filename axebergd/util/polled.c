/* SPDX-License-Identifier: MIT */
#include "util/polled.h"

#include <stddef.h>
#include <utlist.h>

#include "util/lane.h"

enum { MAX_HOT = 32, MAX_HOT_OF_LANE = 8 };

static void set_ready(struct polled *polled) {
        if (polled->is_ready)
                return;
        polled->is_ready = true;
        DL_APPEND2(polled->lane->ready_polled, polled, ready_prev, ready_next);
        lane_activate(polled->lane);
}

static void unset_ready(struct polled *polled) {
        if (!polled->is_ready)
                return;
        polled->is_ready = false;
        DL_DELETE2(polled->lane->ready_polled, polled, ready_prev, ready_next);
}

void polled_stop(struct polled *polled) {
        struct lane *lane = polled->lane;

        if (!lane)
                return;
        unset_ready(polled);
        if (polled->is_hot) {
                DL_DELETE(lane->lanes->hot, polled);
                lane->lanes->n_hot--;
                lane->n_hot--;
        }
        polled->is_hot = false;
        polled->lane = NULL;
}

/* One that has input stays hot until it has been served. */
static bool cool(struct polled *polled) {
        if (polled->is_ready)
                return false;
        if (!polled->rest(polled)) {
                set_ready(polled);
                return false;
        }
        polled_stop(polled);
        return true;
}

/*
 * Makes room by letting one rest: of the lane if that has too many, or else any. Returns false if
 * all of them have input.
 */
static bool make_room(struct lanes *lanes, const struct lane *lane) {
        struct polled *polled, *next;

        if (lane->n_hot < MAX_HOT_OF_LANE && lanes->n_hot < MAX_HOT)
                return true;
        DL_FOREACH_SAFE (lanes->hot, polled, next) {
                if ((lane->n_hot < MAX_HOT_OF_LANE || polled->lane == lane) && cool(polled))
                        return true;
        }
        return false;
}

static void set_hot(struct polled *polled) {
        struct lane *lane = polled->lane;

        polled->is_hot = true;
        lane->n_hot++;
        lane->lanes->n_hot++;
        DL_APPEND(lane->lanes->hot, polled);
}

void polled_heat(struct lane *lane, struct polled *polled) {
        polled->lane = lane;
        if (polled->is_hot && polled->next) {
                DL_DELETE(lane->lanes->hot, polled);
                DL_APPEND(lane->lanes->hot, polled);
        } else if (!polled->is_hot && make_room(lane->lanes, lane)) {
                set_hot(polled);
        }
        if (!polled->is_hot && !polled->is_ready && polled->rest(polled))
                polled->lane = NULL;
        else if (!polled->is_hot || polled->has_input(polled))
                set_ready(polled);
}

bool polled_look(struct lanes *lanes) {
        struct polled *polled;
        bool found = false;

        DL_FOREACH (lanes->hot, polled) {
                if (!polled->is_ready && polled->has_input(polled))
                        set_ready(polled);
                found |= polled->is_ready;
        }
        return found;
}

bool polled_rest(struct lanes *lanes) {
        struct polled *polled, *next;
        bool all = true;

        DL_FOREACH_SAFE (lanes->hot, polled, next) {
                all &= cool(polled);
        }
        return all;
}

bool polled_serve(struct lane *lane) {
        struct polled *polled = lane->ready_polled;

        if (!polled)
                return false;
        unset_ready(polled);
        polled->ready(polled);
        return true;
}
