/* SPDX-License-Identifier: MIT */
/*
 * A real axebergd for a test or a benchmark, in a directory of its own.
 *
 * daemon_start() makes a temporary directory with a socket, a store and (if asked for) a mount,
 * starts the daemon there and returns when it has said READY=1; daemon_stop() ends it by SIGTERM
 * and tells how it ended. A daemon dies with the process that started it. Nothing here knows of the
 * test framework.
 *
 * All functions return 0 or a negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { DAEMON_PATH_SIZE = 80 };

struct daemon_options {
        bool durable;                 /* a directory as the store, not an ephemeral one */
        bool mount;                   /* with axfs on daemon.mount */
        size_t small_store;           /* durable, on a tmpfs with so many bytes; needs root */
        unsigned descriptors;         /* its RLIMIT_NOFILE; 0: ours */
        uid_t uid;                    /* run as this user; 0: as the caller */
        bool old_host;                /* as on a host's kernel without SO_PASSRIGHTS; needs root */
        const char *settings;         /* lines for the [axebergd] section of its configuration; may be NULL */
        const char *const *arguments; /* further ones, NULL-terminated; may be NULL */
};

struct daemon {
        pid_t pid;
        int pidfd;
        char directory[DAEMON_PATH_SIZE]; /* everything below is in here */
        char socket[DAEMON_PATH_SIZE + 16];
        char store[DAEMON_PATH_SIZE + 16];
        char mount[DAEMON_PATH_SIZE + 16];
        char log[DAEMON_PATH_SIZE + 16];
        bool mounted;
        struct daemon_options options;
};

/* What a daemon holds at one moment. */
struct daemon_state {
        size_t descriptors, children, mounts;
};

int daemon_start(struct daemon *daemon, const struct daemon_options *options);

/* Start again, after an end, in the same directory with the same options. */
int daemon_restart(struct daemon *daemon);

/*
 * End by SIGTERM; returns the exit status, or -EPROTO if it died by a signal, -ETIMEDOUT if it
 * had to be killed.
 */
int daemon_stop(struct daemon *daemon);

/* End by SIGKILL. */
void daemon_kill(struct daemon *daemon);

/* Unmount what is left and remove the directory. */
void daemon_remove(struct daemon *daemon);

int daemon_observe(const struct daemon *daemon, struct daemon_state *state);

/* Print the daemon's open descriptors to stderr, for people. */
void daemon_print_descriptors(const struct daemon *daemon);

/* Whether a sanitizer has written a report. */
bool daemon_has_sanitizer_report(const struct daemon *daemon);

/* Whether an ended daemon left its socket or a temporary store behind. */
bool daemon_left_files(const struct daemon *daemon);

/* CPU time it has used so far. */
double daemon_cpu_ms(const struct daemon *daemon);

/* Anonymous resident memory of a process, bytes; negative errno on error. */
long daemon_memory(const struct daemon *daemon);

/* What clocks and limits are stretched by under sanitizers. */
int slowness(void);

/* Monotonic clock. */
double now_ms(void);
