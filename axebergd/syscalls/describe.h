/*
 * Calls in words, for the trace. Messages describe themselves (protobuf-c's descriptors); only what reads better otherwise has a row of a table.
 */
#pragma once

#include "syscalls/call.h"
#include "trace/trace.h"

/* The name of a method as the library has it: "mem_alloc". */
const char *describe_method(uint32_t method);
/* Whether the method is the program's doing; else it is the library's, or a reader's of the trace. */
bool describe_is_traced(uint32_t method);

/* Fills in name and text of a call that is about to be served. */
void describe_request(const struct call *call, const ProtobufCMessage *request, struct trace_event *event);
/* Records a call that the library has made without the daemon. */
void describe_local_call(const struct call *call, const Axeberg__LocalCallRequest *request);
/* Fills in result and outcome. */
void describe_reply(const struct call *call, const ProtobufCMessage *reply, struct trace_event *event);
