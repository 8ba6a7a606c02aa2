/* SPDX-License-Identifier: MIT */
/*
 * Published pages, the daemon's side: pages.h tells what is in them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct process;
struct system_page;

/* Makes the system's page. Returns 0 or a negative errno. */
int system_page_init(struct system_page *page, uint64_t started_usec);
void system_page_deinit(struct system_page *page);
/* Publishes whether anything is traced. */
void system_page_set_traced(struct system_page *page, bool traced);

/*
 * Makes a process's page. `*ret_fd` is the caller's, to pass on. Returns 0, -EDQUOT or another
 * negative errno.
 */
int process_page_new(struct process *process, int *ret_fd);
void process_page_free(struct process *process);
/* Publishes what has changed; does nothing if the process has no page. */
void process_page_publish(struct process *process);
