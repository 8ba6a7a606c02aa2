/* SPDX-License-Identifier: MIT */
/*
 * The system calls, one file for each family. SYSCALL (call.h) defines a handler; a method without
 * one does not link. Here is what the families share.
 */
#pragma once

#include "axeberg.pb-c.h"

struct call;
struct vfs_request;

/* Joins arguments as /proc/<pid>/cmdline shows them, cut off where they are long. Return: bytes. */
enum { COMMAND_LINE_MAX = 2048 };
size_t join_arguments(char *const *arguments, size_t count, char *buffer, size_t size);

/* Answers an open that led to a FIFO: once it has a reader and a writer. */
void fifo_open(struct call *call, struct vfs_request *request);

/* Fills a reply's message from what statx(2) gives. */
struct statx;
void stat_reply_fill(Axeberg__StatReply *reply, const struct statx *status);
