/* SPDX-License-Identifier: MIT */
/*
 * generate - makes C of what axeberg.proto says about its methods
 *
 *   generate DESCRIPTORS METHODS HANDLERS
 *
 * DESCRIPTORS is protoc's description of the file and those that it imports. METHODS becomes the
 * table of methods.h: each option of the proto is a member of the same name there. HANDLERS becomes
 * the prototypes of the functions that serve the methods.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"

typedef Google__Protobuf__FileDescriptorProto File;
typedef Google__Protobuf__DescriptorProto Message;
typedef Google__Protobuf__FieldDescriptorProto Field;
typedef Google__Protobuf__MethodDescriptorProto Method;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        exit(1);
}

static Google__Protobuf__FileDescriptorSet *read_descriptors(const char *path) {
        static uint8_t bytes[1 << 20];
        FILE *in = fopen(path, "rb");
        size_t size = in ? fread(bytes, 1, sizeof(bytes), in) : 0;
        Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(NULL, size, bytes);

        if (in)
                fclose(in);
        if (!set || set->n_file == 0)
                fail("%s: no descriptors", path);
        return set;
}

/* Returns the list of pointers with more of them at its end. */
static void *append(void *list, size_t *n, const void *more, size_t n_more) {
        void **longer = realloc(list, (*n + n_more + 1) * sizeof(void *));

        if (!longer)
                fail("there is no memory");
        if (n_more > 0)
                memcpy((void *) (longer + *n), more, n_more * sizeof(void *));
        *n += n_more;
        return (void *) longer;
}

/* What is declared in our files, without protobuf's own. */
static File join_files(const Google__Protobuf__FileDescriptorSet *set) {
        File all = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_PROTO__INIT;

        for (size_t i = 0; i < set->n_file; i++) {
                const File *file = set->file[i];

                if (strncmp(file->name, "google/", 7) == 0)
                        continue;
                all.message_type =
                        append(all.message_type, &all.n_message_type, file->message_type, file->n_message_type);
                all.extension = append(all.extension, &all.n_extension, file->extension, file->n_extension);
                all.service = append(all.service, &all.n_service, file->service, file->n_service);
        }
        if (all.n_service != 1)
                fail("there are %zu services, not one", all.n_service);
        return all;
}

static FILE *create(const char *path) {
        FILE *out = fopen(path, "w");

        if (!out)
                fail("%s: cannot be made", path);
        fprintf(out, "/* Generated from axeberg.proto. */\n");
        return out;
}

static void finish(FILE *out, const char *path) {
        if (ferror(out) | fclose(out))
                fail("%s: cannot be written", path);
}

/* "MemAlloc" is mem_alloc in C, as protobuf-c has it. */
static void print_c_name(FILE *out, const char *name) {
        for (const char *at = name; *at; at++)
                fprintf(out, "%s%c", isupper((unsigned char) *at) && at != name ? "_" : "",
                        tolower((unsigned char) *at));
}

/* ".axeberg.OpenRequest" is the message OpenRequest. */
static const char *message_name(const char *type) {
        return strrchr(type, '.') + 1;
}

/* ---- options --------------------------------------------------------------------------------- */

static const char *option_name(const File *file, uint32_t number) {
        for (size_t i = 0; i < file->n_extension; i++)
                if ((uint32_t) file->extension[i]->number == number)
                        return file->extension[i]->name;
        fail("there is no option with the number %u", number);
}

/* All are numbers or booleans, which the wire has as varints. */
static unsigned long long option_value(const ProtobufCMessageUnknownField *option) {
        unsigned long long value = 0;

        if (option->wire_type != PROTOBUF_C_WIRE_TYPE_VARINT)
                fail("option %u is no number", option->tag);
        for (size_t i = 0; i < option->len; i++)
                value |= (unsigned long long) (option->data[i] & 0x7f) << (7 * i);
        return value;
}

