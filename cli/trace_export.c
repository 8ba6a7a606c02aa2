/*
 * trace export: events for trace viewers.
 */
#include "trace.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the Trace Event Format (catapult) has it: microseconds; X: with a duration, i: a moment. */
static json_object *as_chrome(const struct ax_trace_record *record) {
        double usec = (double) record->time.tv_sec * 1e6 + (double) record->time.tv_nsec / 1e3;
        json_object *event = json_object_new_object(), *arguments = json_object_new_object();

        if (record->has_result)
                usec -= (double) record->duration_nsec / 1e3; /* the event is recorded at its end */
        json_object_object_add(event, "name", json_object_new_string(record->name));
        json_object_object_add(event, "cat", json_object_new_string(ax_trace_category_name(record->category)));
        json_object_object_add(event, "ph", json_object_new_string(record->has_result ? "X" : "i"));
        json_object_object_add(event, "ts", json_object_new_double(usec));
        if (record->has_result)
                json_object_object_add(event, "dur", json_object_new_double((double) record->duration_nsec / 1e3));
        else
                json_object_object_add(event, "s", json_object_new_string("t"));
        json_object_object_add(event, "pid", json_object_new_int(record->pid));
        json_object_object_add(event, "tid", json_object_new_int(record->pid));
        json_object_object_add(arguments, "text", json_object_new_string(record->text));
        if (record->has_result)
                json_object_object_add(arguments, "result", json_object_new_int64(record->result));
        if (*record->outcome)
                json_object_object_add(arguments, "outcome", json_object_new_string(record->outcome));
        json_object_object_add(event, "args", arguments);
        return event;
}

static int export_chrome(struct axctl *axctl, const char *path) {
        json_object *top = json_object_new_object(), *events = json_object_new_array();
        struct ax_trace_status status;
        uint64_t after = 0, before;
        int r = ax_trace_status(axctl->ax, &status);

        json_object_object_add(top, "traceEvents", events);
        json_object_object_add(top, "displayTimeUnit", json_object_new_string("ns"));
        while (r >= 0 && after + 1 < status.next) {
                struct ax_trace_record *records = NULL;

                before = after;
                r = ax_trace_read(axctl->ax, &after, NULL, false, &records, NULL);
                for (int i = 0; i < r; i++)
                        json_object_array_add(events, as_chrome(&records[i]));
                free(records);
                if (after == before)
                        break;
        }
        if (r >= 0)
                r = strcmp(path, "-") == 0 ? json_object_to_fd(STDOUT_FILENO, top, 0) : json_object_to_file(path, top);
        else
                r = complain(axctl, "the trace", r);
        if (r < 0)
                r = complain_text(axctl, path, json_util_get_last_err() ? json_util_get_last_err() : "cannot write");
        json_object_put(top);
        return r > 0 ? STATUS_FAILED : STATUS_OK;
}

int trace_export_run(struct axctl *axctl) {
        if (axctl->flags[OPTION_FORMAT] && strcmp(axctl->values[OPTION_FORMAT], "chrome") != 0)
                return complain_usage(axctl, axctl->values[OPTION_FORMAT], "no such format (there is chrome)");
        return export_chrome(axctl, axctl->operands[0]);
}
