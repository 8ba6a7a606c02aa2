/*
 * axctl's options, the table of its commands, and what all of them share.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axctl.h"

const char *argp_program_version = "axctl " AXEBERG_VERSION;

static const struct argp_option ls_options[] = {
        { NULL, 'l', NULL, 0, "One line each with mode, links, owner, group, size, time and a link's target", 0 },
        { NULL, 'a', NULL, 0, "Names that begin with a dot, too", 0 },
        { NULL, 'd', NULL, 0, "Directories themselves, not what is in them", 0 },
        { 0 },
};
static const struct argp_option mkdir_options[] = {
        { "parents", 'p', NULL, 0, "Make missing parents; an existing directory is no error", 0 },
        { 0 },
};
static const struct argp_option rm_options[] = {
        { "recursive", 'r', NULL, 0, "Remove directories with all that is in them", 0 },
        { "force", 'f', NULL, 0, "What does not exist is no error", 0 },
        { 0 },
};
static const struct argp_option console_options[] = {
        { "no-input", FLAG_NO_INPUT, NULL, 0, "Follow the output, type nothing", 0 },
        { "follow", FLAG_FOLLOW, NULL, 0, "Go on following when standard input has ended", 0 },
        { "lines", FLAG_LINES, NULL, 0, "On a terminal: type whole lines, with the terminal's own editing and echo",
          0 },
        { "once", FLAG_ONCE, NULL, 0, "Print the output that is there, and end", 0 },
        { 0 },
};

static const struct argp_option top_options[] = {
        { "interval", 'd', "SECONDS", 0, "Between two looks; 1 by default", 0 },
        { 0 },
};
static const struct argp_option ps_options[] = {
        { "tree", 't', NULL, 0, "Children below their parents", 0 },
        { 0 },
};
static const struct argp_option kill_options[] = {
        { "signal", 's', "SIGNAL", 0, "The signal, by name or number; also as -SIGNAL. SIGTERM by default", 0 },
        { "list", 'l', NULL, 0, "List the signals", 0 },
        { 0 },
};
static const struct argp_option run_options[] = {
        { "cwd", OPTION_CWD, "DIR", 0, "Working directory in the namespace", 0 },
        { "user", 'u', "UID[:GID]", 0, "Run as this user; administrators only", 0 },
        { 0 },
};

static const struct command commands[] = {
        { .name = "status", .operands = "", .summary = "Figures of the daemon", .run = status_run },
        { .name = "ps", .operands = "", .summary = "Processes", .run = ps_run, .options = ps_options },
        { .name = "run",
          .operands = "[--] COMMAND [ARGUMENT...]",
          .summary = "Run a host program as a process, and end as it does",
          .run = run_run,
          .options = run_options,
          .least = 1,
          .most = -1,
          .in_order = true },
        { .name = "kill",
          .operands = "PID...",
          .summary = "Send a signal to processes; -PID: to groups, after --",
          .run = kill_run,
          .options = kill_options,
          .least = 0,
          .most = -1,
          .prepare = kill_prepare },
        { .name = "mem",
          .operands = "[limit PID BYTES]",
          .summary = "Memory of processes and the system; limit a process's",
          .run = mem_run,
          .most = 3 },
        { .name = "shm", .operands = "", .summary = "Shared segments", .run = shm_run },
        { .name = "users", .operands = "", .summary = "What each user has taken, and may take", .run = users_run },
        { .name = "ls",
          .operands = "[PATH...]",
          .summary = "List directories and files",
          .run = ls_run,
          .options = ls_options,
          .most = -1 },
        { .name = "stat",
          .operands = "PATH...",
          .summary = "Everything about files",
          .run = stat_run,
          .least = 1,
          .most = -1 },
        { .name = "cat", .operands = "PATH...", .summary = "Print files", .run = cat_run, .least = 1, .most = -1 },
        { .name = "put",
          .operands = "[LOCAL|-] PATH",
          .summary = "Copy a local file, or standard input, into the namespace",
          .run = put_run,
          .least = 1,
          .most = 2 },
        { .name = "get",
          .operands = "PATH [LOCAL|-]",
          .summary = "Copy a file out of the namespace",
          .run = get_run,
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
        { .name = "trace", .operands = "COMMAND", .summary = "What happens in the kernel", .commands = trace_commands },
        { .name = "top",
          .operands = "",
          .summary = "Processes and what they do, live",
          .run = top_run,
          .options = top_options },
        { .name = "windows", .operands = "", .summary = "Windows", .run = windows_run },
        { .name = "window",
          .operands = "COMMAND",
          .summary = "Show a window, type into it",
          .commands = window_commands },
        { .name = "console",
          .operands = "",
          .summary = "Follow the console's output, and type on it; Ctrl-] leaves it",
          .run = console_run,
          .options = console_options },
};
static const size_t n_commands = sizeof(commands) / sizeof(commands[0]);

const char *reason(int error) {
        static _Thread_local char text[128];

        snprintf(text, sizeof(text), "%s", ax_strerror(error));
        text[0] = (char) tolower((unsigned char) text[0]);
        return text;
}

int complain_text(const struct axctl *axctl, const char *what, const char *why) {
        fprintf(stderr, "axctl: %s: %s: %s\n", axctl->command->name, what, why);
        return STATUS_FAILED;
}

int complain(const struct axctl *axctl, const char *what, int error) {
        return complain_text(axctl, what, reason(error));
}

int complain_usage(const struct axctl *axctl, const char *what, const char *why) {
        complain_text(axctl, what, why);
        return STATUS_USAGE;
}

/* The commands' own command lines: flags and operands. */
static error_t parse_command_option(int key, char *argument, struct argp_state *state) {
        struct axctl *axctl = state->input;

        if (key == ARGP_KEY_ARGS) {
                axctl->operands = state->argv + state->next;
                axctl->n_operands = state->argc - state->next;
                return 0;
        }
        if (key <= 0 || key >= (int) sizeof(axctl->flags))
                return ARGP_ERR_UNKNOWN;
        axctl->flags[key] = true;
        axctl->values[key] = argument;
        return 0;
}

