#include "syscalls/describe.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/process.h"
#include "process/signal.h"
#include "util/identity.h"

enum { MOST_DATA = 32 };

/* ---- text of a bounded size --------------------------------------------------------------------------------- */

struct text {
        char *at;
        size_t left;
        bool begun; /* there is something to put a comma behind */
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...) {
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(text->at, text->left, format, arguments);
        va_end(arguments);
        if (n < 0)
                return;
        if ((size_t) n >= text->left)
                n = text->left > 0 ? (int) text->left - 1 : 0;
        text->at += n;
        text->left -= (size_t) n;
}

static void separate(struct text *text) {
        if (text->begun)
                add(text, ", ");
        text->begun = true;
}

/* As strace(1) has it. */
static void add_quoted(struct text *text, const uint8_t *data, size_t size, size_t most) {
        add(text, "\"");
        for (size_t i = 0; i < size && i < most; i++) {
                if (data[i] == '\n')
                        add(text, "\\n");
                else if (data[i] == '\t')
                        add(text, "\\t");
                else if (data[i] == '"' || data[i] == '\\')
                        add(text, "\\%c", data[i]);
                else if ((data[i] >= 0x80 && most > MOST_DATA) ||
                         isprint(data[i])) /* paths are UTF-8; data can be anything */
                        add(text, "%c", data[i]);
                else
                        add(text, "\\%o", data[i]);
        }
        add(text, size > most ? "\"..." : "\"");
}

/* ---- values in words ----------------------------------------------------------------------------------------- */

static void add_open_flags(struct text *text, uint64_t flags) {
        static const struct {
                unsigned flags;
                const char *name;
        } names[] = {
                { AX_WRITE, "WRITE" },           { AX_APPEND, "APPEND" },     { AX_RDWR, "RDWR" },
                { AX_O_READ, "READ" },           { AX_O_WRITE, "O_WRITE" },   { AX_O_CREATE, "O_CREATE" },
                { AX_O_TRUNCATE, "O_TRUNCATE" }, { AX_O_APPEND, "O_APPEND" }, { AX_O_EXCLUSIVE, "O_EXCLUSIVE" },
                { AX_O_NONBLOCK, "O_NONBLOCK" },
        };
        const char *separator = "";

        if (flags == 0)
                add(text, "0");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if ((flags & names[i].flags) == names[i].flags) {
                        add(text, "%s%s", separator, names[i].name);
                        separator = "|";
                        flags &= ~(uint64_t) names[i].flags;
                }
        if (flags)
                add(text, "%s0x%llx", separator, (unsigned long long) flags);
}

static void add_signal(struct text *text, uint64_t signal) {
        const char *name = signal_name((int) signal);

        if (name)
                add(text, "%s", name);
        else
                add(text, "%d", (int) signal);
}

static void add_name(struct text *text, uint64_t value, const char *const *names, size_t n_names) {
        if (value < n_names && names[value])
                add(text, "%s", names[value]);
        else
                add(text, "%llu", (unsigned long long) value);
}

#define ADD_NAME(text, value, names) add_name(text, value, names, sizeof(names) / sizeof((names)[0]))

static void add_protection(struct text *text, uint64_t value) {
        static const char *const names[] = {
                [AX_PROT_NONE] = "NONE",
                [AX_PROT_READ] = "READ",
                [AX_PROT_READ_WRITE] = "READ_WRITE",
                [AX_PROT_READ_EXEC] = "READ_EXEC",
        };

        ADD_NAME(text, value, names);
}

static void add_whence(struct text *text, uint64_t value) {
        static const char *const names[] = {
                [SEEK_SET] = "SEEK_SET", [SEEK_CUR] = "SEEK_CUR", [SEEK_END] = "SEEK_END"
        };

        ADD_NAME(text, value, names);
}

static void add_action(struct text *text, uint64_t value) {
        static const char *const names[] = { "DEFAULT", "IGNORE", "TERMINATE", "HANDLE" };

        ADD_NAME(text, value, names);
}

