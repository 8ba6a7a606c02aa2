/* SPDX-License-Identifier: MIT */
/*
 * An observer of what happens to processes, and of what is shown with them. Callbacks must not
 * modify the kernel.
 */
#pragma once

struct observer;
struct process;

struct observer_ops {
        void (*process_started)(struct observer *observer, const struct process *process);
        void (*process_ended)(struct observer *observer, const struct process *process); /* its status is set */
        void (*counts_changed)(struct observer *observer); /* of processes, or of connections */
        void (*limits_changed)(struct observer *observer);
        void (*trace_changed)(struct observer *observer); /* whether it is on, or what it records */
};

struct observer {
        const struct observer_ops *ops;
};

/* Calls the observer, if there is one. */
#define observer_notify(observer, event, ...)                                                                          \
        ((observer) ? (observer)->ops->event((observer), ##__VA_ARGS__) : (void) 0)