/* `options` is NULL, or a message whose extensions protobuf-c does not know. */
static void print_options(FILE *out, const File *file, const ProtobufCMessage *options) {
        for (unsigned i = 0; options && i < options->n_unknown_fields; i++)
                fprintf(out, ".%s = %llu, ", option_name(file, options->unknown_fields[i].tag),
                        option_value(&options->unknown_fields[i]));
}

/* ---- messages -------------------------------------------------------------------------------- */

static bool has_options(const Message *message) {
        for (size_t i = 0; i < message->n_field; i++)
                if (message->field[i]->options && message->field[i]->options->base.n_unknown_fields > 0)
                        return true;
        return false;
}

/* protobuf-c's own table is in the order of numbers; so must be the proto. */
static void check_order(const Message *message) {
        for (size_t i = 1; i < message->n_field; i++)
                if (message->field[i]->number < message->field[i - 1]->number)
                        fail("%s: the fields are not in the order of their numbers", message->name);
}

static void print_fields(FILE *out, const File *file, const Message *message) {
        if (!has_options(message))
                return;
        check_order(message);
        fprintf(out, "static const struct ax_field fields_of_%s[] = {\n", message->name);
        for (size_t i = 0; i < message->n_field; i++) {
                const Field *field = message->field[i];

                fprintf(out, "        { ");
                print_options(out, file, field->options ? &field->options->base : NULL);
                fprintf(out, "}, /* %s */\n", field->name);
        }
        fprintf(out, "};\n\n");
}

static void print_fields_of(FILE *out, const File *file, const char *member, const char *type) {
        for (size_t i = 0; i < file->n_message_type; i++)
                if (strcmp(file->message_type[i]->name, message_name(type)) == 0 && has_options(file->message_type[i]))
                        fprintf(out, ".%s = fields_of_%s, ", member, file->message_type[i]->name);
}

/* ---- methods --------------------------------------------------------------------------------- */

static void print_method(FILE *out, const File *file, const Method *method) {
        fprintf(out, "        { .name = \"");
        print_c_name(out, method->name);
        fprintf(out, "\", ");
        print_fields_of(out, file, "request", method->input_type);
        print_fields_of(out, file, "reply", method->output_type);
        print_options(out, file, method->options ? &method->options->base : NULL);
        fprintf(out, "},\n");
}

static void print_handler(FILE *out, const Method *method) {
        fprintf(out, "void sys_");
        print_c_name(out, method->name);
        fprintf(out, "(Axeberg__Kernel_Service *service, const Axeberg__%s *request,\n",
                message_name(method->input_type));
        fprintf(out, "        Axeberg__%s_Closure closure, void *data);\n", message_name(method->output_type));
}

int main(int argc, char **argv) {
        Google__Protobuf__FileDescriptorSet *set = argc == 4 ? read_descriptors(argv[1]) : NULL;
        const Google__Protobuf__ServiceDescriptorProto *service;
        FILE *methods, *handlers;
        File joined, *file = &joined;

        if (!set)
                fail("usage: generate DESCRIPTORS METHODS HANDLERS");
        joined = join_files(set);
        service = file->service[0];
        methods = create(argv[2]);
        handlers = create(argv[3]);
        fprintf(methods, "#include \"methods.h\"\n\n");
        for (size_t i = 0; i < file->n_message_type; i++)
                print_fields(methods, file, file->message_type[i]);
        fprintf(methods, "const struct ax_method ax_methods[AX_METHODS] = {\n");
        fprintf(handlers, "#pragma once\n\n#include \"axeberg.pb-c.h\"\n\n");
        for (size_t i = 0; i < service->n_method; i++) {
                print_method(methods, file, service->method[i]);
                print_handler(handlers, service->method[i]);
        }
        fprintf(methods, "};\n");
        finish(methods, argv[2]);
        finish(handlers, argv[3]);
        free(joined.message_type);
        free(joined.extension);
        free(joined.service);
        google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
        return 0;
}
