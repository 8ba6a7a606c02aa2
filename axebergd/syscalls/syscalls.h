/*
 * The system calls, one file a family. Each family puts its handlers into the service; a method without a handler is found at start-up.
 */
#pragma once

#include "axeberg.pb-c.h"

struct call;
struct vfs_request;

void syscalls_add_process(Axeberg__Kernel_Service *service);
void syscalls_add_files(Axeberg__Kernel_Service *service);
void syscalls_add_names(Axeberg__Kernel_Service *service);
void syscalls_add_console(Axeberg__Kernel_Service *service);
void syscalls_add_inspect(Axeberg__Kernel_Service *service);
void syscalls_add_spawn(Axeberg__Kernel_Service *service);
void syscalls_add_signals(Axeberg__Kernel_Service *service);
void syscalls_add_tasks(Axeberg__Kernel_Service *service);
void syscalls_add_memory(Axeberg__Kernel_Service *service);
void syscalls_add_trace(Axeberg__Kernel_Service *service);
void syscalls_add_windows(Axeberg__Kernel_Service *service);
void syscalls_add_pipes(Axeberg__Kernel_Service *service);

/* Joins arguments as /proc/<pid>/cmdline shows them, cut off where they are long. Return: bytes. */
enum { COMMAND_LINE_MAX = 2048 };
size_t join_arguments(char *const *arguments, size_t count, char *buffer, size_t size);

/* Answers an open that led to a FIFO: once it has a reader and a writer. */
void fifo_open(struct call *call, struct vfs_request *request);

/* Fills a reply's message from what statx(2) gives. */
struct statx;
void stat_reply_fill(Axeberg__StatReply *reply, const struct statx *status);
