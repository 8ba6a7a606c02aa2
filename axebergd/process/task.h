/* SPDX-License-Identifier: MIT */
/*
 * Tasks: one permit each, which calls of the owning process wait for.
 *
 * A wake goes to the call that has waited longest, and to no other; if none waits it is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "account/user.h"
#include "util/wait_queue.h"

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

/* Returns 0, -EDQUOT or -ENOMEM. */
int task_new(struct task **ret, struct process *process);
/* Wakes the calls that wait; they find the task gone. */
void task_free(struct task *task);
/* A task of this process; NULL if there is none. */
struct task *task_from_id(const struct process *process, uint64_t id);
void task_wake(struct task *task);
/*
 * Frees as many tasks as the budget allows, and takes them off it. No call may wait for one.
 * Returns true if none is left.
 */
bool tasks_release(struct process *process, unsigned *budget);
