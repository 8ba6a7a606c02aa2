/*
 * ListProcesses: a long answer that is made in steps, some processes a turn of the loop, so that nobody else waits for it.
 *
 * What ends meanwhile may be missing or there; nothing comes twice, because the list goes by pid. One list is made at a time, in the order in which they were asked
 * for, so many cost a turn no more than one. How many of one sender wait is limited, and all of them are dropped with the bus.
 */
#pragma once

#include "bus/bus.h"

#define LISTING_ROW "(iiuussttto)"

/* Answers the call, before long. For a method's handler to return. */
int listing_begin(struct bus *bus, sd_bus_message *call, sd_bus_error *error);
void listing_drop_all(struct bus *bus);
