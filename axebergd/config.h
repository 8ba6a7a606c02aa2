/* SPDX-License-Identifier: MIT */
/*
 * Every setting, its default, and where it came from. Later sources win: built-in default,
 * configuration file, command line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config {
        char *socket_path;
        char *store_path;
        char *mount_path; /* NULL: none */
        char *axfs_path;  /* NULL: looked for beside the daemon, then in /usr/sbin */
        bool ephemeral;
        bool bus;
        bool debug;
        bool direct; /* programs may read and write store files and pipes themselves */
        bool exec;   /* programs in a store may be executed */

        unsigned connections_per_uid;
        unsigned processes_per_uid;
        unsigned fds_per_uid;
        unsigned fds_per_process;
        unsigned pipes_per_uid, tasks_per_uid, timers_per_uid, regions_per_uid, windows_per_uid;
        unsigned segments_per_uid, host_fds_per_uid, mappings_per_uid;
        uint64_t memory_per_process, memory_per_uid, system_memory; /* bytes; 0: unlimited */
        uint64_t ephemeral_size, tmp_size;                          /* bytes; 0: unlimited */
        uint64_t ephemeral_size_per_uid, tmp_size_per_uid;          /* bytes; 0: half of the size */
        uint64_t buffers_per_uid;
        unsigned parked_per_connection;
        unsigned output_per_connection;         /* bytes of replies that a client has not read */
        unsigned console_input, console_output; /* bytes */
        unsigned trace_events, workers;
};

/* Fills in the defaults, for root or for an ordinary user. Returns 0 or -ENOMEM. */
int config_init(struct config *config);
void config_deinit(struct config *config);

/*
 * Makes the user's own directory, if the socket or the store is in there, and refuses one that is
 * not the user's alone. Returns 0 or a negative errno; what is wrong, and what to do, has been
 * logged.
 */
int config_make_directory(const struct config *config);

/*
 * Reads a configuration file, see config_file.h. Paths in it must be absolute. A setting that
 * stands there twice is what it says last, with a warning. Returns 0 or a negative errno; problems
 * have been logged, with file and line.
 */
int config_load(struct config *config, const char *path);

/* Takes over what differs and can be changed in a running daemon; says what cannot. */
void config_apply(struct config *config, struct config *fresh);

/*
 * Visits each setting that is a number, with its value, until `visit` returns a negative number.
 * Returns that, or 0.
 */
int config_each_number(const struct config *config, int (*visit)(const char *name, uint64_t value, void *userdata),
                       void *userdata);

/*
 * Sets one setting from text; used by the file and the command line alike. Returns 0, -ENOENT (no
 * such setting), -EINVAL (bad value) or -ENOMEM.
 */
int config_set(struct config *config, const char *name, const char *value);
