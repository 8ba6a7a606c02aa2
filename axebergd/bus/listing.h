/* SPDX-License-Identifier: MIT */
/*
 * ListProcesses: a long answer that is made in steps, some processes each turn of the loop, so that
 * nobody else waits for it.
 *
 * A process that ends meanwhile may be missing; none comes twice, because the list goes by pid. One
 * list is made at a time, in the order in which they were asked for, but no user has two in a row
 * while another waits. So many lists cost a turn no more than one does, and no user waits for all
 * the lists of another. How many of one user wait is limited, and all are dropped with the bus.
 */
#pragma once

#include "bus/objects.h"

#define LISTING_ROW "(iiuussttto)"

/* Answers the call, before long. For a method's handler to return. */
int listing_begin(struct bus *bus, sd_bus_message *call, sd_bus_error *error);
void listing_drop_all(struct bus *bus);
/* Goes on after a pause. */
void listing_resume(struct bus *bus);
