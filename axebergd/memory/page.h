/*
 * Published pages, the daemon's side: pages.h tells what is in them.
 */
#pragma once

struct ax_process_page;
struct ax_system_page;
struct kernel;
struct process;

/* Makes the system's page. Return: 0, negative error. */
int system_page_init(struct kernel *kernel);
void system_page_deinit(struct kernel *kernel);
void system_page_publish(struct kernel *kernel);

/* Makes a process's page; `*ret_fd` is the caller's, to pass on. Return: 0, negative error. */
int process_page_new(struct process *process, int *ret_fd);
void process_page_free(struct process *process);
/* Tells what has changed; nothing where the process has no page. */
void process_page_publish(struct process *process);
