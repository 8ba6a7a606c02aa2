/* SPDX-License-Identifier: MIT */
/*
 * What administrators do, through the manager and through a process alike.
 *
 * The sender is known to be one. The functions answer the message and return a positive number, or
 * return a negative errno with `error` set.
 */
#pragma once

#include "bus/objects.h"

int bus_kill(struct bus *bus, sd_bus_message *message, int32_t pid, int32_t signal, sd_bus_error *error);
int bus_set_memory_limit(struct bus *bus, sd_bus_message *message, int32_t pid, uint64_t bytes, sd_bus_error *error);
