/* SPDX-License-Identifier: MIT */
#include "process/stop.h"

#include "process/process.h"
#include "util/wait_queue.h"

bool process_is_stopped(const struct process *process) {
        return process->state == PROCESS_STOPPED;
}

void process_hold(struct process *process, struct waiter *waiter) {
        wait_queue_add(&process->held, waiter);
}

void process_release_held(struct process *process) {
        wait_queue_wake(&process->held);
}
