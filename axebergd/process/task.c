/* SPDX-License-Identifier: MIT */
#include "process/task.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "process/process.h"

int task_new(struct task **ret, struct process *process) {
        struct process_table *table = process->table;
        struct task *task = calloc(1, sizeof(*task));
        int r = task ? user_charge(process->user, &task->charge, USER_TASKS, 1) : -ENOMEM;

        if (r < 0) {
                free(task);
                return r;
        }
        task->process = process;
        task->id = ++table->last_id;
        HASH_ADD(hh, table->tasks, id, sizeof(task->id), task);
        DL_APPEND(process->tasks, task);
        process->n_tasks++;
        *ret = task;
        return 0;
}

void task_free(struct task *task) {
        struct process *process = task->process;

        HASH_DEL(process->table->tasks, task);
        DL_DELETE(process->tasks, task);
        process->n_tasks--;
        wait_queue_wake(&task->waiters);
        user_charge_deinit(&task->charge);
        free(task);
}

struct task *task_from_id(const struct process *process, uint64_t id) {
        struct task *task;

        HASH_FIND(hh, process->table->tasks, &id, sizeof(id), task);
        return task && task->process == process ? task : NULL;
}

void task_wake(struct task *task) {
        struct waiter *first = task->waiters.waiters;

        if (!first) {
                task->permit = true;
                return;
        }
        first->granted = true;
        waiter_wake(first);
}

bool tasks_release(struct process *process, unsigned *budget) {
        for (; process->tasks && *budget > 0; (*budget)--)
                task_free(process->tasks);
        return !process->tasks;
}
