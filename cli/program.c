/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program_options.h"
#include "program_signals.h"

enum { EXIT_TIMED_OUT = 124, EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

int program_init(struct program *program, struct axctl *axctl) {
        *program = (struct program){ .axctl = axctl, .pidfd = -1 };
        return program_read_options(program);
}

/* ---- starting -------------------------------------------------------------------------------- */

/* The host's kernel takes strings of 32 pages, their ends included (MAX_ARG_STRLEN). */
static int complain_too_long(const struct axctl *axctl, const char *const *command) {
        size_t longest = 32 * (size_t) sysconf(_SC_PAGESIZE), sum = 0, size;
        char text[160];

        for (int i = 0; command[i]; i++, sum += size) {
                size = strlen(command[i]) + 1;
                snprintf(text, sizeof(text), "argument %d has %zu bytes, and the host takes %zu", i, size - 1,
                         longest - 1);
                if (size > longest)
                        return complain_text(axctl, command[0], text);
        }
        for (char **variable = environ; *variable; variable++, sum += size) {
                size = strlen(*variable) + 1;
                snprintf(text, sizeof(text), "the variable %.*s has %zu bytes, and the host takes %zu",
                         (int) strnlen(*variable, strcspn(*variable, "=") < 40 ? strcspn(*variable, "=") : 40),
                         *variable, size - 1, longest - 1);
                if (size > longest)
                        return complain_text(axctl, command[0], text);
        }
        snprintf(text, sizeof(text), "its arguments and environment have %zu bytes together, more than the host takes",
                 sum);
        return complain_text(axctl, command[0], text);
}

static int cannot_start(const struct axctl *axctl, const char *const *command, int error) {
        if (error == -AX_E2BIG)
                complain_too_long(axctl, command);
        else
                complain(axctl, command[0], error);
        return error == -AX_ENOENT || error == -AX_ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}

int program_start(struct program *program) {
        const char *const *command = (const char *const *) program->axctl->operands;
        int r;

        foreground_init(&program->foreground);
        program_signals_prepare(program);
        program->pid = ax_spawn(program->axctl->ax, command, &program->options);
        if (program->pid < 0)
                return cannot_start(program->axctl, command, program->pid);
        r = program_signals_begin(program);
        return r < 0 ? complain(program->axctl, command[0], r) : STATUS_OK;
}

/* ---- ending ---------------------------------------------------------------------------------- */

void program_finish(struct program *program, int error) {
        program->failed = error < 0;
        if (program->failed || program->end.kind == AX_SIGNALED)
                foreground_restore(&program->foreground);
        program_signals_end(program);
        foreground_deinit(&program->foreground);
        if (program->failed)
                complain(program->axctl, program->axctl->operands[0], error);
}

int program_exit_status(const struct program *program) {
        const struct ax_wait_status *end = &program->end;

        if (program->failed)
                return STATUS_FAILED;
        if (end->kind == AX_SIGNALED && end->code == SIGINT && program->interrupted) {
                ax_disconnect(program->axctl->ax);
                fflush(NULL);
                signal_take_effect(SIGINT);
        }
        if (program->stage == STAGE_TERMINATED)
                return EXIT_TIMED_OUT;
        return end->kind == AX_EXITED ? end->code : EXIT_SIGNAL + end->code;
}
