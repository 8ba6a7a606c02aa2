/* SPDX-License-Identifier: MIT */
/* options.h - what the command line and mount(8)'s options ask for */
#pragma once

#include <stdbool.h>

enum {
        EXIT_USAGE = 2,  /* a command line that makes no sense */
        EXIT_MOUNT = 32, /* mount(8)'s code for a mount that failed */
};

struct options {
        bool foreground;
        bool fake; /* mount -f: do everything but mount */
        bool verbose;
        bool sloppy; /* mount -s: take unknown options silently */
        bool passthrough;
        unsigned files_per_user; /* 0: the default */
        bool as_mount;           /* called as mount.axeberg */
        char *socket_path;       /* absolute; NULL: the library's default */
        char *directory;         /* absolute */
        char *mount_options;     /* for libfuse */
};

/**
 * options_parse() - read the command line
 *
 * Ends the program with EXIT_USAGE, or 0 for --help and --version. Returns 0 or a negative errno.
 */
int options_parse(struct options *options, int argc, char **argv);
void options_deinit(struct options *options);

/** options_say() - print a line on standard error if the command line asks for such */
void options_say(const struct options *options, const char *format, ...) __attribute__((format(printf, 2, 3)));
