/* SPDX-License-Identifier: MIT */
/*
 * Where a fuzz target runs: in a user namespace of its own, so that no file of the host is within
 * its rights.
 *
 * Inside it is root over the uids of the namespace, has file-system uids, groups and mounts as the
 * daemon has them, and outside it is nobody. Signals to host processes are answered and not sent,
 * because a client could have the daemon send them to this process.
 */
#pragma once

#include <stdbool.h>

/*
 * Enters the sandbox; call it before any thread exists. Ends the process if root cannot give up
 * its rights.
 */
void sandbox_enter(void);

/*
 * libFuzzer's alarm does not end a system call that blocks, so that it is found. Call it with the
 * first input.
 */
void sandbox_keep_hanging(void);

/*
 * Returns true if there is a namespace in which this process is root; else it is an ordinary user.
 */
bool sandbox_is_root(void);

/*
 * The sandbox's directory, on a file system of its own if there is a namespace. It goes with the
 * process.
 */
const char *sandbox_directory(void);

/* How many descriptors are open; the one that counts them is among them. */
unsigned sandbox_count_files(void);

/* Ends the program: the harness itself is wrong, or this machine cannot run it. */
#define must(condition)                                                                                                \
        do {                                                                                                           \
                if (!(condition))                                                                                      \
                        sandbox_fail(__FILE__, __LINE__, #condition);                                                  \
        } while (0)
void sandbox_fail(const char *file, int line, const char *what) __attribute__((noreturn));

/* What must never be has happened. */
#define finding(...) sandbox_finding(__VA_ARGS__)
void sandbox_finding(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
