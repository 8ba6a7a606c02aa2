/* SPDX-License-Identifier: MIT */
/*
 * trace run: a program's events from start to end, then a table of its calls.
 *
 * The request for events belongs to this session (ax_trace_begin()): it ends with us, however we
 * end, and no other trace changes. The program is run as by the command run (program.h). Whatever
 * ends it, its events are printed to the end, and then the table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "trace.h"

struct tracer {
        struct trace_viewer viewer;
        struct ax_call_stats *stats;
        size_t n_stats;
        int error; /* errno of the first event that could not be written; 0: none */
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

/* ---- the program ----------------------------------------------------------------------------- */

/* If events cannot be written, the program goes on, and the error is printed at the end. */
static void flush_output(struct tracer *tracer) {
        FILE *out = tracer->viewer.out;

        if ((fflush(out) != 0 || ferror(out)) && !tracer->error)
                tracer->error = errno ? errno : EIO;
}

/* Prints and counts the events up to number `last`. */
static int trace_up_to(struct tracer *tracer, uint64_t last) {
        struct trace_viewer *viewer = &tracer->viewer;

        while (viewer->after < last) {
                struct ax_trace_record *records = NULL;
                uint64_t lost = 0, before = viewer->after;
                int n = ax_trace_read(viewer->axctl->ax, &viewer->after, &viewer->filter, false, &records, &lost);

                if (n < 0)
                        return n;
                errno = 0;
                trace_tell_lost(viewer, lost);
                for (int i = 0; i < n; i++) {
                        if (records[i].pid == viewer->hide)
                                continue;
                        if (!viewer->axctl->flags['c'])
                                trace_print(viewer->out, &records[i], viewer->axctl->json, viewer->colours);
                        tracer_count(tracer, &records[i]);
                }
                free(records);
                flush_output(tracer);
                if (viewer->after == before)
                        break;
        }
        return 0;
}

/* Reads events while the program runs, because the kernel keeps the latest ones only. */
static int trace_program(struct tracer *tracer, struct program *program) {
        const struct timespec pause = { .tv_nsec = 5000000 };
        ax_client *ax = tracer->viewer.axctl->ax;
        struct ax_trace_status status;
        int r, waited = 0;

        while (waited == 0) {
                waited = ax_wait(ax, program->pid, &program->end, AX_WAIT_ENDED | AX_WAIT_NOHANG);
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

/* Asks for the events of the program and its descendants. */
static int begin_trace(const struct tracer *tracer) {
        ax_client *ax = tracer->viewer.axctl->ax;
        struct ax_trace_filter filter = { .n_pids = 1, .children = true };

        filter.categories = tracer->viewer.filter.categories;
        filter.pids[0] = ax_getpid(ax);
        return ax_trace_begin(ax, &filter);
}

static int tracer_init(struct tracer *tracer, struct axctl *axctl) {
        struct trace_viewer *viewer = &tracer->viewer;
        int status = trace_viewer_init(viewer, axctl);

        if (status != STATUS_OK)
                return status;
        viewer->hide = ax_getpid(axctl->ax);
        viewer->out = axctl->flags['o'] ? fopen(axctl->values['o'], "we") : stderr;
        if (!viewer->out)
                return complain(axctl, axctl->values['o'], -errno);
        viewer->colours = isatty(fileno(viewer->out)) && !getenv("NO_COLOR");
        return STATUS_OK;
}

/* Returns STATUS_OK, or STATUS_FAILED after it has printed why events are missing. */
static int close_output(struct tracer *tracer) {
        const struct axctl *axctl = tracer->viewer.axctl;
        FILE *out = tracer->viewer.out;

        if (out != stderr && fclose(out) != 0 && !tracer->error)
                tracer->error = errno;
        if (!tracer->error)
                return STATUS_OK;
        return complain(axctl, axctl->flags['o'] ? axctl->values['o'] : "standard error", -tracer->error);
}

static int tracer_finish(struct tracer *tracer) {
        int status = close_output(tracer), printed = STATUS_OK;

        if (tracer->n_stats == 0 && !tracer->viewer.axctl->json)
                printf("No calls\n");
        else
                printed = trace_print_stats(tracer->viewer.axctl, tracer->stats, tracer->n_stats);
        free(tracer->stats);
        return status == STATUS_OK ? printed : status;
}

void trace_run_gather(int key, const char *argument) {
        if (key == 'E')
                program_add_variable(argument);
}

int trace_run_run(struct axctl *axctl) {
        struct tracer tracer = { 0 };
        struct program program;
        int r = program_init(&program, axctl);

        if (r == STATUS_OK)
                r = tracer_init(&tracer, axctl);
        if (r != STATUS_OK)
                return r;
        r = begin_trace(&tracer);
        if (r < 0)
                return complain(axctl, "the trace", r);
        r = program_start(&program);
        if (r != STATUS_OK)
                return r;
        program_finish(&program, trace_program(&tracer, &program));
        ax_trace_end(axctl->ax);
        r = program.failed ? STATUS_FAILED : tracer_finish(&tracer);
        return r == STATUS_OK ? program_exit_status(&program) : r;
}
