/* SPDX-License-Identifier: MIT */
/*
 * axctl: one file for each group of commands, and a table of commands in main.c.
 *
 * A command's options are flags, which command_line.c collects; the other words are its operands.
 * Commands print errors on standard error and return an exit status.
 */
#pragma once

#include <argp.h>
#include <axeberg.h>
#include <stdbool.h>

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Keys of options that have no letter. */
enum {
        FLAG_NO_INPUT = 1,
        FLAG_FOLLOW,
        FLAG_ONCE,
        FLAG_LINES,
        FLAG_NO_ECHO,
        OPTION_CWD,
        OPTION_TIMEOUT,
        OPTION_SINCE,
        OPTION_FORMAT
};

struct axctl;

struct command {
        const char *name, *operands, *summary; /* no name: a heading in the list of commands */
        const char *help;                      /* printed below the options; may be NULL */
        int (*run)(struct axctl *axctl);
        const struct argp_option *options; /* NULL: none */
        int least, most;                   /* numbers of operands; most < 0: no limit */
        bool in_order;                     /* words after the first operand are no options */
        char alone;                        /* needs no daemon: ALONE, or the letter of an option that makes it so */
        /* Rewrites words that getopt_long() would not understand; may be NULL. */
        void (*prepare)(int argc, char **argv);
        /* Gets the value of each option, for options that may be repeated; may be NULL. */
        void (*gather)(int key, const char *argument);
        const struct command *commands; /* a group's, up to an empty row; NULL: not a group */
};

enum { ALONE = 127 }; /* not the letter of an option */

struct axctl {
        ax_client *ax;
        const char *socket_path; /* as given, or NULL */
        bool json;
        const struct command *command;
        char name[64];           /* "axctl trace on" */
        bool flags[128];         /* by option key */
        const char *values[128]; /* by option key; NULL: none */
        char **operands;
        int n_operands;
};

/* Keys of ps; keys need to be unique within a command only. */
enum { OPTION_PPID = 1, OPTION_STATE, OPTION_SORT };

/* The commands. */
int status_run(struct axctl *axctl);
int ps_run(struct axctl *axctl);
int kill_run(struct axctl *axctl);
void kill_prepare(int argc, char **argv);
int run_run(struct axctl *axctl);
void run_gather(int key, const char *argument);
int mem_run(struct axctl *axctl);
int shm_run(struct axctl *axctl);
int users_run(struct axctl *axctl);
int ls_run(struct axctl *axctl);
int stat_run(struct axctl *axctl);
int cat_run(struct axctl *axctl);
int put_run(struct axctl *axctl);
int get_run(struct axctl *axctl);
int mkdir_run(struct axctl *axctl);
int rm_run(struct axctl *axctl);
int mv_run(struct axctl *axctl);
int cp_run(struct axctl *axctl);
int ln_run(struct axctl *axctl);
int chmod_run(struct axctl *axctl);
void chmod_prepare(int argc, char **argv);
int chown_run(struct axctl *axctl);
int df_run(struct axctl *axctl);
int mounts_run(struct axctl *axctl);
int console_run(struct axctl *axctl);
int windows_run(struct axctl *axctl);
int top_run(struct axctl *axctl);
extern const struct command trace_commands[], window_commands[];

/* Returns the command's name without the program's: "trace on". */
const char *command_title(const struct axctl *axctl);
/* Returns the status, or STATUS_FAILED if standard output could not be written. */
int check_output(int status);
/* Prints "axctl: COMMAND: what: reason" on standard error. Returns STATUS_FAILED. */
int complain(const struct axctl *axctl, const char *what, int error);
/* Like complain(), with a reason in words. */
int complain_text(const struct axctl *axctl, const char *what, const char *reason);
/* Like complain_text(), for a wrong word of the command line. Returns STATUS_USAGE. */
int complain_usage(const struct axctl *axctl, const char *what, const char *reason);
/*
 * Returns why a call failed, to end a message. The string lives until the thread's next call of
 * reason().
 */
const char *reason(int error);
