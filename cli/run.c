/* SPDX-License-Identifier: MIT */
/*
 * run: a host program as a process.
 */
#include "program.h"

void run_gather(int key, const char *argument) {
        if (key == 'e')
                program_add_variable(argument);
}

int run_run(struct axctl *axctl) {
        struct program program;
        int r = program_init(&program, axctl);

        if (r == STATUS_OK)
                r = program_start(&program);
        if (r != STATUS_OK)
                return r;
        r = ax_wait(axctl->ax, program.pid, &program.end, AX_WAIT_ENDED);
        program_finish(&program, r);
        return program_exit_status(&program);
}
