/*
 * One line an event on standard error, with the journal's priority prefix where the journal reads it.
 */
#pragma once

#include <syslog.h>

/* Lines less urgent than this level (LOG_ERR … LOG_DEBUG) are dropped. */
void log_set_level(int level);

void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs the text and what the errno means; returns -error, so that a caller can log and fail in one line. */
int log_errno(int level, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
