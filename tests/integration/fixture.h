/* SPDX-License-Identifier: MIT */
/*
 * The test fixture: every case runs in its own process against its own daemon.
 *
 * A suite's main() is fixture_main(suite). Each case is added with fixture_add(), which names the
 * kind of daemon it gets; the teardown compares the daemon's descriptors, children and mounts with
 * what they were when it became ready, ends it by SIGTERM, and wants exit status 0 and no sanitizer
 * report.
 */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "axeberg.h"
#include "daemon.h"
#include "wire.h"

/* The daemon of the running case. */
extern struct daemon the_daemon;

enum {
        FIXTURE_DURABLE = 1,   /* else ephemeral */
        FIXTURE_MOUNT = 2,     /* with axfs; left out if /dev/fuse is missing */
        FIXTURE_USER = 4,      /* the daemon runs as FIXTURE_UID; needs root */
        FIXTURE_ROOT = 8,      /* left out unless the tests run as root */
        FIXTURE_NO_DAEMON = 16 /* the case starts what it needs */
};

enum { FIXTURE_UID = 1000, FIXTURE_OTHER_UID = 1001, FIXTURE_GROUP = 4242 };

/* Add one case; @flags: FIXTURE_… */
void fixture_add(Suite *suite, const TTest *test, unsigned flags);

/* The same case @count times, with _i from 0. */
void fixture_add_loop(Suite *suite, const TTest *test, unsigned flags, int count);

/* Start the case's daemon by hand, if it was added with FIXTURE_NO_DAEMON. */
void fixture_start(const struct daemon_options *options);

/* Run a suite; the program's exit status. */
int fixture_main(Suite *suite);

/* A connection to the case's daemon; a case ends it with ax_disconnect(). */
ax_client *fixture_connect(void);

/* A raw connection that has said Hello. */
int fixture_wire(void);

/* Wait until @condition returns true; fails the case after a limit. */
void fixture_wait(bool (*condition)(void *userdata), void *userdata, const char *what);

/* Wait until the daemon serves exactly @sessions connections, asked through @ax. */
void fixture_wait_sessions(ax_client *ax, uint32_t sessions);

/*
 * Run @body as another user, connected, in a process of its own; the case fails if it fails.
 * Needs root.
 */
struct fixture_user {
        uid_t uid;
        gid_t gid;
        size_t n_groups;
        gid_t groups[4];
};
void fixture_as(const struct fixture_user *user, void (*body)(ax_client *ax, void *userdata), void *userdata);
void fixture_as_uid(uid_t uid, void (*body)(ax_client *ax, void *userdata), void *userdata);

/*
 * Run @body in a process of its own, which dies with the case; its pid. End it with fixture_reap()
 * or fixture_kill().
 */
pid_t fixture_fork(void (*body)(void *userdata), void *userdata);

/* Wait for a process of fixture_fork(); the case fails if it failed. */
void fixture_reap(pid_t pid);
void fixture_kill(pid_t pid);

/* Whole files through the library. */
void put_file(ax_client *ax, const char *path, const void *data, size_t size);
void put_text(ax_client *ax, const char *path, const char *text);
void assert_content(ax_client *ax, const char *path, const void *data, size_t size);
void assert_text(ax_client *ax, const char *path, const char *text);

/* Read a small text file; NUL-terminated. */
void get_text(ax_client *ax, const char *path, char *buf, size_t size);

/* A connection that ends with its scope. */
#define _connected_ __attribute__((cleanup(disconnect_at)))
void disconnect_at(ax_client **ax);

#define _closed_ __attribute__((cleanup(close_at)))
void close_at(int *fd);

/*
 * The seed of a random test: a different one in each run, never 0, and printed; AXEBERG_SEED sets
 * it to repeat a run.
 */
uint64_t fixture_seed(void);

/* Results of library calls. */
#define assert_ok(call)                                                                                                \
        ({                                                                                                             \
                int64_t ok_result = (call);                                                                            \
                if (ok_result < 0)                                                                                     \
                        ck_abort_msg("%s: %s", #call, ax_error_name((int) ok_result));                                 \
                ok_result;                                                                                             \
        })

#define assert_result(call, expected)                                                                                  \
        do {                                                                                                           \
                int64_t actual_result = (call), expected_result = (expected);                                          \
                if (actual_result != expected_result)                                                                  \
                        ck_abort_msg("%s: %lld (%s), not %lld", #call, (long long) actual_result,                      \
                                     actual_result < 0 ? ax_error_name((int) actual_result) : "success",               \
                                     (long long) expected_result);                                                     \
        } while (0)

#define assert_error(call, code)                                                                                       \
        do {                                                                                                           \
                int64_t error_result = (call);                                                                         \
                if (error_result != -(code))                                                                           \
                        ck_abort_msg("%s: %s, not %s", #call,                                                          \
                                     error_result >= 0 ? "success" : ax_error_name((int) error_result), #code);        \
        } while (0)

int open_ok(ax_client *ax, const char *path, unsigned flags);
struct ax_stat stat_ok(ax_client *ax, const char *path);
