#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

enum { MOST_FIELDS = 6, FIELD_SIZE = 48 };

/* What a line is about. */
struct subject {
        int level, error; /* a positive errno; 0: none */
        pid_t pid;        /* a host process; 0: none */
        uid_t uid;        /* LOG_NO_UID: none */
};

static int max_level = LOG_INFO;

void log_set_level(int level) {
        max_level = level;
}

/* systemd sets JOURNAL_STREAM to the device and inode of the stream that it made standard error; who redirects that keeps the variable. */
static bool journal_listens(void) {
        static int listens = -1;

        if (listens < 0) {
                const char *stream = getenv("JOURNAL_STREAM");
                unsigned long long device, inode;
                struct stat st;

                listens = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                          fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
        }
        return listens > 0;
}

struct fields {
        struct iovec vector[MOST_FIELDS];
        char text[MOST_FIELDS - 1][FIELD_SIZE]; /* of all but the message */
        int count;
};

static void add_field(struct fields *fields, const char *name, long long value) {
        char *text = fields->text[fields->count];
        int size = snprintf(text, FIELD_SIZE, "%s=%lld", name, value);

        fields->vector[fields->count++] = (struct iovec){ text, (size_t) size };
}

static bool send_to_journal(const struct subject *subject, char *message) {
        static char identifier[] = "SYSLOG_IDENTIFIER=axebergd";
        struct fields fields = { .count = 0 };

        add_field(&fields, "PRIORITY", subject->level);
        if (subject->error)
                add_field(&fields, "ERRNO", subject->error);
        if (subject->pid)
                add_field(&fields, "AXEBERG_PID", subject->pid);
        if (subject->uid != LOG_NO_UID)
                add_field(&fields, "AXEBERG_UID", subject->uid);
        fields.vector[fields.count++] = (struct iovec){ identifier, sizeof(identifier) - 1 };
        fields.vector[fields.count++] = (struct iovec){ message, strlen(message) };
        return sd_journal_sendv(fields.vector, fields.count) == 0;
}

/* Where the journal's own socket cannot be had, it reads "<priority>" at a line's start. */
static void write_line(const struct subject *subject, const char *format, va_list arguments) {
        static const char key[] = "MESSAGE=";
        char line[1280], *text = line + sizeof(key) - 1;
        size_t space = sizeof(line) - (sizeof(key) - 1), length;
        const char *meaning;

        if (subject->level > max_level)
                return;
        memcpy(line, key, sizeof(key) - 1);
        vsnprintf(text, space, format, arguments);
        if (subject->error) {
                meaning = strerrordesc_np(subject->error);
                length = strlen(text);
                snprintf(text + length, space - length, ": %s", meaning ? meaning : "unknown error");
        }
        if (!journal_listens())
                fprintf(stderr, "axebergd: %s\n", text);
        else if (!send_to_journal(subject, line))
                fprintf(stderr, "<%d>%s\n", subject->level, text);
}

void log_line(int level, const char *format, ...) {
        const struct subject subject = { .level = level, .uid = LOG_NO_UID };
        va_list arguments;

        va_start(arguments, format);
        write_line(&subject, format, arguments);
        va_end(arguments);
}

int log_errno(int level, int error, const char *format, ...) {
        const struct subject subject = { .level = level, .error = abs(error), .uid = LOG_NO_UID };
        va_list arguments;

        va_start(arguments, format);
        write_line(&subject, format, arguments);
        va_end(arguments);
        return -subject.error;
}

int log_client(int level, int error, pid_t pid, uid_t uid, const char *format, ...) {
        const struct subject subject = { .level = level, .error = abs(error), .pid = pid, .uid = uid };
        va_list arguments;

        va_start(arguments, format);
        write_line(&subject, format, arguments);
        va_end(arguments);
        return -subject.error;
}