static void add_kind(struct text *text, uint64_t value) {
        static const char *const names[] = { NULL, "exited", "signaled", "stopped", "continued" };

        ADD_NAME(text, value, names);
}

static void add_wait_flags(struct text *text, uint64_t flags) {
        const char *separator = flags & AX_WAIT_NOHANG && flags & AX_WAIT_ENDED ? "|" : "";

        if (flags & ~(uint64_t) (AX_WAIT_NOHANG | AX_WAIT_ENDED) || flags == 0)
                add(text, "%llu", (unsigned long long) flags);
        else
                add(text, "%s%s%s", flags & AX_WAIT_NOHANG ? "NOHANG" : "", separator,
                    flags & AX_WAIT_ENDED ? "ENDED" : "");
}

static void add_octal(struct text *text, uint64_t value) {
        add(text, "0%llo", (unsigned long long) value);
}

static void add_category(struct text *text, uint64_t value) {
        add(text, "%s", trace_category_name((unsigned) value));
}

/* Fields that are no plain numbers, wherever they occur. */
static const struct {
        const char *field;
        void (*add)(struct text *text, uint64_t value);
        const ProtobufCMessageDescriptor *type; /* NULL: any */
} words[] = {
        { "flags", add_open_flags, &axeberg__open_request__descriptor },
        { "flags", add_wait_flags, &axeberg__wait_request__descriptor },
        { "signal", add_signal, NULL },
        { "protection", add_protection, NULL },
        { "whence", add_whence, NULL },
        { "action", add_action, NULL },
        { "kind", add_kind, NULL },
        { "mode", add_octal, NULL },
        { "mask", add_octal, NULL },
        { "category", add_category, NULL },
};

/* ---- messages ------------------------------------------------------------------------------------------------- */

static const void *member(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        return (const char *) message + field->offset;
}

static uint64_t number_of(const ProtobufCFieldDescriptor *field, const void *value) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
                return (uint64_t) (int64_t) * (const int32_t *) value;
        case PROTOBUF_C_TYPE_UINT32:
                return *(const uint32_t *) value;
        case PROTOBUF_C_TYPE_BOOL:
                return (uint64_t) * (const protobuf_c_boolean *) value;
        default:
                return *(const uint64_t *) value;
        }
}

static void add_value(struct text *text, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field,
                      const void *value) {
        uint64_t number;

        if (field->type == PROTOBUF_C_TYPE_STRING) {
                const char *string = *(const char *const *) value;

                add_quoted(text, (const uint8_t *) string, strlen(string), TRACE_TEXT_SIZE);
                return;
        }
        if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
                add(text, "%g", *(const double *) value);
                return;
        }
        number = number_of(field, value);
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (strcmp(words[i].field, field->name) == 0 && (!words[i].type || words[i].type == type)) {
                        words[i].add(text, number);
                        return;
                }
        if (field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64)
                add(text, "%llu", (unsigned long long) number);
        else
                add(text, "%lld", (long long) number);
}

static size_t element_size(const ProtobufCFieldDescriptor *field) {
        switch (field->type) {
        case PROTOBUF_C_TYPE_STRING:
                return sizeof(char *);
        case PROTOBUF_C_TYPE_INT32:
        case PROTOBUF_C_TYPE_SINT32:
        case PROTOBUF_C_TYPE_UINT32:
                return sizeof(int32_t);
        default:
                return sizeof(int64_t);
        }
}

static void add_repeated(struct text *text, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        const size_t *count = (const void *) ((const char *) message + field->quantifier_offset);
        const char *elements = *(const char *const *) member(message, field);

        add(text, "[");
        for (size_t i = 0; i < *count; i++) {
                if (i > 0)
                        add(text, ", ");
                add_value(text, message->descriptor, field, elements + i * element_size(field));
        }
        add(text, "]");
}

static bool is_zero(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return *(const size_t *) (const void *) ((const char *) message + field->quantifier_offset) == 0;
        if (field->type == PROTOBUF_C_TYPE_STRING)
                return !**(const char *const *) member(message, field);
        return number_of(field, member(message, field)) == 0;
}