/* One of a group of commands, named by the next word. */
static const struct command *choose(const struct command *group, int argc, char **argv) {
        bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
        FILE *out = help ? stdout : stderr;

        for (const struct command *command = group->commands; argc > 1 && command->name; command++)
                if (strcmp(command->name, argv[1]) == 0)
                        return command;
        if (argc > 1 && !help)
                fprintf(out, "axctl: %s: there is no command \"%s\"\n", group->name, argv[1]);
        fprintf(out, "Usage: axctl %s COMMAND [ARGUMENT...]\n\n", group->name);
        for (const struct command *command = group->commands; command->name; command++)
                fprintf(out, "  %-8s %-28s %s\n", command->name, command->operands, command->summary);
        exit(help ? STATUS_OK : STATUS_USAGE);
}

static void parse_command(struct axctl *axctl, int argc, char **argv) {
        const struct command *group = axctl->command->commands ? axctl->command : NULL;
        const struct command *command = group ? choose(group, argc, argv) : axctl->command;
        const struct argp argp = {
                .options = command->options,
                .parser = parse_command_option,
                .args_doc = command->operands,
                .doc = command->summary,
        };
        char name[64];

        if (group) {
                argc--;
                argv++;
                axctl->command = command;
        }
        snprintf(name, sizeof(name), "axctl %s%s%s", group ? group->name : "", group ? " " : "", command->name);
        argv[0] = name;
        axctl->n_operands = 0;
        if (command->prepare)
                command->prepare(argc, argv);
        argp_parse(&argp, argc, argv, command->in_order ? ARGP_IN_ORDER : 0, NULL, axctl);
        if (axctl->n_operands >= command->least && (command->most < 0 || axctl->n_operands <= command->most))
                return;
        fprintf(stderr, "axctl: %s: %s operands\nUsage: %s %s\n", command->name,
                axctl->n_operands < command->least ? "missing" : "too many", name, command->operands);
        exit(STATUS_USAGE);
}

static const struct command *command_from_name(const char *name) {
        for (size_t i = 0; i < n_commands; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return &commands[i];
        return NULL;
}

enum { OPTION_JSON = 'j', OPTION_SOCKET = 's' };

static const struct argp_option options[] = {
        { "socket", OPTION_SOCKET, "PATH", 0, "The daemon's socket; else $AXEBERG_SOCKET, else the default", 0 },
        { "json", OPTION_JSON, NULL, 0, "Lists as JSON", 0 },
        { 0 },
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
        struct axctl *axctl = state->input;

        switch (key) {
        case OPTION_SOCKET:
                if (!*argument)
                        argp_error(state, "the socket's path is empty");
                axctl->socket_path = argument;
                return 0;
        case OPTION_JSON:
                axctl->json = true;
                return 0;
        case ARGP_KEY_ARG:
                axctl->command = command_from_name(argument);
                if (!axctl->command)
                        argp_error(state, "there is no command \"%s\"", argument);
                axctl->operands = state->argv + state->next - 1;
                axctl->n_operands = state->argc - state->next + 1;
                state->next = state->argc;
                return 0;
        case ARGP_KEY_NO_ARGS:
                argp_error(state, "missing command");
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static char *help_text(int key, const char *text, void *input) {
        size_t size = 0;
        char *help = NULL;
        FILE *out;

        (void) input;
        if (key != ARGP_KEY_HELP_POST_DOC || !(out = open_memstream(&help, &size)))
                return (char *) text;
        fprintf(out, "Commands (each has --help of its own):\n");
        for (size_t i = 0; i < n_commands; i++)
                fprintf(out, "  %-8s %-16s %s\n", commands[i].name, commands[i].operands, commands[i].summary);
        fprintf(out, "\nExit status: 0, 1 where a call failed, 2 for wrong usage.");
        fclose(out);
        return help;
}

static const struct argp argp = {
        .options = options,
        .parser = parse_option,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "axctl looks at a running axeberg kernel and works with it.\v ",
        .help_filter = help_text,
};

static int cannot_connect(const struct axctl *axctl, int error) {
        char path[256];

        if (axctl->socket_path)
                snprintf(path, sizeof(path), "%s", axctl->socket_path);
        else if (ax_socket_path(path, sizeof(path)) < 0)
                snprintf(path, sizeof(path), "the daemon");
        if (error == -AX_ENOENT)
                fprintf(stderr, "axctl: cannot connect to %s: no such file (is axebergd running?)\n", path);
        else if (error == -AX_ECONNREFUSED)
                fprintf(stderr, "axctl: cannot connect to %s: nobody answers there (is axebergd running?)\n", path);
        else
                fprintf(stderr, "axctl: cannot connect to %s: %s\n", path, reason(error));
        return STATUS_FAILED;
}

/* Output that did not arrive is a failure, too. */
static int check_output(int status) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        perror("axctl: standard output");
        return STATUS_FAILED;
}

int main(int argc, char **argv) {
        struct axctl axctl = { 0 };
        int r, status;

        argp_err_exit_status = STATUS_USAGE;
        argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &axctl);
        parse_command(&axctl, axctl.n_operands, axctl.operands);
        r = ax_connect(&axctl.ax, axctl.socket_path);
        if (r < 0)
                return cannot_connect(&axctl, r);
        status = check_output(axctl.command->run(&axctl));
        ax_disconnect(axctl.ax);
        return status;
}
