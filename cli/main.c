/* SPDX-License-Identifier: MIT */
/*
 * The table of axctl's commands, and error messages.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axctl.h"
#include "command_line.h"
#include "program.h"
#include "show.h"
#include "streams.h"

static const struct argp_option ls_options[] = {
        { NULL, 'l', NULL, 0, "One line each with mode, links, owner, group, size, time and a link's target", 0 },
        { NULL, 'a', NULL, 0, "Also names that begin with a dot", 0 },
        { NULL, 'd', NULL, 0, "Directories themselves, not their contents", 0 },
        { 0 },
};
static const struct argp_option mkdir_options[] = {
        { "parents", 'p', NULL, 0, "Make missing parents; an existing directory is no error", 0 },
        { 0 },
};
static const struct argp_option rm_options[] = {
        { "recursive", 'r', NULL, 0, "Remove directories with all their contents", 0 },
        { "force", 'f', NULL, 0, "Ignore missing files", 0 },
        { 0 },
};
static const struct argp_option transfer_options[] = {
        { "recursive", 'r', NULL, 0, "A directory with all its contents", 0 },
        { 0 },
};
static const struct argp_option cp_options[] = {
        { "recursive", 'r', NULL, 0, "Directories with all their contents", 0 },
        { "preserve", 'p', NULL, 0, "Keep owner, mode, times, extended attributes and hard links", 0 },
        { "archive", 'a', NULL, 0, "Both", 0 },
        { 0 },
};
static const struct argp_option ln_options[] = {
        { "symbolic", 's', NULL, 0, "Make symlinks", 0 },
        { 0 },
};
static const struct argp_option chmod_options[] = {
        { "recursive", 'R', NULL, 0, "Directories with all their contents", 0 },
        { 0 },
};
static const struct argp_option chown_options[] = {
        { "recursive", 'R', NULL, 0, "Directories with all their contents, and symlinks themselves", 0 },
        { "no-dereference", 'h', NULL, 0, "Symlinks themselves, not their targets", 0 },
        { 0 },
};
static const struct argp_option console_options[] = {
        { "no-input", FLAG_NO_INPUT, NULL, 0, "Follow the output, type nothing", 0 },
        { "follow", FLAG_FOLLOW, NULL, 0, "Continue after standard input has ended", 0 },
        { "lines", FLAG_LINES, NULL, 0, "On a terminal: send whole lines, with the terminal's own editing and echo",
          0 },
        { "no-echo", FLAG_NO_ECHO, NULL, 0, "On a terminal: do not echo keys; for programs that echo themselves", 0 },
        { "once", FLAG_ONCE, NULL, 0, "Print the pending output, and end", 0 },
        { 0 },
};

static const struct argp_option top_options[] = {
        { "batch", 'b', NULL, 0, "Print tables instead of a screen, one after each interval", 0 },
        { "interval", 'd', "SECONDS", 0, "Time between two looks; 1 by default", 0 },
        { "iterations", 'n', "NUMBER", 0, "With --batch: end after so many tables", 0 },
        { 0 },
};
static const struct argp_option ps_options[] = {
        { "tree", 't', NULL, 0, "Children below their parents", 0 },
        { "pid", 'p', "PID[,PID...]", 0, "These processes", 1 },
        { "ppid", OPTION_PPID, "PID[,PID...]", 0, "Children of these processes", 1 },
        { "user", 'u', "USER[,USER...]", 0, "Processes of these users, by name or uid", 1 },
        { "command", 'C', "NAME[,NAME...]", 0, "Processes that run these commands", 1 },
        { "state", OPTION_STATE, "STATE[,STATE...]", 0,
          "Only processes in these states: Running, Sleeping, Stopped, Zombie", 2 },
        { "sort", OPTION_SORT, "[-]KEY", 0,
          "Sort by pid, ppid, group, uid, state, age, fds, memory, calls, hostpid or command; with a minus, the "
          "largest first",
          3 },
        { 0 },
};
static const struct argp_option kill_options[] = {
        { "signal", 's', "SIGNAL", 0, "The signal, by name or number; also as -SIGNAL. SIGTERM by default", 0 },
        { "list", 'l', NULL, 0, "List the signals", 0 },
        { 0 },
};
static const struct argp_option run_options[] = {
        PROGRAM_OPTIONS,
        { "env", 'e', "NAME=VALUE", 0, "Set a variable of its environment; may be repeated", 0 },
        { 0 },
};

static int help_run(struct axctl *axctl);

static const struct command commands[] = {
        { .summary = "Processes and the kernel:" },
        { .name = "status", .operands = "", .summary = "Print figures of the daemon", .run = status_run },
        { .name = "ps",
          .operands = "",
          .summary = "List processes",
          .run = ps_run,
          .options = ps_options,
          .help = "A process is listed if any of -p, --ppid, -u and -C names it. The exit status is 1 if none is." },
        { .name = "run",
          .operands = "[--] COMMAND [ARGUMENT...]",
          .summary = "Run a host program as a process, and end as it does",
          .run = run_run,
          .gather = run_gather,
          .options = run_options,
          .least = 1,
          .most = -1,
          .in_order = true },
        { .name = "kill",
          .operands = "PID...",
          .summary = "Send a signal to processes; after --, -PID is a group",
          .run = kill_run,
          .options = kill_options,
          .least = 1,
          .most = -1,
          .alone = 'l',
          .prepare = kill_prepare },
        { .name = "mem",
          .operands = "[limit PID BYTES]",
          .summary = "Show memory of processes and the system; limit a process's",
          .run = mem_run,
          .most = 3 },
        { .name = "shm", .operands = "", .summary = "List shared segments", .run = shm_run },
        { .name = "users", .operands = "", .summary = "List what each user uses, and the limits", .run = users_run },
        { .name = "top",
          .operands = "",
          .summary = "Show processes and their activity, live",
          .run = top_run,
          .options = top_options },
        { .summary = "Files:" },
        { .name = "ls",
          .operands = "[PATH...]",
          .summary = "List directories and files",
          .run = ls_run,
          .options = ls_options,
          .most = -1 },
        { .name = "stat",
          .operands = "PATH...",
          .summary = "Print everything about files",
          .run = stat_run,
          .least = 1,
          .most = -1 },
        { .name = "cat", .operands = "PATH...", .summary = "Print files", .run = cat_run, .least = 1, .most = -1 },
        { .name = "put",
          .operands = "[LOCAL|-] PATH",
          .summary = "Copy a local file, or standard input, into the namespace",
          .run = put_run,
          .options = transfer_options,
          .least = 1,
          .most = 2 },
        { .name = "get",
          .operands = "PATH [LOCAL|-]",
          .summary = "Copy a file out of the namespace",
          .run = get_run,
          .options = transfer_options,
          .least = 1,
          .most = 2 },
        { .name = "mkdir",
          .operands = "PATH...",
          .summary = "Make directories",
          .run = mkdir_run,
          .options = mkdir_options,
          .least = 1,
          .most = -1 },
        { .name = "rm",
          .operands = "PATH...",
          .summary = "Remove files",
          .run = rm_run,
          .options = rm_options,
          .least = 1,
          .most = -1 },
        { .name = "mv",
          .operands = "FROM... TO",
          .summary = "Rename files, or move them into a directory",
          .run = mv_run,
          .least = 2,
          .most = -1 },
        { .name = "cp",
          .operands = "FROM... TO",
          .summary = "Copy files in the namespace",
          .run = cp_run,
          .options = cp_options,
          .least = 2,
          .most = -1 },
        { .name = "ln",
          .operands = "FROM... TO",
          .summary = "Make links",
          .run = ln_run,
          .options = ln_options,
          .least = 2,
          .most = -1 },
        { .name = "chmod",
          .operands = "MODE PATH...",
          .summary = "Set permissions of files",
          .run = chmod_run,
          .options = chmod_options,
          .least = 2,
          .most = -1,
          .prepare = chmod_prepare },
        { .name = "chown",
          .operands = "[USER][:GROUP] PATH...",
          .summary = "Set owner and group of files",
          .run = chown_run,
          .options = chown_options,
          .least = 2,
          .most = -1 },
        { .name = "df",
          .operands = "[PATH...]",
          .summary = "Show the space on filesystems",
          .run = df_run,
          .most = -1 },
        { .name = "mounts", .operands = "", .summary = "List mounts", .run = mounts_run },
        { .summary = "The trace:" },
        { .name = "trace",
          .operands = "COMMAND",
          .summary = "Record and show events in the kernel",
          .commands = trace_commands },
        { .summary = "Console and windows:" },
        { .name = "windows", .operands = "", .summary = "List windows", .run = windows_run },
        { .name = "window",
          .operands = "COMMAND",
          .summary = "Show a window, type into it",
          .commands = window_commands },
        { .name = "console",
          .operands = "",
          .summary = "Follow the console's output, and type into it; Ctrl-] leaves it",
          .run = console_run,
          .options = console_options },
        { .summary = "Help:" },
        { .name = "help",
          .operands = "[COMMAND...]",
          .summary = "Print the help of axctl, or of a command",
          .run = help_run,
          .most = -1,
          .alone = ALONE },
        { 0 },
};

static const struct command root = {
        .name = "axctl",
        .operands = "",
        .summary = "Look at a running axeberg kernel and work with it",
        .help = "\"axctl help COMMAND\" describes a command.\n\n"
                "Exit status: 0; 1 if a call failed; 2 if the command line is wrong; run and trace run end as their program does.",
        .commands = commands,
};

static int help_run(struct axctl *axctl) {
        command_line_find(axctl, &root, axctl->n_operands, axctl->operands);
        return command_line_help(axctl);
}

const char *reason(int error) {
        static _Thread_local char text[128];

        snprintf(text, sizeof(text), "%s", ax_strerror(error));
        text[0] = (char) tolower((unsigned char) text[0]);
        return text;
}

const char *command_title(const struct axctl *axctl) {
        const char *space = strchr(axctl->name, ' ');

        return space ? space + 1 : "";
}

int complain_text(const struct axctl *axctl, const char *what, const char *why) {
        char buffer[SHOWN_SIZE];

        fprintf(stderr, "axctl: %s: %s: %s\n", command_title(axctl), shown(what, buffer), why);
        return STATUS_FAILED;
}

int complain(const struct axctl *axctl, const char *what, int error) {
        return complain_text(axctl, what, reason(error));
}

int complain_usage(const struct axctl *axctl, const char *what, const char *why) {
        complain_text(axctl, what, why);
        return STATUS_USAGE;
}

static int cannot_connect(const struct axctl *axctl, int error) {
        const char *path = axctl->socket_path;
        char standard[256], buffer[SHOWN_SIZE];

        if (!path)
                path = ax_socket_path(standard, sizeof(standard)) < 0 ? "the daemon" : standard;
        path = shown(path, buffer);
        if (error == -AX_ENOENT)
                fprintf(stderr, "axctl: cannot connect to %s: no such file (is axebergd running?)\n", path);
        else if (error == -AX_ECONNREFUSED)
                fprintf(stderr, "axctl: cannot connect to %s: nothing listens there (is axebergd running?)\n", path);
        else if (error == -AX_EACCES)
                fprintf(stderr, "axctl: cannot connect to %s: %s (does it belong to a different user?)\n", path,
                        reason(error));
        else
                fprintf(stderr, "axctl: cannot connect to %s: %s\n", path, reason(error));
        return STATUS_FAILED;
}

int check_output(int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        perror("axctl: standard output");
        return STATUS_FAILED;
}

static bool needs_daemon(const struct axctl *axctl) {
        char alone = axctl->command->alone;

        return alone != ALONE && !(alone && axctl->flags[(unsigned char) alone]);
}

int main(int argc, char **argv) {
        struct axctl axctl = { 0 };
        int r, status;

        streams_start("axctl");
        show_init();
        command_line_parse(&axctl, &root, argc, argv);
        if (!needs_daemon(&axctl))
                return check_output(axctl.command->run(&axctl));
        r = ax_connect(&axctl.ax, axctl.socket_path);
        if (r < 0)
                return cannot_connect(&axctl, r);
        status = check_output(axctl.command->run(&axctl));
        ax_disconnect(axctl.ax);
        return status;
}