/* What is said elsewhere: in the name of the call, or to the daemon alone. */
static bool is_hidden(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        static const char *const hidden[] = { "want_direct", "continued", "positioned", "hosted",     "nofollow",
                                              "interval",    "alarm",     "coherent",   "set_ids",    "set_filter",
                                              "set_enabled", "enabled",   "reset",      "host_status" };

        for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
                if (strcmp(hidden[i], field->name) == 0)
                        return true;
        /* what a stat tells first, and nothing that only fills the line */
        if (message->descriptor == &axeberg__stat_reply__descriptor)
                return strcmp(field->name, "ino") != 0 && strcmp(field->name, "size") != 0 &&
                       strcmp(field->name, "mode") != 0 && strcmp(field->name, "uid") != 0 &&
                       strcmp(field->name, "gid") != 0;
        if (message->descriptor == &axeberg__spawn_request__descriptor && strcmp(field->name, "argv") != 0)
                return is_zero(message, field);
        /* zero in calls of the same messages that have no such argument */
        if (message->descriptor == &axeberg__window_set_request__descriptor && strcmp(field->name, "fd") != 0)
                return is_zero(message, field);
        if (message->descriptor == &axeberg__timer_request__descriptor && strcmp(field->name, "task") == 0)
                return ((const Axeberg__TimerRequest *) message)->alarm;
        if (message->descriptor == &axeberg__console_take_request__descriptor && strcmp(field->name, "offset") == 0)
                return !((const Axeberg__ConsoleTakeRequest *) message)->follow;
        if (message->descriptor == &axeberg__console_take_reply__descriptor)
                return is_zero(message, field);
        if ((message->descriptor == &axeberg__signal_request__descriptor ||
             message->descriptor == &axeberg__memory_limit_request__descriptor ||
             message->descriptor == &axeberg__memory_stats_request__descriptor) &&
            strcmp(field->name, "pid") == 0)
                return is_zero(message, field);
        if (message->descriptor == &axeberg__trace_set_request__descriptor)
                return !((const Axeberg__TraceSetRequest *) message)->set_filter;
        if (message->descriptor == &axeberg__read_request__descriptor && strcmp(field->name, "offset") == 0)
                return !((const Axeberg__ReadRequest *) message)->positioned;
        if (message->descriptor == &axeberg__write_request__descriptor && strcmp(field->name, "offset") == 0)
                return !((const Axeberg__WriteRequest *) message)->positioned;
        return field->type == PROTOBUF_C_TYPE_BOOL && number_of(field, member(message, field)) == 0;
}

