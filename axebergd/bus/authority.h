/*
 * Who may change something over D-Bus: root, the user that the daemon runs as, and whom polkit lets.
 *
 * The sender's uid is the bus's word, never the message's. Both the bus and polkit are asked without waiting: the call is kept meanwhile, and what it
 * wants is done when the answer has come. How many calls of one sender and of one user are
 * kept is limited, so that a user whose calls nobody decides on is in nobody else's way; all of them are dropped with the bus.
 */
#pragma once

#include "bus/bus.h"

#define AUTHORITY_PROCESSES "org.axeberg.kernel1.manage-processes"
#define AUTHORITY_TRACE "org.axeberg.kernel1.manage-trace"

/* What a call wants: reads its arguments, acts, and answers. Return: positive it has answered, or a negative errno with `error` set. */
typedef int (*bus_action)(struct bus *bus, sd_bus_message *message, sd_bus_error *error);

/* Lets `perform` run once it is known that the sender may. For a method's handler to return. */
int authority_require(struct bus *bus, sd_bus_message *message, const char *polkit_action, bus_action perform,
                      sd_bus_error *error);
/* Drops what is kept. */
void authority_drop_all(struct bus *bus);
