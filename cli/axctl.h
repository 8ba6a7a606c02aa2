/*
 * axctl: one command group a file, and a table of commands in main.c.
 *
 * A command's options are flags, which the common parser collects; what is left are its operands. Commands return an exit status and have said on
 * standard error what failed.
 */
#pragma once

#include <argp.h>
#include <axeberg.h>
#include <stdbool.h>

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Options without a letter of their own. */
enum { FLAG_NO_INPUT = 1, FLAG_FOLLOW, FLAG_ONCE, FLAG_LINES, OPTION_CWD, OPTION_SINCE, OPTION_FORMAT };

struct axctl;

struct command {
        const char *name, *operands, *summary;
        int (*run)(struct axctl *axctl);
        const struct argp_option *options; /* NULL: none */
        int least, most;                   /* operands; most < 0: any number */
        bool in_order;                     /* what comes after the first operand is no option */
        /* Rewrites what argp would not understand; may be NULL. */
        void (*prepare)(int argc, char **argv);
        const struct command
                *commands; /* the first operand is one of these; NULL: it has none. Ends with an empty row */
};

struct axctl {
        ax_client *ax;
        const char *socket_path; /* as given, or NULL */
        bool json;
        const struct command *command;
        bool flags[128];         /* by option key */
        const char *values[128]; /* of options that have one */
        char **operands;
        int n_operands;
};

/* The commands. */
int status_run(struct axctl *axctl);
int ps_run(struct axctl *axctl);
int kill_run(struct axctl *axctl);
void kill_prepare(int argc, char **argv);
int run_run(struct axctl *axctl);
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
int console_run(struct axctl *axctl);
int windows_run(struct axctl *axctl);
int top_run(struct axctl *axctl);
extern const struct command trace_commands[], window_commands[];

/* Says "axctl: COMMAND: what: reason" on standard error. Return: STATUS_FAILED. */
int complain(const struct axctl *axctl, const char *what, int error);
/* The same with a reason in words. */
int complain_text(const struct axctl *axctl, const char *what, const char *reason);
/* The same, for words of the command line that make no sense. Return: STATUS_USAGE. */
int complain_usage(const struct axctl *axctl, const char *what, const char *reason);
/* Why a call failed, in the lower case of a message's end. Return: a string that lives until the thread's next use. */
const char *reason(int error);