static void add_message(struct text *text, const ProtobufCMessage *message, bool names) {
        const ProtobufCMessageDescriptor *type = message->descriptor;

        for (unsigned i = 0; i < type->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &type->fields[i];

                if (field->type == PROTOBUF_C_TYPE_MESSAGE || is_hidden(message, field))
                        continue;
                separate(text);
                if (names)
                        add(text, "%s ", field->name);
                if (field->label == PROTOBUF_C_LABEL_REPEATED)
                        add_repeated(text, message, field);
                else if (field->type == PROTOBUF_C_TYPE_BOOL)
                        add(text, "%s", field->name);
                else
                        add_value(text, type, field, member(message, field));
        }
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

/* Methods whose names differ from the library's by more than their letters. */
static const struct {
        const char *method, *name;
} other_names[] = {
        { "GetParent", "getppid" },
        { "ReadDir", "readdir" },
        { "GetCwd", "getcwd" },
        { "ChDir", "chdir" },
        { "ReadLink", "readlink" },
        { "SignalAction", "signal" },
        { "SignalBlock", "sigblock" },
        { "SignalUnblock", "sigunblock" },
        { "SignalPending", "sigpending" },
        { "MemoryAlloc", "mem_alloc" },
        { "MemoryFree", "mem_free" },
        { "ShmGet", "shmget" },
        { "ShmAttach", "shmat" },
        { "ShmDetach", "shmdt" },
        { "MemoryStats", "memstats" },
        { "MemoryLimit", "set_memlimit" },
        { "SystemMemoryStats", "system_memstats" },
        { "TraceNote", "trace_event" },
        { "WindowCreate", "window_create" },
};

static void make_name(const char *method, char name[static TRACE_NAME_SIZE]) {
        size_t n = 0;

        for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
                if (strcmp(other_names[i].method, method) == 0) {
                        snprintf(name, TRACE_NAME_SIZE, "%s", other_names[i].name);
                        return;
                }
        for (const char *at = method; *at && n < TRACE_NAME_SIZE - 2; at++) {
                if (isupper((unsigned char) *at) && at != method)
                        name[n++] = '_';
                name[n++] = (char) tolower((unsigned char) *at);
        }
        name[n] = '\0';
}

const char *describe_method(uint32_t method) {
        static char names[STATS_MAX_CALLS][TRACE_NAME_SIZE];

        if (method >= axeberg__kernel__descriptor.n_methods || method >= STATS_MAX_CALLS)
                return "?";
        if (!names[method][0])
                make_name(axeberg__kernel__descriptor.methods[method].name, names[method]);
        return names[method];
}

bool describe_is_traced(uint32_t method) {
        return method != AX_METHOD(hello) && method != AX_METHOD(start) && method != AX_METHOD(cancel) &&
               method != AX_METHOD(signal_take) && method != AX_METHOD(mount_trace) &&
               method != AX_METHOD(mount_report) && method != AX_METHOD(local_call) &&
               method != AX_METHOD(trace_read) && method != AX_METHOD(trace_status);
}

/* The name of what the program called, where one method serves several calls. */
static const char *name_of(const struct call *call, const ProtobufCMessage *request) {
        const ProtobufCMessageDescriptor *type = request->descriptor;

        if (type == &axeberg__read_request__descriptor && ((const Axeberg__ReadRequest *) request)->positioned)
                return "pread";
        if (type == &axeberg__write_request__descriptor && ((const Axeberg__WriteRequest *) request)->positioned)
                return "pwrite";
        if (type == &axeberg__stat_request__descriptor && ((const Axeberg__StatRequest *) request)->nofollow)
                return "lstat";
        if (type == &axeberg__chown_request__descriptor && ((const Axeberg__ChownRequest *) request)->nofollow)
                return "lchown";
        if (type == &axeberg__shm_attach_request__descriptor && ((const Axeberg__ShmAttachRequest *) request)->coherent)
                return "shmat_coherent";
        if (type == &axeberg__timer_request__descriptor) {
                const Axeberg__TimerRequest *timer = (const Axeberg__TimerRequest *) request;

                return timer->alarm ? "alarm" : timer->interval ? "timer_interval" : "timer_set";
        }
        if (type == &axeberg__window_set_request__descriptor) {
                const Axeberg__WindowSetRequest *set = (const Axeberg__WindowSetRequest *) request;

                return set->rows ? "window_resize" : *set->title ? "window_set_title" : "window_get";
        }
        if (type == &axeberg__console_take_request__descriptor &&
            ((const Axeberg__ConsoleTakeRequest *) request)->follow)
                return "console_follow";
        if (type == &axeberg__trace_set_request__descriptor) {
                const Axeberg__TraceSetRequest *set = (const Axeberg__TraceSetRequest *) request;

                if (set->set_filter)
                        return "trace_set_filter";
                return set->reset ? "trace_reset" : set->set_enabled && set->enabled ? "trace_enable" : "trace_disable";
        }
        return describe_method(call->method);
}

void describe_request(const struct call *call, const ProtobufCMessage *request, struct trace_event *event) {
        struct text text = { .at = event->text, .left = sizeof(event->text) };

        snprintf(event->name, sizeof(event->name), "%s", name_of(call, request));
        if (call->trailer_size > 0 && request->descriptor == &axeberg__write_request__descriptor) {
                const Axeberg__WriteRequest *write = (const Axeberg__WriteRequest *) request;

                add(&text, "%d, ", write->fd);
                add_quoted(&text, call->trailer, call->trailer_size, MOST_DATA);
                add(&text, ", %zu", call->trailer_size);
                if (write->positioned)
                        add(&text, ", %lld", (long long) write->offset);
                return;
        }
        add_message(&text, request, false);
        if (call->trailer_size > 0) {
                separate(&text);
                add_quoted(&text, call->trailer, call->trailer_size, MOST_DATA);
                add(&text, ", %zu", call->trailer_size);
        }
}

/* Results that are too large for a status are a message's only field. */
static bool take_number(const ProtobufCMessage *reply, int64_t *ret) {
        const ProtobufCMessageDescriptor *type = reply->descriptor;

        if (type == &axeberg__offset_reply__descriptor)
                *ret = ((const Axeberg__OffsetReply *) reply)->offset;
        else if (type == &axeberg__id_reply__descriptor)
                *ret = (int64_t) ((const Axeberg__IdReply *) reply)->id;
        else if (type == &axeberg__count_reply__descriptor)
                *ret = (int64_t) ((const Axeberg__CountReply *) reply)->count;
        else if (type == &axeberg__shm_attach_reply__descriptor)
                *ret = (int64_t) ((const Axeberg__ShmAttachReply *) reply)->region;
        else
                return false;
        return true;
}

/* Data rather than a message: it is text, or at least bytes. */
static bool has_data(const struct call *call, const ProtobufCMessageDescriptor *type) {
        return call->reply.trailer_size > 0 &&
               (type->n_fields == 0 || type == &axeberg__console_take_reply__descriptor);
}

static void add_outcome(struct text *text, const struct call *call, const ProtobufCMessage *reply) {
        const ProtobufCMessageDescriptor *type = reply->descriptor;
        bool names = type != &axeberg__pipe_reply__descriptor && type != &axeberg__wait_reply__descriptor;

        if (type == &axeberg__wait_reply__descriptor && call->reply.status == 0)
                return; /* nothing to tell yet */
        if (has_data(call, type)) {
                add_quoted(text, call->reply.trailer, call->reply.trailer_size, MOST_DATA);
                return;
        }
        if (type->n_fields == 0 || type == &axeberg__names_reply__descriptor)
                return;
        add(text, "{");
        if (type == &axeberg__wait_reply__descriptor && ((const Axeberg__WaitReply *) reply)->host_status)
                add(text, "as the host program ended"); /* which its parent on the host knows */
        else
                add_message(text, reply, names);
        add(text, "}");
}

void describe_reply(const struct call *call, const ProtobufCMessage *reply, struct trace_event *event) {
        struct text text = { .at = event->outcome, .left = sizeof(event->outcome) };

        event->has_result = true;
        event->result = call->reply.status;
        /* a window's descriptor is the status */
        if (call->reply.status >= 0 &&
            (call->method == AX_METHOD(window_create) || !take_number(reply, &event->result)))
                add_outcome(&text, call, reply);
}

void describe_local_call(const struct call *call, const Axeberg__LocalCallRequest *request) {
        const struct process *process = call->process;
        struct trace_event event = {
                .pid = process->pid,
                .host_pid = process->host_pid,
                .uid = process->identity->uid,
                .category = AX_TRACE_SYSCALL,
                .duration_nsec = request->duration_nsec,
                .has_result = true,
                .result = request->result,
        };

        if (!trace_wants(&call->kernel->trace, AX_TRACE_SYSCALL, process->pid))
                return;
        snprintf(event.name, sizeof(event.name), "%s", local_call_name(request->call));
        if (request->call == AX_LOCAL_MEM_READ || request->call == AX_LOCAL_MEM_WRITE)
                snprintf(event.text, sizeof(event.text), "%lld, %llu, %llu", (long long) request->object,
                         (unsigned long long) request->offset, (unsigned long long) request->size);
        else if (request->call == AX_LOCAL_MEM_MAP)
                snprintf(event.text, sizeof(event.text), "%lld", (long long) request->object);
        trace_record(&call->kernel->trace, &event);
}
