/* SPDX-License-Identifier: MIT */
#include "bus/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "bus/authority.h"
#include "bus/budget.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/identity.h"

enum { ROWS_AT_ONCE = 32, MAX_LISTINGS = 512, MAX_OF_USER = 8 };

struct bus_listing {
        struct bus *bus;
        sd_bus_message *call, *reply;
        uint32_t uid; /* of the sender */
        int32_t last_pid;
        struct bus_listing *prev, *next;
};

static void listing_free(struct bus_listing *listing) {
        DL_DELETE(listing->bus->listings, listing);
        listing->bus->n_listings--;
        sd_bus_message_unref(listing->reply);
        sd_bus_message_unref(listing->call);
        free(listing);
}

void listing_drop_all(struct bus *bus) {
        bus->listing_turn = sd_event_source_disable_unref(bus->listing_turn);
        while (bus->listings)
                listing_free(bus->listings);
}

static int append(sd_bus_message *reply, const struct process *process) {
        char path[BUS_PATH_SIZE];

        return sd_bus_message_append(reply, LISTING_ROW, process->pid, process->parent ? process->parent->pid : 0,
                                     process->identity->uid, (uint32_t) process->host_pid,
                                     process_state_name(process->state), process_command(process),
                                     process_figures(process).calls, process->regions.account.used,
                                     process->regions.account.limit, bus_process_path(process->pid, path));
}

/* Returns 1 if there may be more, 0 if that was all, or a negative errno. */
static int append_some(struct bus_listing *listing) {
        const struct process *list[ROWS_AT_ONCE];
        size_t count =
                process_table_list(&listing->bus->kernel->processes, listing->last_pid, list, ROWS_AT_ONCE, NULL);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < count; i++) {
                r = append(listing->reply, list[i]);
                listing->last_pid = list[i]->pid;
        }
        return r < 0 ? r : count == ROWS_AT_ONCE;
}

static int on_turn(sd_event_source *source, void *userdata);

/*
 * Makes a source for each turn: one that stays enabled is the oldest pending one, and goes before
 * all others of its priority until it is done.
 */
static int next_turn(struct bus *bus) {
        sd_event_source_disable_unref(bus->listing_turn);
        bus->listing_turn = NULL;
        return bus->listings && !bus->paused ? sd_event_add_defer(bus->kernel->event, &bus->listing_turn, on_turn, bus)
                                             : 0;
}

static void finish(struct bus_listing *listing, int r) {
        if (r == 0)
                r = sd_bus_message_close_container(listing->reply);
        if (r >= 0)
                r = sd_bus_send(NULL, listing->reply, NULL);
        if (r < 0)
                sd_bus_reply_method_errno(listing->call, r, NULL);
        listing_free(listing);
}

/* The first one of another user goes before those of the user who has just had one. */
static void choose_next(struct bus *bus, uint32_t last_uid) {
        struct bus_listing *listing;

        DL_FOREACH (bus->listings, listing) {
                if (listing->uid == last_uid)
                        continue;
                DL_DELETE(bus->listings, listing);
                DL_PREPEND(bus->listings, listing);
                return;
        }
}

static int on_turn(sd_event_source *source, void *userdata) {
        struct bus *bus = userdata;
        uint64_t begin = clock_usec();
        int r = append_some(bus->listings);

        (void) source;
        if (r <= 0) {
                uint32_t uid = bus->listings->uid;

                finish(bus->listings, r);
                choose_next(bus, uid);
        }
        budget_spend(bus, clock_usec() - begin);
        r = next_turn(bus);
        while (r < 0 && bus->listings)
                finish(bus->listings, r);
        return 0;
}

void listing_resume(struct bus *bus) {
        if (!bus->listing_turn && next_turn(bus) < 0)
                listing_drop_all(bus);
}

static unsigned count_of_user(const struct bus *bus, uint32_t uid) {
        const struct bus_listing *listing;
        unsigned count = 0;

        DL_FOREACH (bus->listings, listing) {
                count += listing->uid == uid;
        }
        return count;
}

static int begin(struct bus *bus, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        struct bus_listing *listing;
        int r;

        if (bus->n_listings >= MAX_LISTINGS || count_of_user(bus, uid) >= MAX_OF_USER)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many lists are being made");
        listing = calloc(1, sizeof(*listing));
        if (!listing)
                return -ENOMEM;
        *listing = (struct bus_listing){ .bus = bus, .call = sd_bus_message_ref(call), .uid = uid };
        DL_APPEND(bus->listings, listing);
        bus->n_listings++;
        r = sd_bus_message_new_method_return(call, &listing->reply);
        if (r >= 0)
                r = sd_bus_message_open_container(listing->reply, 'a', LISTING_ROW);
        if (r >= 0)
                r = bus->listing_turn ? 0 : next_turn(bus);
        if (r < 0)
                listing_free(listing);
        return r < 0 ? r : 1;
}

int listing_begin(struct bus *bus, sd_bus_message *call, sd_bus_error *error) {
        return authority_identify(bus, call, begin, error);
}
