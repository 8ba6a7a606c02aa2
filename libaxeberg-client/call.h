/* SPDX-License-Identifier: MIT */
/*
 * Calls to the daemon.
 *
 * A call is written as its rpc, its request and what becomes of the reply:
 *
 *     return CALL(ax, dup2, Dup2Request, .fd = fd, .newfd = newfd);
 *
 *     return RPC(ax, fstat, REQUEST(FdRequest, .fd = fd), stat_on_reply,
 *                &(struct rpc){ .context = ret });
 *
 * It checks the handle, so its callers need not.
 */
#pragma once

#include "client.h"
#include "rpc.h"

/* Returns the service of a handle that cannot be used: every call fails. */
ProtobufCService *call_refusal(const ax_client *ax);

/* Returns the service that the stubs call. */
static inline ProtobufCService *call_service(ax_client *ax) {
        return client_check(ax) == 0 ? &ax->service.base : call_refusal(ax);
}

/*
 * A request with these fields; the others are zero. The rpc knows its type, so it needs no
 * initialiser.
 */
#define REQUEST(type, ...) (&(Axeberg__##type){ __VA_ARGS__ })

/* Makes a call and gives its result. The closure sees a reply with a message before that. */
#define RPC(ax, stub, request, closure, call)                                                                          \
        ({                                                                                                             \
                struct rpc *call_ = (call);                                                                            \
                                                                                                                       \
                axeberg__kernel__##stub(call_service(ax), (request), (closure), call_);                                \
                call_->status;                                                                                         \
        })

/* Makes a call whose reply is its result only. */
#define CALL(ax, stub, type, ...) RPC(ax, stub, REQUEST(type, __VA_ARGS__), rpc_ignore, &(struct rpc){ 0 })

/*
 * Makes a call without waiting: nobody learns its result. Calls that are made later come after it.
 * Returns 0, or a negative error if it could not be sent.
 */
int call_notify(ax_client *ax, uint32_t method, ProtobufCMessage *request);

/* Prepares a new handle for calls. */
void call_init(ax_client *ax);

/* The closure of calls whose reply is an Empty. */
void rpc_ignore(const Axeberg__Empty *reply, void *data);
/* The closure of calls whose reply is an id; the context is a uint64_t, or NULL. */
void rpc_take_id(const Axeberg__IdReply *reply, void *data);
