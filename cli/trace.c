/* SPDX-License-Identifier: MIT */
/*
 * trace: switching it, its figures, its events.
 */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "program.h"
#include "show.h"
#include "table.h"
#include "text.h"

/* ---- filters --------------------------------------------------------------------------------- */

static int parse_pids(const struct axctl *axctl, const char *text, struct ax_trace_filter *filter) {
        char *list = strdup(text), *at = list, *word;
        int status = list ? STATUS_OK : complain(axctl, "-p", -AX_ENOMEM);

        while (status == STATUS_OK && (word = strsep(&at, ","))) {
                char *end;
                long pid;

                errno = 0;
                pid = strtol(word, &end, 10);
                if (errno || end == word || *end || pid <= 0 || pid > INT32_MAX)
                        status = complain_usage(axctl, word, "not a process");
                else if (filter->n_pids == AX_TRACE_MAX_PIDS)
                        status = complain_usage(axctl, text, "too many processes");
                else
                        filter->pids[filter->n_pids++] = (ax_pid) pid;
        }
        free(list);
        return status;
}

static int parse_categories(const struct axctl *axctl, const char *text, struct ax_trace_filter *filter) {
        char *list = strdup(text), *at = list, *word;
        int status = list ? STATUS_OK : complain(axctl, "-e", -AX_ENOMEM);

        while (status == STATUS_OK && (word = strsep(&at, ","))) {
                int category = ax_trace_category_number(word);

                if (category < 0)
                        status = complain_usage(axctl, word,
                                                "not a category (syscall, process, memory, timer, signal, "
                                                "scheduler, file, ipc, window, custom)");
                else
                        filter->categories |= 1u << category;
        }
        free(list);
        return status;
}

