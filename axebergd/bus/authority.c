/* SPDX-License-Identifier: MIT */
#include "bus/authority.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "util/cleanup.h"
#include "util/log.h"

/*
 * A sender's calls wait for the bus for a moment, a user's for polkit as long as a person takes. A
 * bus lets a user have 256 connections as a rule: all of them together leave half of the room to
 * others.
 */
enum { MAX_PENDING = 4096, MAX_OF_SENDER = 8, MAX_OF_USER = 32 };

#define UID_UNKNOWN UINT32_MAX
#define TOO_MANY "too many calls wait for permission"

/* A person may have to type a password. */
#define POLKIT_TIMEOUT_USEC (UINT64_C(120) * 1000000)

struct bus_pending {
        struct bus *bus;
        sd_bus_message *message;
        sd_bus_slot *slot;         /* of what is being asked */
        const char *polkit_action; /* NULL: anyone may */
        bus_action perform;        /* what is for administrators, or */
        bus_reading read;          /* what is for anyone */
        uint32_t uid;              /* of the sender; from then on polkit is being asked */
        struct bus_pending *prev, *next;
};

static void pending_free(struct bus_pending *pending) {
        DL_DELETE(pending->bus->pending, pending);
        pending->bus->n_pending--;
        sd_bus_slot_unref(pending->slot);
        sd_bus_message_unref(pending->message);
        free(pending);
}

void authority_drop_all(struct bus *bus) {
        while (bus->pending)
                pending_free(bus->pending);
}

static unsigned count_of_sender(const struct bus *bus, const char *sender) {
        const struct bus_pending *pending;
        unsigned count = 0;

        DL_FOREACH (bus->pending, pending) {
                count += strcmp(sd_bus_message_get_sender(pending->message), sender) == 0;
        }
        return count;
}

static unsigned count_of_user(const struct bus *bus, uint32_t uid) {
        const struct bus_pending *pending;
        unsigned count = 0;

        DL_FOREACH (bus->pending, pending) {
                count += pending->uid == uid;
        }
        return count;
}

/* Logs the first one and then every power of two, so that nobody can fill the log. */
static void refuse(struct bus_pending *pending, const char *name, const char *why) {
        uint64_t refused = ++pending->bus->refused;

        if ((refused & (refused - 1)) == 0)
                log_client(LOG_WARNING, 0, 0, pending->uid, "D-Bus: refused %s to uid %u: %s; refused %llu times",
                           sd_bus_message_get_member(pending->message), pending->uid, why,
                           (unsigned long long) refused);
        sd_bus_reply_method_errorf(pending->message, name, "%s", why);
        pending_free(pending);
}

static void permit(struct bus_pending *pending) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        if (pending->perform) {
                log_client(LOG_INFO, 0, 0, pending->uid, "D-Bus: %s by uid %u",
                           sd_bus_message_get_member(pending->message), pending->uid);
                r = pending->perform(pending->bus, pending->message, &error);
        } else {
                r = pending->read(pending->bus, pending->message, pending->uid, &error);
        }
        if (r < 0)
                sd_bus_reply_method_errno(pending->message, r, &error);
        pending_free(pending);
}

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct bus_pending *pending = userdata;
        int authorized = 0, challenge = 0;

        (void) ret_error;
        if (!sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_enter_container(reply, 'r', "bba{ss}") > 0)
                sd_bus_message_read(reply, "bb", &authorized, &challenge);
        if (authorized)
                permit(pending);
        else if (challenge)
                refuse(pending, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "authentication is required");
        else
                refuse(pending, SD_BUS_ERROR_ACCESS_DENIED, "only administrators of the kernel may do that");
        return 1;
}

/* Where there is no polkit the answer is an error, which is a refusal. */
static int ask_polkit(struct bus_pending *pending) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        sd_bus *bus = pending->bus->bus;
        int interactive = sd_bus_message_get_allow_interactive_authorization(pending->message) > 0;
        int r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.PolicyKit1",
                                               "/org/freedesktop/PolicyKit1/Authority",
                                               "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");

        if (r >= 0)
                r = sd_bus_message_append(call, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(pending->message), pending->polkit_action, 0,
                                          interactive ? 1u : 0u, "");
        pending->slot = sd_bus_slot_unref(pending->slot);
        return r < 0 ? r : sd_bus_call_async(bus, &pending->slot, call, on_polkit, pending, POLKIT_TIMEOUT_USEC);
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct bus_pending *pending = userdata;

        (void) ret_error;
        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &pending->uid) <= 0)
                refuse(pending, SD_BUS_ERROR_ACCESS_DENIED, "the bus does not say who asks");
        else if (!pending->polkit_action || pending->uid == 0 || pending->uid == geteuid())
                permit(pending);
        else if (count_of_user(pending->bus, pending->uid) > MAX_OF_USER)
                refuse(pending, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY);
        else if (ask_polkit(pending) < 0)
                refuse(pending, SD_BUS_ERROR_ACCESS_DENIED, "only administrators of the kernel may do that");
        return 1;
}

/* Keeps a call until it is known whose it is. */
static int keep(struct bus *bus, sd_bus_message *message, struct bus_pending what, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(message);
        struct bus_pending *pending;
        int r;

        if (!sender)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "the bus does not say who asks");
        if (bus->n_pending >= MAX_PENDING || count_of_sender(bus, sender) >= MAX_OF_SENDER)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY);
        pending = calloc(1, sizeof(*pending));
        if (!pending)
                return -ENOMEM;
        *pending = what;
        pending->bus = bus;
        pending->message = sd_bus_message_ref(message);
        pending->uid = UID_UNKNOWN;
        DL_APPEND(bus->pending, pending);
        bus->n_pending++;
        r = sd_bus_call_method_async(bus->bus, &pending->slot, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "GetConnectionUnixUser", on_uid, pending, "s", sender);
        if (r < 0) {
                pending_free(pending);
                return r;
        }
        return 1;
}

int authority_require(struct bus *bus, sd_bus_message *message, const char *polkit_action, bus_action perform,
                      sd_bus_error *error) {
        return keep(bus, message, (struct bus_pending){ .polkit_action = polkit_action, .perform = perform }, error);
}

int authority_identify(struct bus *bus, sd_bus_message *message, bus_reading read, sd_bus_error *error) {
        return keep(bus, message, (struct bus_pending){ .read = read }, error);
}
