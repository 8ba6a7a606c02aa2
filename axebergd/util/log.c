#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int max_level = LOG_INFO;

void log_set_level(int level) {
        max_level = level;
}

/* systemd sets JOURNAL_STREAM where standard error is the journal, which reads "<priority>" at a line's start. */
static bool journal_listens(void) {
        static int listens = -1;

        if (listens < 0)
                listens = getenv("JOURNAL_STREAM") != NULL;
        return listens > 0;
}

static void log_valist(int level, const char *suffix, const char *format, va_list arguments) {
        char text[1024];

        if (level > max_level)
                return;
        vsnprintf(text, sizeof(text), format, arguments);
        if (journal_listens())
                fprintf(stderr, "<%d>%s%s\n", level, text, suffix);
        else
                fprintf(stderr, "axebergd: %s%s\n", text, suffix);
}

void log_line(int level, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        log_valist(level, "", format, arguments);
        va_end(arguments);
}

int log_errno(int level, int error, const char *format, ...) {
        va_list arguments;
        char suffix[128];

        error = abs(error);
        snprintf(suffix, sizeof(suffix), ": %s", strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error");
        va_start(arguments, format);
        log_valist(level, suffix, format, arguments);
        va_end(arguments);
        return -error;
}