int trace_parse_filter(const struct axctl *axctl, struct ax_trace_filter *ret) {
        int status = STATUS_OK;

        *ret = (struct ax_trace_filter){ 0 };
        if (axctl->flags['p'])
                status = parse_pids(axctl, axctl->values['p'], ret);
        if (status == STATUS_OK && axctl->flags['e'])
                status = parse_categories(axctl, axctl->values['e'], ret);
        return status;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const char *category_name(const struct ax_trace_record *record) {
        const char *name = ax_trace_category_name(record->category);

        return name ? name : "?"; /* the daemon is newer */
}

static void print_json(FILE *out, const struct ax_trace_record *record) {
        json_object *line = json_object_new_object();
        double seconds = (double) record->time.tv_sec + (double) record->time.tv_nsec / 1e9;

        json_object_object_add(line, "number", json_object_new_uint64(record->number));
        json_object_object_add(line, "time", json_object_new_double(seconds));
        json_object_object_add(line, "pid", json_object_new_int(record->pid));
        json_object_object_add(line, "host_pid", json_object_new_int(record->host_pid));
        json_object_object_add(line, "uid", json_object_new_int64(record->uid));
        json_object_object_add(line, "command", json_string(record->command));
        json_object_object_add(line, "category", json_string(category_name(record)));
        json_object_object_add(line, "name", json_string(record->name));
        json_object_object_add(line, "text", json_string(record->text));
        if (record->has_result) {
                json_object_object_add(line, "result", json_object_new_int64(record->result));
                json_object_object_add(line, "duration_nsec", json_object_new_uint64(record->duration_nsec));
                if (record->result < 0)
                        json_object_object_add(line, "error", json_string(ax_error_name((int) record->result)));
        }
        if (*record->outcome)
                json_object_object_add(line, "outcome", json_string(record->outcome));
        json_print(out, json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
        fputc('\n', out);
        json_object_put(line);
}

struct colours {
        const char *dim, *name, *error, *event, *plain;
};

/*
 * Prints whose event it is: `hello[7]`. A space or a bracket in a name becomes an escape, like the
 * kernel's (printable.h), so that no name looks like the rest of a line.
 */
static void print_program(FILE *out, const struct ax_trace_record *record) {
        char name[SHOWN_SIZE];

        for (const char *c = shown_again(record->command, name); *c; c++)
                if (*c == ' ' || *c == '[' || *c == ']')
                        fprintf(out, "\\x%02x", (unsigned char) *c);
                else
                        fputc(*c, out);
        fprintf(out, "[%d] ", record->pid);
}

/* `12:00:01.123456 hello[7] open("/tmp/x", WRITE) = 3 <0.000012>` */
static void print_call(FILE *out, const struct ax_trace_record *record, const struct colours *colours) {
        char name[SHOWN_SIZE], text[SHOWN_SIZE];

        fprintf(out, "%s%s%s(%s) = ", colours->name, shown_again(record->name, name), colours->plain,
                shown_again(record->text, text));
        if (record->result < 0)
                fprintf(out, "%s%s%s", colours->error, ax_error_name((int) record->result), colours->plain);
        else
                fprintf(out, "%" PRId64, record->result);
        if (*record->outcome)
                fprintf(out, " %s", shown_again(record->outcome, text));
        fprintf(out, " %s<%.6f>%s\n", colours->dim, (double) record->duration_nsec / 1e9, colours->plain);
}

void trace_print(FILE *out, const struct ax_trace_record *record, bool json, bool colours_wanted) {
        static const struct colours none = { "", "", "", "", "" },
                                    some = { "\033[2m", "\033[1m", "\033[31m", "\033[36m", "\033[0m" };
        const struct colours *colours = colours_wanted ? &some : &none;
        char name[SHOWN_SIZE], text[SHOWN_SIZE];
        struct tm time;

        if (json) {
                print_json(out, record);
                return;
        }
        localtime_r(&record->time.tv_sec, &time);
        fprintf(out, "%s%02d:%02d:%02d.%06ld%s ", colours->dim, time.tm_hour, time.tm_min, time.tm_sec,
                record->time.tv_nsec / 1000, colours->plain);
        print_program(out, record);
        if (record->category == AX_TRACE_SYSCALL && record->has_result) {
                print_call(out, record, colours);
                return;
        }
        fprintf(out, "%s%s: %s%s%s%s", colours->event, category_name(record), shown_again(record->name, name),
                colours->plain, *record->text ? " " : "", shown_again(record->text, text));
        if (record->category == AX_TRACE_FILE && record->host_pid)
                fprintf(out, " (host pid %d)", record->host_pid);
        if (record->has_result && record->result < 0)
                fprintf(out, " = %s%s%s", colours->error, ax_error_name((int) record->result), colours->plain);
        fputc('\n', out);
}

/* ---- switching, and figures ------------------------------------------------------------------ */

static int trace_on_run(struct axctl *axctl) {
        struct ax_trace_filter filter;
        int status = trace_parse_filter(axctl, &filter), r;

        if (status != STATUS_OK)
                return status;
        filter.children = axctl->flags['f'];
        r = ax_trace_set_filter(axctl->ax, &filter);
        if (r == 0)
                r = ax_trace_enable(axctl->ax);
        return r < 0 ? complain(axctl, "the trace", r) : STATUS_OK;
}

static int trace_off_run(struct axctl *axctl) {
        int r = ax_trace_disable(axctl->ax);

        return r < 0 ? complain(axctl, "the trace", r) : STATUS_OK;
}

static int trace_reset_run(struct axctl *axctl) {
        int r = ax_trace_reset(axctl->ax);

        return r < 0 ? complain(axctl, "the trace", r) : STATUS_OK;
}

static json_object *filter_as_json(const struct ax_trace_filter *filter, json_object *status) {
        json_object *categories = json_object_new_array(), *pids = json_object_new_array();

        for (int i = AX_TRACE_SYSCALL; i <= AX_TRACE_CUSTOM; i++)
                if (!filter->categories || filter->categories & 1u << i)
                        json_object_array_add(categories, json_string(ax_trace_category_name(i)));
        for (size_t i = 0; i < filter->n_pids; i++)
                json_object_array_add(pids, json_object_new_int(filter->pids[i]));
        json_object_object_add(status, "categories", categories);
        json_object_object_add(status, "pids", pids);
        json_object_object_add(status, "children", json_object_new_boolean(filter->children));
        return status;
}

static int print_status_json(const struct ax_trace_status *status, bool recording) {
        json_object *object = json_object_new_object();

        json_object_object_add(object, "enabled", json_object_new_boolean(status->enabled));
        json_object_object_add(object, "recording", json_object_new_boolean(recording));
        filter_as_json(&status->filter, object);
        json_object_object_add(object, "size", json_object_new_uint64(status->size));
        json_object_object_add(object, "recorded", json_object_new_uint64(status->recorded));
        json_object_object_add(object, "oldest", json_object_new_uint64(status->oldest));
        json_object_object_add(object, "next", json_object_new_uint64(status->next));
        json_object_object_add(object, "kept", json_object_new_uint64(status->next - status->oldest));
        json_print(stdout, json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
        putchar('\n');
        json_object_put(object);
        return STATUS_OK;
}

static void print_filter(const struct ax_trace_filter *filter) {
        char categories[256] = "", pids[AX_TRACE_MAX_PIDS * 12 + 1] = "";

        for (int i = AX_TRACE_SYSCALL, n = 0; i <= AX_TRACE_CUSTOM; i++)
                if (filter->categories & 1u << i)
                        n += sprintf(categories + n, "%s%s", n > 0 ? " " : "", ax_trace_category_name(i));
        for (size_t i = 0, n = 0; i < filter->n_pids; i++)
                n += (size_t) sprintf(pids + n, "%s%d", n > 0 ? " " : "", filter->pids[i]);
        fact_print(10, "Categories", "%s", *categories ? categories : "all");
        fact_print(10, "Processes", "%s%s", *pids ? pids : "all", filter->children ? " and their children" : "");
}

static int trace_status_run(struct axctl *axctl) {
        struct ax_trace_status status;
        int r = ax_trace_status(axctl->ax, &status);
        bool recording = r == 0 && ax_trace_enabled(axctl->ax) > 0;

        if (r < 0)
                return complain(axctl, "the trace", r);
        if (axctl->json)
                return print_status_json(&status, recording);
        fact_print(10, "Trace", "%s", status.enabled ? "on" : recording ? "off, but sessions record their own" : "off");
        fact_print(10, "Events", "%" PRIu64 " recorded, %" PRIu64 " kept, room for %" PRIu64, status.recorded,
                   status.next - status.oldest, status.size);
        print_filter(&status.filter);
        return STATUS_OK;
}

enum { CALLS_NAME, CALLS_COUNT, CALLS_ERRORS, CALLS_TOTAL, CALLS_MEAN, CALLS_MIN, CALLS_MAX, CALLS_COLUMNS };

static const struct column calls_text_columns[CALLS_COLUMNS] = {
        [CALLS_NAME] = { .name = "CALL" },
        [CALLS_COUNT] = { .name = "CALLS", .number = true },
        [CALLS_ERRORS] = { .name = "ERRORS", .number = true },
        [CALLS_TOTAL] = { .name = "TOTAL/ms", .number = true },
        [CALLS_MEAN] = { .name = "MEAN/us", .number = true },
        [CALLS_MIN] = { .name = "MIN/us", .number = true },
        [CALLS_MAX] = { .name = "MAX/us", .number = true },
};
static const struct column calls_json_columns[CALLS_COLUMNS] = {
        [CALLS_NAME] = { .name = "call" },
        [CALLS_COUNT] = { .name = "calls", .number = true },
        [CALLS_ERRORS] = { .name = "errors", .number = true },
        [CALLS_TOTAL] = { .name = "total_nsec", .number = true },
        [CALLS_MEAN] = { .name = "mean_nsec", .number = true },
        [CALLS_MIN] = { .name = "min_nsec", .number = true },
        [CALLS_MAX] = { .name = "max_nsec", .number = true },
};

static void calls_row(struct libscols_table *table, const struct ax_call_stats *stats, bool json) {
        struct libscols_line *row = table_row(table, NULL);
        double mean = stats->timed > 0 ? (double) stats->total_nsec / (double) stats->timed : 0;

        table_set(row, CALLS_NAME, "%s", stats->name);
        table_set(row, CALLS_COUNT, "%" PRIu64, stats->count);
        table_set(row, CALLS_ERRORS, "%" PRIu64, stats->errors);
        if (json) {
                table_set(row, CALLS_TOTAL, "%" PRIu64, stats->total_nsec);
                table_set(row, CALLS_MEAN, "%.0f", mean);
                table_set(row, CALLS_MIN, "%" PRIu64, stats->min_nsec);
                table_set(row, CALLS_MAX, "%" PRIu64, stats->max_nsec);
        } else if (stats->timed > 0) {
                table_set(row, CALLS_TOTAL, "%.3f", (double) stats->total_nsec / 1e6);
                table_set(row, CALLS_MEAN, "%.1f", mean / 1e3);
                table_set(row, CALLS_MIN, "%.1f", (double) stats->min_nsec / 1e3);
                table_set(row, CALLS_MAX, "%.1f", (double) stats->max_nsec / 1e3);
        }
}

static int compare_totals(const void *a, const void *b) {
        const struct ax_call_stats *x = a, *y = b;

        if (x->total_nsec != y->total_nsec)
                return x->total_nsec < y->total_nsec ? 1 : -1;
        return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->name, y->name);
}

void trace_sort_stats(struct ax_call_stats *stats, size_t count) {
        if (count > 0)
                qsort(stats, count, sizeof(*stats), compare_totals);
}

int trace_print_stats(struct axctl *axctl, struct ax_call_stats *stats, size_t count) {
        struct libscols_table *table =
                table_new("calls", axctl->json ? calls_json_columns : calls_text_columns, CALLS_COLUMNS, axctl->json);

        trace_sort_stats(stats, count);
        for (size_t i = 0; i < count; i++)
                calls_row(table, &stats[i], axctl->json);
        return table_print(table);
}

static int print_calls(struct axctl *axctl) {
        struct ax_call_stats *stats = NULL;
        int n = ax_call_stats(axctl->ax, &stats), status;

        if (n < 0)
                return complain(axctl, "the figures", n);
        status = trace_print_stats(axctl, stats, (size_t) n);
        free(stats);
        return status;
}

static void print_summary(const struct ax_trace_summary *summary) {
        char text[DURATION_SIZE], bytes[2][BYTES_SIZE];

        fact_print(10, "Uptime", "%s", duration_text((uint64_t) (summary->uptime_ms * 1e3), text));
        fact_print(10, "Trace", "%s, %" PRIu64 " events", summary->enabled ? "on" : "off", summary->event_count);
        fact_print(10, "Calls", "%" PRIu64 " (%" PRIu64 " failed)", summary->syscall_count, summary->syscall_errors);
        fact_print(10, "Ticks", "%" PRIu64 ", mean %.4f ms, longest %.3f ms", summary->tick_count, summary->avg_tick_ms,
                   summary->max_tick_ms);
        fact_print(10, "Processes", "%" PRIu64 " made, %" PRIu64 " ended", summary->processes_spawned,
                   summary->processes_exited);
        fact_print(10, "Signals", "%" PRIu64, summary->signals_delivered);
        fact_print(10, "Timers", "%" PRIu64 " fired", summary->timers_fired);
        fact_print(10, "Bytes", "%s read, %s written", bytes_text(summary->bytes_read, bytes[0]),
                   bytes_text(summary->bytes_written, bytes[1]));
        putchar('\n');
}

static int trace_summary_run(struct axctl *axctl) {
        struct ax_trace_summary summary;
        int r;

        if (axctl->json)
                return trace_summary_json(axctl);
        r = ax_trace_summary(axctl->ax, &summary);
        if (r < 0)
                return complain(axctl, "the figures", r);
        print_summary(&summary);
        return print_calls(axctl);
}

/* ---- the commands ---------------------------------------------------------------------------- */

static const struct argp_option on_options[] = {
        { "pid", 'p', "PID[,PID...]", 0, "These processes only", 0 },
        { "category", 'e', "CATEGORY[,...]", 0, "These categories only", 0 },
        { "follow-children", 'f', NULL, 0, "Also their children", 0 },
        { 0 },
};
static const struct argp_option follow_options[] = {
        { "pid", 'p', "PID[,PID...]", 0, "These processes only", 0 },
        { "category", 'e', "CATEGORY[,...]", 0, "These categories only", 0 },
        { 0 },
};
static const struct argp_option show_options[] = {
        { "pid", 'p', "PID[,PID...]", 0, "These processes only", 0 },
        { "category", 'e', "CATEGORY[,...]", 0, "These categories only", 0 },
        { "since", OPTION_SINCE, "TIME", 0, "From then on: 90 (seconds ago), 5m, 2h, 12:30:00", 0 },
        { 0 },
};
static const struct argp_option run_options[] = {
        { "category", 'e', "CATEGORY[,...]", 0, "These categories only", 0 },
        { "summary-only", 'c', NULL, 0, "Print the table only", 0 },
        { "output", 'o', "FILE", 0, "Write events to FILE instead of standard error", 0 },
        { "env", 'E', "NAME=VALUE", 0, "Set a variable of its environment; may be repeated", 0 },
        PROGRAM_OPTIONS,
        { 0 },
};
static const struct argp_option export_options[] = {
        { "format", OPTION_FORMAT, "FORMAT", 0, "The file's format: chrome, the default", 0 },
        { 0 },
};

const struct command trace_commands[] = {
        { .name = "on", .operands = "", .summary = "Record events", .run = trace_on_run, .options = on_options },
        { .name = "off", .operands = "", .summary = "Stop recording; keep the events", .run = trace_off_run },
        { .name = "status",
          .operands = "",
          .summary = "Show whether the trace is on, and what it records",
          .run = trace_status_run },
        { .name = "summary",
          .operands = "",
          .summary = "Print figures of the kernel and of each call",
          .run = trace_summary_run },
        { .name = "reset",
          .operands = "",
          .summary = "Delete events and restart the counters",
          .run = trace_reset_run },
        { .name = "show",
          .operands = "",
          .summary = "Print the events that the kernel keeps",
          .run = trace_show_run,
          .options = show_options },
        { .name = "follow",
          .operands = "",
          .summary = "Print events as they come, until Ctrl-C",
          .run = trace_follow_run,
          .options = follow_options },
        { .name = "run",
          .operands = "[--] COMMAND [ARGUMENT...]",
          .summary = "Trace a program and its descendants, from start to end",
          .run = trace_run_run,
          .gather = trace_run_gather,
          .options = run_options,
          .least = 1,
          .most = -1,
          .in_order = true },
        { .name = "export",
          .operands = "FILE",
          .summary = "Write events for trace viewers; -: to standard output",
          .run = trace_export_run,
          .options = export_options,
          .least = 1,
          .most = 1 },
        { 0 },
};
