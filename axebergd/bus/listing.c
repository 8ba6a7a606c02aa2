#include "bus/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "process/process.h"
#include "util/cleanup.h"
#include "util/identity.h"

enum { ROWS_AT_ONCE = 128, MOST_LISTINGS = 16 };

struct bus_listing {
        struct bus *bus;
        sd_bus_message *call, *reply;
        sd_event_source *turn;
        int32_t last_pid;
        struct bus_listing *prev, *next;
};

static void listing_free(struct bus_listing *listing) {
        DL_DELETE(listing->bus->listings, listing);
        listing->bus->n_listings--;
        sd_event_source_disable_unref(listing->turn);
        sd_bus_message_unref(listing->reply);
        sd_bus_message_unref(listing->call);
        free(listing);
}

void listing_drop_all(struct bus *bus) {
        while (bus->listings)
                listing_free(bus->listings);
}

static int append(sd_bus_message *reply, const struct process *process) {
        struct local_totals local = { 0 };
        char path[BUS_PATH_SIZE], command[BUS_COMMAND_SIZE];

        counters_of(process, &local);
        return sd_bus_message_append(reply, LISTING_ROW, process->pid, process->parent ? process->parent->pid : 0,
                                     process->identity->uid, (uint32_t) process->host_pid,
                                     process_state_name(process->state), bus_process_command(process, command),
                                     process->calls + local_totals_calls(&local), process->regions.account.used,
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

static int on_turn(sd_event_source *source, void *userdata) {
        struct bus_listing *listing = userdata;
        int r = append_some(listing);

        (void) source;
        if (r > 0)
                return 0;
        if (r == 0)
                r = sd_bus_message_close_container(listing->reply);
        if (r >= 0)
                r = sd_bus_send(NULL, listing->reply, NULL);
        if (r < 0)
                sd_bus_reply_method_errno(listing->call, r, NULL);
        listing_free(listing);
        return 0;
}

int listing_begin(struct bus *bus, sd_bus_message *call, sd_bus_error *error) {
        struct bus_listing *listing;
        int r;

        if (bus->n_listings >= MOST_LISTINGS)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many lists are being made");
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
                r = sd_event_add_defer(bus->kernel->event, &listing->turn, on_turn, listing);
        if (r >= 0)
                r = sd_event_source_set_enabled(listing->turn, SD_EVENT_ON);
        if (r < 0)
                listing_free(listing);
        return r < 0 ? r : 1;
}
