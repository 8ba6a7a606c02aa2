/* SPDX-License-Identifier: MIT */
/*
 * One line for each event: on standard error, or, if that is the journal, as an entry of it with
 * priority and fields.
 *
 * PRIORITY and MESSAGE, ERRNO if there is an error, AXEBERG_PID and AXEBERG_UID if a client is the
 * cause: its process on the host and its user. `journalctl AXEBERG_UID=1000` shows what one user
 * was refused.
 *
 * Nobody can fill the log, or stop the kernel by it. What a user causes is limited for each user
 * and for all of them together, and lines without a user have a limit of their own, so that users
 * do not take their place. Suppressed lines are counted, and a line reports how many. Between
 * log_start() and log_stop() a thread of its own writes: logging never waits for a pipe that nobody
 * reads or a journal that is slow; lines that such a log has no room for are counted and reported,
 * too.
 */
#pragma once

#include <sys/types.h>
#include <syslog.h>

#define LOG_NO_UID ((uid_t) -1)

/* Lines less urgent than this level (LOG_ERR … LOG_DEBUG) are dropped. */
void log_set_level(int level);

/* Lines are written by a thread from now on. Returns 0 or a negative errno. */
int log_start(void);
/*
 * Waits until everything is written, but not long for a log that nobody takes. Nothing is logged
 * after that.
 */
void log_stop(void);

/*
 * Debugging lines are not limited, and neither are errors (LOG_ERR and above) without a user.
 * LOG_CRIT waits as log_stop() does: the end is near.
 */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Logs the text and what the errno means; returns -error, so that a caller can log and fail in one
 * line.
 */
int log_errno(int level, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same about what a client does. error 0, pid 0 and LOG_NO_UID are left out. */
int log_client(int level, int error, pid_t pid, uid_t uid, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
