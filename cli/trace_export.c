/* SPDX-License-Identifier: MIT */
/*
 * trace export: events for trace viewers.
 */
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

/* In the Trace Event Format (catapult): microseconds; X has a duration, i has none. */
static json_object *as_chrome(const struct ax_trace_record *record) {
        double usec = (double) record->time.tv_sec * 1e6 + (double) record->time.tv_nsec / 1e3;
        json_object *event = json_object_new_object(), *arguments = json_object_new_object();

        if (record->has_result)
                usec -= (double) record->duration_nsec / 1e3; /* the event is recorded at its end */
        json_object_object_add(event, "name", json_string(record->name));
        json_object_object_add(event, "cat", json_string(ax_trace_category_name(record->category)));
        json_object_object_add(event, "ph", json_string(record->has_result ? "X" : "i"));
        json_object_object_add(event, "ts", json_object_new_double(usec));
        if (record->has_result)
                json_object_object_add(event, "dur", json_object_new_double((double) record->duration_nsec / 1e3));
        else
                json_object_object_add(event, "s", json_string("t"));
        json_object_object_add(event, "pid", json_object_new_int(record->pid));
        json_object_object_add(event, "tid", json_object_new_int(record->pid));
        json_object_object_add(arguments, "command", json_string(record->command));
        json_object_object_add(arguments, "text", json_string(record->text));
        if (record->has_result)
                json_object_object_add(arguments, "result", json_object_new_int64(record->result));
        if (*record->outcome)
                json_object_object_add(arguments, "outcome", json_string(record->outcome));
        json_object_object_add(event, "args", arguments);
        return event;
}

/* An event of a mount has the file server's pid and the host program's name. */
static const char *program_name(const struct ax_trace_record *record) {
        return record->category == AX_TRACE_FILE && record->has_result ? "axfs" : record->command;
}

/* Viewers take the name of a process from a separate event. It gets its last name. */
static void add_names(json_object *events, json_object *names) {
        json_object_object_foreach(names, pid, name) {
                json_object *event = json_object_new_object(), *arguments = json_object_new_object();

                json_object_object_add(event, "name", json_string("process_name"));
                json_object_object_add(event, "ph", json_string("M"));
                json_object_object_add(event, "pid", json_object_new_int(atoi(pid)));
                json_object_object_add(arguments, "name", json_object_get(name));
                json_object_object_add(event, "args", arguments);
                json_object_array_add(events, event);
        }
}

static void note_name(json_object *names, const struct ax_trace_record *record) {
        char pid[16];

        snprintf(pid, sizeof(pid), "%d", record->pid);
        if (*record->command)
                json_object_object_add(names, pid, json_string(program_name(record)));
}

static int write_json(struct axctl *axctl, const char *path, json_object *top) {
        FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
        bool failed;

        if (!out)
                return complain(axctl, path, -errno);
        json_print(out, json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN));
        failed = ferror(out) || fflush(out) != 0;
        if (failed)
                complain(axctl, path, -errno);
        if (out != stdout && fclose(out) != 0 && !failed) {
                complain(axctl, path, -errno);
                failed = true;
        }
        return failed ? STATUS_FAILED : STATUS_OK;
}

static int export_chrome(struct axctl *axctl, const char *path) {
        json_object *top = json_object_new_object(), *events = json_object_new_array();
        json_object *names = json_object_new_object();
        struct ax_trace_status status;
        uint64_t after = 0, before;
        int r = ax_trace_status(axctl->ax, &status);

        json_object_object_add(top, "traceEvents", events);
        json_object_object_add(top, "displayTimeUnit", json_string("ns"));
        while (r >= 0 && after + 1 < status.next) {
                struct ax_trace_record *records = NULL;

                before = after;
                r = ax_trace_read(axctl->ax, &after, NULL, false, &records, NULL);
                for (int i = 0; i < r; i++) {
                        json_object_array_add(events, as_chrome(&records[i]));
                        note_name(names, &records[i]);
                }
                free(records);
                if (after == before)
                        break;
        }
        add_names(events, names);
        json_object_put(names);
        r = r < 0 ? complain(axctl, "the trace", r) : write_json(axctl, path, top);
        json_object_put(top);
        return r;
}

int trace_export_run(struct axctl *axctl) {
        if (axctl->flags[OPTION_FORMAT] && strcmp(axctl->values[OPTION_FORMAT], "chrome") != 0)
                return complain_usage(axctl, axctl->values[OPTION_FORMAT], "no such format (there is chrome)");
        return export_chrome(axctl, axctl->operands[0]);
}
