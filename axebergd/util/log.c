/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "printable.h"
#include "util/clock.h"
#include "util/rate.h"

#define MESSAGE "MESSAGE=" /* the journal's name for the text */

enum {
        MAX_FIELDS = 6,
        FIELD_SIZE = 48,
        LINE_SIZE = 1024 + sizeof(MESSAGE),
        QUEUE_LINES = 256,
        TELL_SEC = 1,  /* how soon suppressed lines are reported, once there may be lines again */
        DRAIN_SEC = 1, /* how long the end waits for a log that nobody takes */
};

static const struct rate user_rate = { .burst = 20, .interval_usec = 5000000 };
static const struct rate all_users_rate = { .burst = 200, .interval_usec = 100000 };
static const struct rate system_rate = { .burst = 100, .interval_usec = 500000 };

/* What a line is about. */
struct subject {
        int level, error; /* a positive errno; 0: none */
        pid_t pid;        /* a host process; 0: none */
        uid_t uid;        /* LOG_NO_UID: none */
};

struct line {
        struct subject subject;
        char text[LINE_SIZE]; /* behind MESSAGE */
};

static atomic_int max_level = LOG_INFO;

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* there is something to write, or nothing more */

        struct line lines[QUEUE_LINES]; /* a ring */
        unsigned first, count;
        uint64_t lost; /* for which there was no room */
        bool writing;  /* the thread has a line that is in the ring no more */
        bool started, stopping, stopped;
        pthread_t thread;

        struct rate_table users;
        struct bucket all_users, system;
        bool suppressed; /* something has been, and not been told */
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER };

void log_set_level(int level) {
        max_level = level;
}

/*
 * systemd sets JOURNAL_STREAM to the device and inode of the stream that it made standard error;
 * who redirects that keeps the variable.
 */
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
        struct iovec vector[MAX_FIELDS];
        char text[MAX_FIELDS - 1][FIELD_SIZE]; /* of all but the message */
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

/* Not by stdio, whose lock would be held as long as nobody takes the line. */
static void write_to_stderr(const struct line *line) {
        char text[LINE_SIZE + 16];
        const char *message = line->text + sizeof(MESSAGE) - 1;
        /* without the journal's own socket, it reads "<priority>" at a line's start */
        int n = journal_listens() ? snprintf(text, sizeof(text), "<%d>%s\n", line->subject.level, message)
                                  : snprintf(text, sizeof(text), "axebergd: %s\n", message);
        ssize_t done;

        for (size_t at = 0; at < (size_t) n; at += (size_t) done) {
                done = write(STDERR_FILENO, text + at, (size_t) n - at);
                if (done < 0 && errno != EINTR)
                        return;
                if (done < 0)
                        done = 0;
        }
}

static void write_line(struct line *line) {
        if (!journal_listens() || !send_to_journal(&line->subject, line->text))
                write_to_stderr(line);
}

/*
 * A line tells what clients, files and settings are called: whatever is in there, it stays one line
 * of printable text.
 */
static void format_line(struct line *line, const struct subject *subject, const char *format, va_list arguments) {
        size_t key = sizeof(MESSAGE) - 1, length;
        const char *meaning;

        line->subject = *subject;
        memcpy(line->text, MESSAGE, key);
        vsnprintf(line->text + key, LINE_SIZE - key, format, arguments);
        if (subject->error) {
                meaning = strerrordesc_np(subject->error);
                length = strlen(line->text);
                snprintf(line->text + length, LINE_SIZE - length, ": %s", meaning ? meaning : "unknown error");
        }
        line->text[utf8_trim(line->text, strlen(line->text))] = '\0'; /* it may have been cut */
        printable_in_place(line->text, LINE_SIZE, PRINTABLE_ESCAPED);
}

/* ---- the queue; all with the lock held ------------------------------------------------------- */

static void add_line(struct line *line) {
        if (!queue.started) {
                write_line(line);
        } else if (queue.count == QUEUE_LINES) {
                queue.lost++;
        } else {
                queue.lines[(queue.first + queue.count++) % QUEUE_LINES] = *line;
                pthread_cond_broadcast(&queue.changed);
        }
}

__attribute__((format(printf, 2, 3))) static void add_notice(uid_t uid, const char *format, ...) {
        const struct subject subject = { .level = LOG_WARNING, .uid = uid };
        struct line line;
        va_list arguments;

        va_start(arguments, format);
        format_line(&line, &subject, format, arguments);
        va_end(arguments);
        add_line(&line);
}

static void tell_suppressed(struct bucket *bucket, uid_t uid, const char *who) {
        char text[32];

        if (bucket->refused == 0)
                return;
        if (uid != LOG_NO_UID)
                snprintf(text, sizeof(text), "uid %u", (unsigned) uid);
        add_notice(uid, "%s: %llu more lines suppressed", uid != LOG_NO_UID ? text : who,
                   (unsigned long long) bucket->refused);
        bucket->refused = 0;
}

/* Users who may log again, and do not happen to. */
static void tell_all_suppressed(uint64_t now_usec) {
        queue.suppressed = false;
        for (size_t i = 0; i < queue.users.count; i++) {
                struct rate_user *user = &queue.users.users[i];

                if (user->bucket.refused > 0 && bucket_is_open(&user->bucket, &user_rate, now_usec))
                        tell_suppressed(&user->bucket, user->uid, "a user");
                queue.suppressed |= user->bucket.refused > 0;
        }
        if (bucket_is_open(&queue.all_users, &all_users_rate, now_usec))
                tell_suppressed(&queue.all_users, LOG_NO_UID, "users");
        if (bucket_is_open(&queue.system, &system_rate, now_usec))
                tell_suppressed(&queue.system, LOG_NO_UID, "the kernel");
        queue.suppressed |= queue.all_users.refused > 0 || queue.system.refused > 0;
}

