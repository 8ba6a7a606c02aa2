/* SPDX-License-Identifier: MIT */
#include "syscalls/describe.h"

#include <stdio.h>
#include <string.h>

#include "axeberg.h"
#include "kernel.h"
#include "methods.h"
#include "names.h"
#include "printable.h"
#include "process/process.h"
#include "syscalls/words.h"
#include "util/identity.h"

/* ---- fields ---------------------------------------------------------------------------------- */

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

static void add_value(struct text *text, const ProtobufCFieldDescriptor *field, unsigned words, const void *value) {
        uint64_t number;

        if (field->type == PROTOBUF_C_TYPE_STRING) {
                const char *string = *(const char *const *) value;

                text_add_quoted(text, string, strlen(string), words == AXEBERG__WORDS__ESCAPED ? PRINTABLE_ESCAPED : 0);
                return;
        }
        if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
                text_add(text, "%g", *(const double *) value);
                return;
        }
        number = number_of(field, value);
        if (text_add_words(text, words, number))
                return;
        if (field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64)
                text_add(text, "%llu", (unsigned long long) number);
        else
                text_add(text, "%lld", (long long) number);
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

static void add_repeated(struct text *text, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                         unsigned words) {
        const size_t *count = (const void *) ((const char *) message + field->quantifier_offset);
        const char *elements = *(const char *const *) member(message, field);

        text_add(text, "[");
        for (size_t i = 0; i < *count; i++) {
                if (i > 0)
                        text_add(text, ", ");
                add_value(text, field, words, elements + i * element_size(field));
        }
        text_add(text, "]");
}

static bool is_zero(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
                return *(const size_t *) (const void *) ((const char *) message + field->quantifier_offset) == 0;
        if (field->type == PROTOBUF_C_TYPE_STRING)
                return !**(const char *const *) member(message, field);
        return number_of(field, member(message, field)) == 0;
}

static struct ax_field traits_of(const struct ax_field *fields, unsigned i) {
        return fields ? fields[i] : (struct ax_field){ 0 };
}

static bool is_shown(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, struct ax_field traits) {
        if (traits.hidden || field->type == PROTOBUF_C_TYPE_MESSAGE)
                return false;
        return !(traits.if_set || field->type == PROTOBUF_C_TYPE_BOOL) || !is_zero(message, field);
}

/* A boolean that is set is its name. */
static void add_field(struct text *text, const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      struct ax_field traits) {
        if (field->type == PROTOBUF_C_TYPE_BOOL)
                text_add(text, "%s", field->name);
        else if (field->label == PROTOBUF_C_LABEL_REPEATED)
                add_repeated(text, message, field, traits.words);
        else
                add_value(text, field, traits.words, member(message, field));
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void add_trailer(struct text *text, const struct call *call) {
        text_separate(text);
        text_add_quoted(text, call->trailer, call->trailer_size, PRINTABLE_BYTES);
        text_add(text, ", %zu", call->trailer_size);
}

void describe_request(const struct call *call, const ProtobufCMessage *request, struct trace_event *event) {
        const struct ax_method *method = &ax_methods[call->method];
        struct text text = { .at = event->text, .left = sizeof(event->text) };
        unsigned argument = 1;

        snprintf(event->name, sizeof(event->name), "%s", method->name);
        for (unsigned i = 0; i < request->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &request->descriptor->fields[i];
                struct ax_field traits = traits_of(method->request, i);

                if (!is_shown(request, field, traits))
                        continue;
                if (argument++ == method->trailer)
                        add_trailer(&text, call);
                text_separate(&text);
                add_field(&text, request, field, traits);
        }
        if (argument <= method->trailer)
                add_trailer(&text, call);
}

/* Results that are too large for a status are a field of the reply. */
static bool take_result(const struct ax_field *fields, const ProtobufCMessage *reply, int64_t *ret) {
        for (unsigned i = 0; i < reply->descriptor->n_fields; i++)
                if (traits_of(fields, i).result) {
                        *ret = (int64_t) number_of(&reply->descriptor->fields[i],
                                                   member(reply, &reply->descriptor->fields[i]));
                        return true;
                }
        return false;
}

static void add_reply(struct text *text, const struct ax_field *fields, const ProtobufCMessage *reply) {
        text_add(text, "{");
        for (unsigned i = 0; i < reply->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &reply->descriptor->fields[i];
                struct ax_field traits = traits_of(fields, i);

                if (!is_shown(reply, field, traits))
                        continue;
                text_separate(text);
                if (!traits.unnamed)
                        text_add(text, "%s ", field->name);
                add_field(text, reply, field, traits);
        }
        text_add(text, "}");
}

/* The host knows how a host program ended, and tells its parent. */
static void add_wait_reply(struct text *text, const struct call *call, const ProtobufCMessage *reply) {
        if (call->reply.status == 0)
                return; /* no child has anything to report yet */
        if (((const Axeberg__WaitReply *) reply)->host_status)
                text_add(text, "{as the host program ended}");
        else
                add_reply(text, ax_methods[call->method].reply, reply);
}

static bool has_shown_fields(const struct ax_field *fields, const ProtobufCMessageDescriptor *type) {
        for (unsigned i = 0; i < type->n_fields; i++)
                if (!traits_of(fields, i).hidden)
                        return true;
        return false;
}

void describe_reply(const struct call *call, const ProtobufCMessage *reply, struct trace_event *event) {
        const struct ax_method *method = &ax_methods[call->method];
        const struct ax_field *fields =
                reply->descriptor == axeberg__kernel__descriptor.methods[call->method].output ? method->reply : NULL;
        struct text text = { .at = event->outcome, .left = sizeof(event->outcome) };

        event->has_result = true;
        event->result = call->reply.status;
        if (call->reply.status < 0 || take_result(fields, reply, &event->result))
                return;
        if (call->method == AX_METHOD(wait))
                add_wait_reply(&text, call, reply);
        else if (method->returns_data && call->reply.trailer_size > 0)
                text_add_quoted(&text, call->reply.trailer, call->reply.trailer_size, PRINTABLE_BYTES);
        else if (has_shown_fields(fields, reply->descriptor))
                add_reply(&text, fields, reply);
}

void describe_local_call(const struct call *call, const Axeberg__LocalCallRequest *request) {
        struct trace_event event;

        if (!process_event_init(&event, call->process, AX_TRACE_SYSCALL))
                return;
        event.duration_nsec = request->duration_nsec;
        event.has_result = true;
        event.result = request->result;
        snprintf(event.name, sizeof(event.name), "%s", local_call_name(request->call));
        if (request->call == AX_LOCAL_MEM_READ || request->call == AX_LOCAL_MEM_WRITE)
                snprintf(event.text, sizeof(event.text), "%lld, %llu, %llu", (long long) request->object,
                         (unsigned long long) request->offset, (unsigned long long) request->size);
        else if (request->call == AX_LOCAL_MEM_MAP)
                snprintf(event.text, sizeof(event.text), "%lld", (long long) request->object);
        trace_record(&call->kernel->trace, &event);
}
