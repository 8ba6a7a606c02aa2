/*
 * Threads for what can block on a disk.
 *
 * A job runs in some worker thread and then comes back: its `done` is called in the event loop's thread. Workers start with the first
 * job and touch nothing but the job's own data. Jobs cannot be withdrawn; whoever no longer wants a result ignores it in `done`.
 */
#pragma once

#include <systemd/sd-event.h>

struct job {
        void (*run)(struct job *job);  /* in a worker */
        void (*done)(struct job *job); /* in the loop; may free the job */
        struct job *next;
};

struct workers;

int workers_new(struct workers **ret, sd_event *event, unsigned n_threads);
/* Waits for the running jobs, then calls `done` of every job left. */
struct workers *workers_free(struct workers *workers);

/* Return: 0, or a negative errno where no thread can be had; the job is untouched then. */
int workers_submit(struct workers *workers, struct job *job);
