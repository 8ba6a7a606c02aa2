/* SPDX-License-Identifier: MIT */
/*
 * Calls in words, for the trace. Messages describe themselves (protobuf-c's descriptors), and the
 * options in the proto say what reads better in another way.
 */
#pragma once

#include "syscalls/call.h"
#include "trace/trace.h"

/* Fills in name and text of a call that is about to be served. */
void describe_request(const struct call *call, const ProtobufCMessage *request, struct trace_event *event);
/* Records a call that the library has made without the daemon. */
void describe_local_call(const struct call *call, const Axeberg__LocalCallRequest *request);
/* Fills in result and outcome. */
void describe_reply(const struct call *call, const ProtobufCMessage *reply, struct trace_event *event);
