/* SPDX-License-Identifier: MIT */
/*
 * Who may change something over D-Bus: root, the user that the daemon runs as, and users that
 * polkit authorises.
 *
 * The sender's uid is the bus' word, never the message's. Both the bus and polkit are asked without
 * waiting: the call is kept meanwhile, and acted on when the answer has come. How many calls of one
 * sender and of one user are kept is limited, so that a user whose calls nobody decides on does not
 * get in the way of others; all of them are dropped with the bus.
 */
#pragma once

#include "bus/objects.h"

#define AUTHORITY_PROCESSES "org.axeberg.kernel1.manage-processes"
#define AUTHORITY_TRACE "org.axeberg.kernel1.manage-trace"

/*
 * Acts on a call: reads its arguments, acts, and answers. Returns a positive number, or a negative
 * errno with `error` set.
 */
typedef int (*bus_action)(struct bus *bus, sd_bus_message *message, sd_bus_error *error);

/* Likewise for what anyone may do, but is limited for each user. */
typedef int (*bus_reading)(struct bus *bus, sd_bus_message *message, uint32_t uid, sd_bus_error *error);

/* Runs `perform` once the sender is known to be allowed to. For a method's handler to return. */
int authority_require(struct bus *bus, sd_bus_message *message, const char *polkit_action, bus_action perform,
                      sd_bus_error *error);
/* Runs `read` once the sender is known. */
int authority_identify(struct bus *bus, sd_bus_message *message, bus_reading read, sd_bus_error *error);
/* Drops the calls that are kept. */
void authority_drop_all(struct bus *bus);