static bool admit_user(uid_t uid, uint64_t now_usec) {
        uint64_t forgotten;
        struct bucket *bucket = rate_table_find(&queue.users, uid, now_usec, &forgotten);

        queue.all_users.refused += forgotten;
        if (!bucket_take(bucket, &user_rate, now_usec))
                return false;
        if (!bucket_take(&queue.all_users, &all_users_rate, now_usec))
                return false;
        tell_suppressed(bucket, uid, "a user");
        tell_suppressed(&queue.all_users, LOG_NO_UID, "users");
        return true;
}

/* Returns true if the line may be logged now. */
static bool admit(const struct subject *subject) {
        uint64_t now_usec = clock_usec();
        bool admitted;

        if (subject->level >= LOG_DEBUG || (subject->level <= LOG_ERR && subject->uid == LOG_NO_UID))
                return true;
        if (subject->uid != LOG_NO_UID) {
                admitted = admit_user(subject->uid, now_usec);
        } else {
                admitted = bucket_take(&queue.system, &system_rate, now_usec);
                if (admitted)
                        tell_suppressed(&queue.system, LOG_NO_UID, "the kernel");
        }
        if (!admitted && !queue.suppressed) {
                queue.suppressed = true;
                pthread_cond_broadcast(&queue.changed); /* the thread looks at the clock from now on */
        }
        return admitted;
}

static struct timespec seconds_from_now(int seconds) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        time.tv_sec += seconds;
        return time;
}

/* Until everything is written, or the log is not being taken. */
static void drain(void) {
        struct timespec until = seconds_from_now(DRAIN_SEC);

        while (queue.started && !queue.stopped && (queue.stopping || queue.count > 0 || queue.writing))
                if (pthread_cond_timedwait(&queue.changed, &queue.lock, &until) != 0)
                        return;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void wait_for_lines(void) {
        while (queue.count == 0 && !queue.stopping) {
                if (queue.suppressed) {
                        struct timespec until = seconds_from_now(TELL_SEC);

                        pthread_cond_timedwait(&queue.changed, &queue.lock, &until);
                        tell_all_suppressed(clock_usec());
                } else {
                        pthread_cond_wait(&queue.changed, &queue.lock);
                }
        }
}

static void take_line(struct line *ret) {
        *ret = queue.lines[queue.first];
        queue.first = (queue.first + 1) % QUEUE_LINES;
        queue.count--;
        if (queue.lost > 0) { /* there is room again */
                add_notice(LOG_NO_UID, "%llu lines lost: the log was not taken", (unsigned long long) queue.lost);
                queue.lost = 0;
        }
}

static void *log_thread(void *userdata) {
        struct line line;

        (void) userdata;
        pthread_mutex_lock(&queue.lock);
        for (;;) {
                wait_for_lines();
                if (queue.count == 0)
                        break;
                take_line(&line);
                queue.writing = true;
                pthread_mutex_unlock(&queue.lock);
                write_line(&line);
                pthread_mutex_lock(&queue.lock);
                queue.writing = false;
                pthread_cond_broadcast(&queue.changed);
        }
        queue.stopped = true;
        pthread_cond_broadcast(&queue.changed);
        pthread_mutex_unlock(&queue.lock);
        return NULL;
}

int log_start(void) {
        pthread_condattr_t attributes;
        int r;

        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&queue.changed, &attributes);
        pthread_condattr_destroy(&attributes);
        queue.started = true;
        r = pthread_create(&queue.thread, NULL, log_thread, NULL);
        if (r == 0)
                return 0;
        queue.started = false;
        return log_errno(LOG_ERR, r, "cannot start the log's thread");
}

void log_stop(void) {
        bool stopped;

        pthread_mutex_lock(&queue.lock);
        if (!queue.started) {
                pthread_mutex_unlock(&queue.lock);
                return;
        }
        if (queue.suppressed)
                tell_all_suppressed(UINT64_MAX);
        queue.stopping = true;
        pthread_cond_broadcast(&queue.changed);
        drain();
        stopped = queue.stopped;
        pthread_mutex_unlock(&queue.lock);
        if (stopped)
                pthread_join(queue.thread, NULL);
        else
                pthread_detach(queue.thread); /* it waits for a reader, and ends with the program */
}

/* ---- logging --------------------------------------------------------------------------------- */

static void log_subject(const struct subject *subject, const char *format, va_list arguments) {
        struct line line;

        if (subject->level > atomic_load_explicit(&max_level, memory_order_relaxed))
                return;
        format_line(&line, subject, format, arguments);
        pthread_mutex_lock(&queue.lock);
        if (admit(subject))
                add_line(&line);
        if (subject->level <= LOG_CRIT)
                drain();
        pthread_mutex_unlock(&queue.lock);
}

void log_line(int level, const char *format, ...) {
        const struct subject subject = { .level = level, .uid = LOG_NO_UID };
        va_list arguments;

        va_start(arguments, format);
        log_subject(&subject, format, arguments);
        va_end(arguments);
}

int log_errno(int level, int error, const char *format, ...) {
        const struct subject subject = { .level = level, .error = abs(error), .uid = LOG_NO_UID };
        va_list arguments;

        va_start(arguments, format);
        log_subject(&subject, format, arguments);
        va_end(arguments);
        return -subject.error;
}

int log_client(int level, int error, pid_t pid, uid_t uid, const char *format, ...) {
        const struct subject subject = { .level = level, .error = abs(error), .pid = pid, .uid = uid };
        va_list arguments;

        va_start(arguments, format);
        log_subject(&subject, format, arguments);
        va_end(arguments);
        return -subject.error;
}
