/* SPDX-License-Identifier: MIT */
/*
 * A daemon that a test plays itself: the library's connection ends in a thread of the case, which
 * answers as it likes, well or badly. Here the library alone is tested, with replies that no
 * axebergd would ever give.
 *
 * A server's body runs in that thread. It reports through fake_complain(): assertions belong to
 * the main thread, where fake_end() joins the body, closes the server's end and fails the case
 * for a complaint.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "axeberg.h"
#include "wire.h"

enum { FAKE_PID = 77, FAKE_LIMIT_MS = 20000 };

struct fake {
        int fd;        /* the server's end */
        int client_fd; /* the library's own; only to look at, or to fill its queue */
        pthread_t thread;
        void (*body)(struct fake *fake);
        void *userdata; /* the case's */
        char complaint[128];
        struct wire_frame request;
};

/*
 * Connect the library to a new server. After Hello the body runs. Return: the result of
 * ax_connect().
 */
int fake_connect(struct fake *fake, void (*body)(struct fake *fake), ax_client **ret);

/* As fake_connect(), but the body has to answer Hello too. */
int fake_connect_unanswered(struct fake *fake, void (*body)(struct fake *fake), ax_client **ret);

/* Wait for the body to end. fake_join() leaves the connection open. */
void fake_join(struct fake *fake);
void fake_end(struct fake *fake);

/* ---- for bodies ------------------------------------------------------------------------------ */

/* The first complaint tells most. */
#define fake_complain(fake, ...)                                                                                       \
        do {                                                                                                           \
                if (!(fake)->complaint[0])                                                                             \
                        snprintf((fake)->complaint, sizeof((fake)->complaint), __VA_ARGS__);                           \
        } while (0)

/* Wait for a request into fake->request. Return: 1, 0: the client has closed (no complaint). */
int fake_receive(struct fake *fake);

/* As fake_receive(), and complain unless it calls @method. Return: 1, 0 after a complaint. */
int fake_expect(struct fake *fake, const char *method);

struct fake_reply {
        uint32_t serial, method;
        int status;
        const ProtobufCMessage *message;
        const void *trailer;
        size_t trailer_size;
        const int *fds;
        size_t n_fds;
};

void fake_send(struct fake *fake, const struct fake_reply *reply);

/* Answer fake->request with an Empty. */
void fake_answer(struct fake *fake, int status);

/* Send an event of a kind that the library does not know. */
void fake_send_event(struct fake *fake);

/* Answer every request with 0, until the client has closed. */
void fake_serve(struct fake *fake);

/*
 * Unpack the message of fake->request: fake_unpack(fake, dup2_request). Free it with the type's
 * own function.
 */
#define fake_unpack(fake, type) axeberg__##type##__unpack(NULL, (fake)->request.message_size, (fake)->request.message)
