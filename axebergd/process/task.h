/*
 * Tasks: one permit each, which calls of the owning process wait for.
 *
 * A wake with somebody waiting goes to the one who has waited longest, and to nobody else; one with nobody waiting is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "process/user.h"
#include "process/wait_queue.h"

struct kernel;
struct process;

struct task {
        struct process *process;
        uint64_t id;
        struct user_charge charge;
        bool permit;
        struct wait_queue waiters;
        struct task *prev, *next; /* of the process */
        UT_hash_handle hh;
};

/* Return: 0, -EDQUOT, -ENOMEM. */
int task_new(struct task **ret, struct process *process);
/* Who waits is woken, and finds the task gone. */
void task_free(struct task *task);
/* One of this process; NULL. */
struct task *task_from_id(const struct process *process, uint64_t id);
void task_wake(struct task *task);
/* Ends all of a process's tasks; nobody waits for them any more. */
void tasks_release(struct process *process);
