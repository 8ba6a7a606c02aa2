/*
 * trace show, follow and run: events as lines.
 *
 * A reader has a place of its own in the trace, and is told how many events it has missed; it never holds the kernel up.
 */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- show and follow ------------------------------------------------------------------------------------------------ */

struct viewer {
        struct axctl *axctl;
        struct ax_trace_filter filter;
        ax_pid hide; /* events of this process are not shown */
        uint64_t after;
        FILE *out;
        bool colours;
        uint64_t lost;
        struct timespec since;
};

static bool is_before(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static void tell_lost(struct viewer *viewer, uint64_t lost) {
        if (lost == 0)
                return;
        viewer->lost += lost;
        if (viewer->axctl->json)
                fprintf(viewer->out, "{\"lost\":%" PRIu64 "}\n", lost);
        else
                fprintf(viewer->out, "[%" PRIu64 " events lost]\n", lost);
}

/* Prints what has come. Return: how many events there were, a negative error. */
static int view(struct viewer *viewer, bool wait) {
        struct ax_trace_record *records = NULL;
        uint64_t lost = 0;
        int n = ax_trace_read(viewer->axctl->ax, &viewer->after, &viewer->filter, wait, &records, &lost);

        if (n < 0)
                return n;
        tell_lost(viewer, lost);
        for (int i = 0; i < n; i++)
                if (records[i].pid != viewer->hide && !is_before(&records[i].time, &viewer->since))
                        trace_print(viewer->out, &records[i], viewer->axctl->json, viewer->colours);
        free(records);
        return n;
}

/* "90", "5m", "2h": so long ago; "12:30:00": today's. */
static bool parse_since(const char *text, struct timespec *ret) {
        double amount;
        struct tm time;
        const char *rest;
        char *end;

        clock_gettime(CLOCK_REALTIME, ret);
        localtime_r(&ret->tv_sec, &time);
        time.tm_sec = 0;
        rest = strptime(text, "%H:%M:%S", &time);
        if (!rest || *rest) {
                rest = strptime(text, "%H:%M", &time);
                time.tm_sec = 0;
        }
        if (rest && !*rest) {
                *ret = (struct timespec){ .tv_sec = mktime(&time) };
                return true;
        }
        amount = strtod(text, &end);
        if (end == text || !(amount >= 0 && amount < 1e9))
                return false;
        if (*end == 'm' || *end == 'h' || *end == 's')
                amount *= *end == 'm' ? 60 : *end == 'h' ? 3600 : 1, end++;
        ret->tv_sec -= (time_t) amount;
        return !*end;
}

static int viewer_init(struct viewer *viewer, struct axctl *axctl) {
        int status;

        *viewer = (struct viewer){ .axctl = axctl, .out = stdout, .hide = -1 };
        viewer->colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
        status = trace_parse_filter(axctl, &viewer->filter);
        if (status == STATUS_OK && axctl->flags[OPTION_SINCE] &&
            !parse_since(axctl->values[OPTION_SINCE], &viewer->since))
                status = complain_usage(axctl, axctl->values[OPTION_SINCE], "not a time (90, 5m, 2h, 12:30:00)");
        return status;
}

int trace_show_run(struct axctl *axctl) {
        struct ax_trace_status status;
        struct viewer viewer;
        int r = viewer_init(&viewer, axctl);

        if (r != STATUS_OK)
                return r;
        r = ax_trace_status(axctl->ax, &status);
        while (r >= 0 && viewer.after + 1 < status.next) {
                uint64_t before = viewer.after;

                r = view(&viewer, false);
                if (viewer.after == before)
                        break; /* what was there has been forgotten */
        }
        return r < 0 ? complain(axctl, "the trace", r) : STATUS_OK;
}

struct ender {
        ax_cancel *cancel;
        sigset_t signals;
};

static void *ender_main(void *userdata) {
        struct ender *ender = userdata;
        int signal;

        while (sigwait(&ender->signals, &signal) != 0)
                ;
        ax_cancel_fire(ender->cancel);
        return NULL;
}

/* Until Ctrl-C, or until nobody reads the output. */
int trace_follow_run(struct axctl *axctl) {
        struct ax_trace_status status;
        struct ender ender;
        struct viewer viewer;
        pthread_t thread;
        int r = viewer_init(&viewer, axctl);

        if (r != STATUS_OK)
                return r;
        r = ax_trace_status(axctl->ax, &status);
        if (r < 0)
                return complain(axctl, "the trace", r);
        if (!status.enabled)
                fprintf(stderr, "axctl: trace follow: the trace is off (axctl trace on)\n");
        viewer.after = status.next - 1;
        viewer.hide = ax_getpid(axctl->ax);
        sigemptyset(&ender.signals);
        sigaddset(&ender.signals, SIGINT);
        sigaddset(&ender.signals, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &ender.signals, NULL);
        if (ax_cancel_new(&ender.cancel) < 0 || pthread_create(&thread, NULL, ender_main, &ender) != 0)
                return complain(axctl, "thread", -AX_ENOMEM);
        ax_cancel_use(ender.cancel);
        do
                r = view(&viewer, true);
        while (r >= 0 && fflush(stdout) == 0);
        ax_cancel_use(NULL);
        pthread_cancel(thread); /* it may still wait for a signal */
        pthread_join(thread, NULL);
        ax_cancel_free(ender.cancel);
        return r < 0 && r != -AX_EINTR ? complain(axctl, "the trace", r) : STATUS_OK;
}

/* ---- run -------------------------------------------------------------------------------------------------------------- */

struct tracer {
        struct viewer viewer;
        struct ax_call_stats *stats;
        size_t n_stats;
};

static void tracer_count(struct tracer *tracer, const struct ax_trace_record *record) {
        struct ax_call_stats *stats = NULL;

        if (record->category != AX_TRACE_SYSCALL || !record->has_result)
                return;
        for (size_t i = 0; i < tracer->n_stats && !stats; i++)
                if (strcmp(tracer->stats[i].name, record->name) == 0)
                        stats = &tracer->stats[i];
        if (!stats) {
                struct ax_call_stats *grown = reallocarray(tracer->stats, tracer->n_stats + 1, sizeof(*grown));

                if (!grown)
                        return;
                tracer->stats = grown;
                stats = &grown[tracer->n_stats++];
                *stats = (struct ax_call_stats){ .min_nsec = UINT64_MAX };
                snprintf(stats->name, sizeof(stats->name), "%s", record->name);
        }
        stats->count++;
        stats->timed++;
        stats->errors += record->result < 0;
        stats->total_nsec += record->duration_nsec;
        if (record->duration_nsec < stats->min_nsec)
                stats->min_nsec = record->duration_nsec;
        if (record->duration_nsec > stats->max_nsec)
                stats->max_nsec = record->duration_nsec;
}

/* Everything up to event number `last`. */
static int trace_up_to(struct tracer *tracer, uint64_t last) {
        struct viewer *viewer = &tracer->viewer;

        while (viewer->after < last) {
                struct ax_trace_record *records = NULL;
                uint64_t lost = 0, before = viewer->after;
                int n = ax_trace_read(viewer->axctl->ax, &viewer->after, &viewer->filter, false, &records, &lost);

                if (n < 0)
                        return n;
                tell_lost(viewer, lost);
                for (int i = 0; i < n; i++) {
                        if (records[i].pid == viewer->hide)
                                continue;
                        if (!viewer->axctl->flags['c'])
                                trace_print(viewer->out, &records[i], viewer->axctl->json, viewer->colours);
                        tracer_count(tracer, &records[i]);
                }
                free(records);
                if (viewer->after == before)
                        return 0;
        }
        return 0;
}

/* Reads along while the program runs, so that the ring need not hold all of it. */
static int trace_program(struct tracer *tracer, ax_pid pid, struct ax_wait_status *ret) {
        const struct timespec pause = { .tv_nsec = 5000000 };
        ax_client *ax = tracer->viewer.axctl->ax;
        struct ax_trace_status status;
        int r, waited = 0;

        while (waited == 0) {
                waited = ax_wait(ax, pid, ret, AX_WAIT_ENDED | AX_WAIT_NOHANG);
                r = ax_trace_status(ax, &status);
                if (r == 0)
                        r = trace_up_to(tracer, status.next - 1);
                if (r < 0)
                        return r;
                if (waited == 0 && status.next - 1 - tracer->viewer.after < status.size / 8)
                        nanosleep(&pause, NULL);
        }
        return waited < 0 ? waited : 0;
}

/* Follows what this program starts; `*ret_next`: the number of the first event. */
static int start_trace(struct tracer *tracer, uint64_t *ret_next) {
        ax_client *ax = tracer->viewer.axctl->ax;
        struct ax_trace_filter filter = { .n_pids = 1, .children = true };
        struct ax_trace_status status;
        int r;

        filter.categories = tracer->viewer.filter.categories;
        filter.pids[0] = ax_getpid(ax);
        r = ax_trace_set_filter(ax, &filter);
        if (r == 0)
                r = ax_trace_enable(ax);
        if (r == 0)
                r = ax_trace_status(ax, &status);
        *ret_next = status.next;
        return r;
}

static void end_trace(ax_client *ax, const struct ax_trace_status *old) {
        ax_trace_set_filter(ax, &old->filter);
        if (!old->enabled)
                ax_trace_disable(ax);
}

static int tracer_init(struct tracer *tracer, struct axctl *axctl) {
        struct viewer *viewer = &tracer->viewer;
        int status = viewer_init(viewer, axctl);

        if (status != STATUS_OK)
                return status;
        viewer->hide = ax_getpid(axctl->ax);
        viewer->out = axctl->flags['o'] ? fopen(axctl->values['o'], "we") : stderr;
        if (!viewer->out)
                return complain(axctl, axctl->values['o'], -errno);
        viewer->colours = isatty(fileno(viewer->out)) && !getenv("NO_COLOR");
        return STATUS_OK;
}

static int tracer_finish(struct tracer *tracer) {
        int status;

        if (tracer->viewer.out != stderr && fclose(tracer->viewer.out) != 0)
                return complain(tracer->viewer.axctl, tracer->viewer.axctl->values['o'], -errno);
        status = trace_print_stats(tracer->viewer.axctl, tracer->stats, tracer->n_stats);
        free(tracer->stats);
        return status;
}

enum { EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

int trace_run_run(struct axctl *axctl) {
        const char *const *command = (const char *const *) axctl->operands;
        struct tracer tracer = { 0 };
        struct ax_wait_status status = { 0 };
        struct ax_trace_status old;
        ax_pid pid;
        uint64_t next = 1;
        int r = tracer_init(&tracer, axctl);

        if (r != STATUS_OK)
                return r;
        r = ax_trace_status(axctl->ax, &old);
        if (r == 0)
                r = start_trace(&tracer, &next);
        if (r < 0)
                return complain(axctl, "the trace", r);
        tracer.viewer.after = next - 1;
        pid = ax_spawn(axctl->ax, command, NULL);
        r = pid < 0 ? pid : trace_program(&tracer, pid, &status);
        end_trace(axctl->ax, &old);
        if (r < 0) {
                complain(axctl, command[0], r);
                return pid >= 0 ? STATUS_FAILED : r == -AX_ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
        }
        r = tracer_finish(&tracer);
        return r != STATUS_OK ? r : status.kind == AX_EXITED ? status.code : EXIT_SIGNAL + status.code;
}
