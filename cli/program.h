/* SPDX-License-Identifier: MIT */
/*
 * A host program as a process, with signals, terminal and exit status as if a shell had started it:
 * what run and trace run share.
 *
 * The program stays in our process group: what the terminal sends (Ctrl-C, Ctrl-\, Ctrl-Z, a
 * hang-up) reaches it, and all that it starts, from the terminal itself. Signals that others send
 * to us are passed on, as the same signal of the host. If the program stops, we stop in the same
 * way, so the shell that started us gets its terminal back. If somebody continues us, we continue
 * the program.
 *
 * One thread takes the signals and watches the time (program_signals.h), while the caller waits for
 * the process, by ax_wait() with `pid` and `end`.
 */
#pragma once

#include <time.h>

#include "axctl.h"
#include "foreground.h"
#include "signals.h"

enum program_stage { STAGE_RUNNING, STAGE_TERMINATED, STAGE_KILLED };

struct program {
        struct axctl *axctl;
        ax_pid pid;
        struct ax_wait_status end; /* filled by the caller's ax_wait() */
        bool failed;               /* that call */
        pid_t host_pid;            /* 0: unknown */
        int pidfd;                 /* -1: unknown */
        struct foreground foreground;
        struct ax_spawn_options options;
        /* the thread's */
        struct signal_thread thread;
        bool interrupted; /* by the terminal's Ctrl-C */
        double timeout_s, grace_s;
        struct timespec deadline; /* of the present stage, if there is a timeout */
        enum program_stage stage;
};

/* The options of commands that run a program, besides one for its environment. */
#define PROGRAM_OPTIONS                                                                                                \
        { "cwd", OPTION_CWD, "DIR", 0, "Working directory in the namespace", 0 },                                      \
                { "kill-after", 'k', "SECONDS", 0, "With --timeout: from SIGTERM to SIGKILL; 5 by default", 0 },       \
                { "timeout", OPTION_TIMEOUT, "SECONDS", 0, "End it after this time; also 5m, 2h, 1d", 0 }, {           \
                "user", 'u', "USER[:GROUP]", 0, "Run as this user; administrators only", 0                             \
        }

/* Adds NAME=VALUE to the environment of the program that will be started. */
void program_add_variable(const char *text);

/**
 * program_init() - reads the options and variables of the command line
 *
 * The operands are the program and its arguments. Changes axctl's own environment to the program's.
 *
 * Returns STATUS_OK, or an exit status after it has printed what is wrong.
 */
int program_init(struct program *program, struct axctl *axctl);

/**
 * program_start() - starts the program, and passes signals on from here
 *
 * Returns STATUS_OK, or an exit status after it has printed why there is no program.
 */
int program_start(struct program *program);

/**
 * program_finish() - gives signals and terminal back after the program has ended
 * @error: of the caller's wait, which is printed; 0 or positive: none
 */
void program_finish(struct program *program, int error);

/**
 * program_exit_status() - what axctl has to exit with
 *
 * Ends axctl by SIGINT if the terminal's Ctrl-C has ended the program: a shell's loop around us has
 * to end, too. So call this last.
 */
int program_exit_status(const struct program *program);
