/* SPDX-License-Identifier: MIT */
/*
 * What several loads are made of, and the loads themselves, for the table in loads.c.
 */
#pragma once

#include "loads.h"

enum { PATH_SIZE = 256 };

/* A flood of the load at @place. */
struct flood flood_for(const struct load_place *place, unsigned n_connections, unsigned in_flight);

/* The load's place, from its flood. */
const struct load_place *place_of(const struct flood *flood);

/* Run a part of a load beside ourselves; it dies with us. */
int beside(int (*run)(const struct load_place *place), const struct load_place *place);

/* Calls that a load prepares itself with. */
int open_file(struct flood_connection *connection, const char *path, unsigned flags);
int call_path(struct flood_connection *connection, const char *method, const char *path);

/* A directory of the load's own; a connection with it as the working directory. */
int make_directory(const struct load_place *place, const char *name, struct flood_connection *ret);

/* Requests, packed into @bytes; their size. */
size_t request_plain(struct flood_connection *connection, uint8_t *bytes, uint32_t method);
size_t request_path(struct flood_connection *connection, uint8_t *bytes, uint32_t method, const char *path);

/* A child process has its parent's descriptors, and a connection of its own. */
int spawn_child(struct flood_connection *parent, struct flood_connection *ret);

/* Run @flood on children of @parent, which have its working directory. */
int run_on_children(struct flood *flood, struct flood_connection *parent);

/* The loads; each returns a negative errno, or runs until its process is ended. */
int run_connections(const struct load_place *place);
int run_syncs(const struct load_place *place);
int run_readers(const struct load_place *place);
int run_windows(const struct load_place *place);
int run_timers(const struct load_place *place);
int run_groups(const struct load_place *place);
int run_lists(const struct load_place *place);
int run_directories(const struct load_place *place);
int run_storm(const struct load_place *place);
int run_parked(const struct load_place *place);
int run_notes(const struct load_place *place);
int run_walks(const struct load_place *place);
int run_cancels(const struct load_place *place);
int run_refused(const struct load_place *place);
