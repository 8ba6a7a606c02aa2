/*
 * Filling a struct ax_stat from a reply.
 */
#pragma once

#include "axeberg.pb-c.h"

/* The closure of calls that give a StatReply; the rpc's context is the struct ax_stat. */
void stat_on_reply(const Axeberg__StatReply *reply, void *data);
