#include "bus/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "process/process.h"
#include "util/cleanup.h"
#include "util/identity.h"

enum { ROWS_AT_ONCE = 32, MOST_LISTINGS = 512, MOST_OF_SENDER = 8 };

struct bus_listing {
        struct bus *bus;
        sd_bus_message *call, *reply;
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
        char path[BUS_PATH_SIZE], command[BUS_COMMAND_SIZE];

        return sd_bus_message_append(reply, LISTING_ROW, process->pid, process->parent ? process->parent->pid : 0,
                                     process->identity->uid, (uint32_t) process->host_pid,
                                     process_state_name(process->state), bus_process_command(process, command),
                                     process_figures(process).calls, process->regions.account.used,
                                     process->regions.account.limit, bus_process_path(process->pid, path));
}

/* Return: 1 there may be more, 0 that was all, negative errno. */
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

/* A source for each turn: one that stays enabled is the oldest that is pending, and goes before all others of its priority until it has done. */
static int next_turn(struct bus *bus) {
        sd_event_source_disable_unref(bus->listing_turn);
        bus->listing_turn = NULL;
        return bus->listings ? sd_event_add_defer(bus->kernel->event, &bus->listing_turn, on_turn, bus) : 0;
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

static int on_turn(sd_event_source *source, void *userdata) {
        struct bus *bus = userdata;
        int r = append_some(bus->listings);

        (void) source;
        if (r <= 0)
                finish(bus->listings, r);
        r = next_turn(bus);
        while (r < 0 && bus->listings)
                finish(bus->listings, r);
        return 0;
}

static unsigned count_of_sender(const struct bus *bus, const char *sender) {
        const struct bus_listing *listing;
        unsigned count = 0;

        DL_FOREACH (bus->listings, listing) {
                count += strcmp(sd_bus_message_get_sender(listing->call), sender) == 0;
        }
        return count;
}

int listing_begin(struct bus *bus, sd_bus_message *call, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(call);
        struct bus_listing *listing;
        int r;

        if (!sender) /* not on a bus */
                return -EINVAL;
        if (bus->n_listings >= MOST_LISTINGS || count_of_sender(bus, sender) >= MOST_OF_SENDER)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many lists are being made");
        listing = calloc(1, sizeof(*listing));
        if (!listing)
                return -ENOMEM;
        *listing = (struct bus_listing){ .bus = bus, .call = sd_bus_message_ref(call) };
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
