/* SPDX-License-Identifier: MIT */
#include "debug.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "printable.h"

enum { MAX_TEXT = 400, MAX_LINE = 512 };

unsigned debug_level(void) {
        const char *text = secure_getenv("AXEBERG_DEBUG");
        unsigned long level;
        char *end;

        if (!text || !*text)
                return 0;
        level = strtoul(text, &end, 10);
        if (*end)
                return DEBUG_CONNECTIONS;
        return level < DEBUG_CALLS ? (unsigned) level : DEBUG_CALLS;
}

void debug_say(unsigned level, const char *format, ...) {
        char text[MAX_TEXT], line[MAX_LINE];
        va_list arguments;
        int error = errno, head;
        size_t size;

        if (level == 0)
                return;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        head = snprintf(line, sizeof(line), "libaxeberg-client[%d]: ", (int) getpid());
        size = (size_t) head + printable(line + head, sizeof(line) - (size_t) head - 1, text, strlen(text), 0);
        line[size] = '\n';
        (void) !write(STDERR_FILENO, line, size + 1); /* at once, so that lines of several threads do not mix */
        errno = error;
}

void debug_call(const ax_client *ax, const char *name, int64_t result, uint64_t started_nsec) {
        double usec = (double) (now_nsec() - started_nsec) / 1e3;

        if (result < 0)
                debug_say(ax->debug, "process %d: %s: %s, %.1f usec", atomic_load(&ax->pid), name,
                          ax_error_name((int) result), usec);
        else
                debug_say(ax->debug, "process %d: %s: %lld, %.1f usec", atomic_load(&ax->pid), name, (long long) result,
                          usec);
}
