/*
 * The system calls, one file a family. Each family puts its handlers into the service; a method without a handler is found at start-up.
 */
#pragma once

#include "axeberg.pb-c.h"

struct call;

void syscalls_add_process(Axeberg__Kernel_Service *service);
void syscalls_add_files(Axeberg__Kernel_Service *service);
void syscalls_add_names(Axeberg__Kernel_Service *service);
void syscalls_add_console(Axeberg__Kernel_Service *service);
void syscalls_add_inspect(Axeberg__Kernel_Service *service);

/* Fills a reply's message from what statx(2) gives. */
struct statx;
void stat_reply_fill(Axeberg__StatReply *reply, const struct statx *status);
