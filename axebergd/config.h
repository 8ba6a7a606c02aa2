/*
 * Every setting, its default, and where it came from. Later sources win: built-in default, configuration file, command line.
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

        unsigned connections_per_uid;
        unsigned processes_per_uid;
        unsigned fds_per_uid;
        unsigned fds_per_process;
        unsigned pipes_per_uid, tasks_per_uid, timers_per_uid, regions_per_uid, windows_per_uid;
        uint64_t memory_per_process, memory_per_uid, system_memory; /* bytes; 0: unlimited */
        unsigned parked_per_connection;
        unsigned output_per_connection;         /* bytes of replies that a client has not read */
        unsigned console_input, console_output; /* bytes */
        unsigned trace_events, workers;
};

/* Fills in the defaults, for root or for an ordinary user. Return: 0, -ENOMEM. */
int config_init(struct config *config);
void config_deinit(struct config *config);

/* Reads a configuration file. Problems are logged with file and line. Return: 0, -EINVAL, negative errno. */
int config_load(struct config *config, const char *path);

/* Takes over what differs and can be changed in a running daemon; says what cannot. */
void config_apply(struct config *config, struct config *fresh);

/* Each setting that is a number, with its value; until `visit` returns a negative number. Return: that, or 0. */
int config_each_number(const struct config *config, int (*visit)(const char *name, uint64_t value, void *userdata),
                       void *userdata);

/* Sets one setting from text; used by the file and the command line alike. Return: 0, -ENOENT (no such setting), -EINVAL (bad value), -ENOMEM. */
int config_set(struct config *config, const char *name, const char *value);
