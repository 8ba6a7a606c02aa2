/*
 * One line an event: on standard error, or where that is the journal as an entry of it, with priority and fields.
 *
 * PRIORITY and MESSAGE, ERRNO where an error is told, AXEBERG_PID and AXEBERG_UID where a client is the cause: its process on the host and
 * its user. `journalctl AXEBERG_UID=1000` shows what one user was refused.
 */
#pragma once

#include <sys/types.h>
#include <syslog.h>

#define LOG_NO_UID ((uid_t) -1)

/* Lines less urgent than this level (LOG_ERR … LOG_DEBUG) are dropped. */
void log_set_level(int level);

void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs the text and what the errno means; returns -error, so that a caller can log and fail in one line. */
int log_errno(int level, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same about what a client does. error 0, pid 0 and LOG_NO_UID are left out. */
int log_client(int level, int error, pid_t pid, uid_t uid, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
