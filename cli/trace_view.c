/* SPDX-License-Identifier: MIT */
/*
 * trace show and follow: events as lines.
 *
 * A reader has its own position in the trace and learns how many events it has missed. It never
 * holds up the kernel.
 */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "numbers.h"
#include "signals.h"

static bool is_before(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

void trace_tell_lost(struct trace_viewer *viewer, uint64_t lost) {
        if (lost == 0)
                return;
        viewer->lost += lost;
        if (viewer->axctl->json)
                fprintf(viewer->out, "{\"lost\":%" PRIu64 "}\n", lost);
        else
                fprintf(viewer->out, "[%" PRIu64 " events lost]\n", lost);
}

/* Prints new events. Returns how many there were, or a negative error. */
static int view(struct trace_viewer *viewer, bool wait) {
        struct ax_trace_record *records = NULL;
        uint64_t lost = 0;
        int n = ax_trace_read(viewer->axctl->ax, &viewer->after, &viewer->filter, wait, &records, &lost);

        if (n < 0)
                return n;
        trace_tell_lost(viewer, lost);
        for (int i = 0; i < n; i++)
                if (records[i].pid != viewer->hide && !is_before(&records[i].time, &viewer->since))
                        trace_print(viewer->out, &records[i], viewer->axctl->json, viewer->colours);
        free(records);
        return n;
}

/* Reads "90", "5m" or "2h" ago, or "12:30:00" of today. */
static bool parse_since(const char *text, struct timespec *ret) {
        double amount;
        struct tm time;
        const char *rest;

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
        if (!parse_seconds(text, &amount) || amount >= 1e9)
                return false;
        ret->tv_sec -= (time_t) amount;
        return true;
}

int trace_viewer_init(struct trace_viewer *viewer, struct axctl *axctl) {
        int status;

        *viewer = (struct trace_viewer){ .axctl = axctl, .out = stdout, .hide = -1 };
        viewer->colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
        status = trace_parse_filter(axctl, &viewer->filter);
        if (status == STATUS_OK && axctl->flags[OPTION_SINCE] &&
            !parse_since(axctl->values[OPTION_SINCE], &viewer->since))
                status = complain_usage(axctl, axctl->values[OPTION_SINCE], "not a time (90, 5m, 2h, 12:30:00)");
        return status;
}

int trace_show_run(struct axctl *axctl) {
        struct ax_trace_status status;
        struct trace_viewer viewer;
        int r = trace_viewer_init(&viewer, axctl);

        if (r != STATUS_OK)
                return r;
        r = ax_trace_status(axctl->ax, &status);
        while (r >= 0 && viewer.after + 1 < status.next) {
                uint64_t before = viewer.after;

                r = view(&viewer, false);
                if (viewer.after == before)
                        break; /* the kernel keeps no more */
        }
        return r < 0 ? complain(axctl, "the trace", r) : STATUS_OK;
}

struct ender {
        struct signal_thread thread;
        ax_cancel *cancel;
};

static void *ender_main(void *userdata) {
        struct ender *ender = userdata;

        while (signal_thread_wait(&ender->thread, NULL, NULL) >= 0)
                ax_cancel_fire(ender->cancel);
        return NULL;
}

static int ender_begin(struct ender *ender) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        int r = ax_cancel_new(&ender->cancel);

        if (r < 0)
                return r;
        signal_thread_init(&ender->thread, signals, sizeof(signals) / sizeof(signals[0]));
        signal_thread_block(&ender->thread);
        r = signal_thread_begin(&ender->thread, ender_main, ender);
        if (r < 0)
                ax_cancel_free(ender->cancel);
        else
                ax_cancel_use(ender->cancel);
        return r;
}

static void ender_end(struct ender *ender) {
        ax_cancel_use(NULL);
        signal_thread_end(&ender->thread);
        ax_cancel_free(ender->cancel);
}

/* Runs until Ctrl-C, or until the output is closed. */
int trace_follow_run(struct axctl *axctl) {
        struct ax_trace_status status;
        struct ender ender;
        struct trace_viewer viewer;
        int r = trace_viewer_init(&viewer, axctl);

        if (r != STATUS_OK)
                return r;
        r = ax_trace_status(axctl->ax, &status);
        if (r < 0)
                return complain(axctl, "the trace", r);
        if (ax_trace_enabled(axctl->ax) == 0)
                fprintf(stderr, "axctl: trace follow: the trace is off (axctl trace on)\n");
        viewer.after = status.next - 1;
        viewer.hide = ax_getpid(axctl->ax);
        r = ender_begin(&ender);
        if (r < 0)
                return complain(axctl, "signals", r);
        do
                r = view(&viewer, true);
        while (r >= 0 && fflush(stdout) == 0);
        ender_end(&ender);
        return r < 0 && r != -AX_EINTR ? complain(axctl, "the trace", r) : STATUS_OK;
}
