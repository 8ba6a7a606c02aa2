/* SPDX-License-Identifier: MIT */
/*
 * A session's input: the next frame, from the socket or from the rings, in the order in which the
 * client sent them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "account/user.h"
#include "server/rings.h"

struct workers;

struct intake {
        int fd; /* the session's */
        struct workers *workers;
        struct user *user; /* outlives this */
        pid_t host_pid;
        bool admits_descriptors; /* the host's kernel lets through what the client passes */
        bool wants_sender;       /* of the first frame, see struct connection */
        pid_t sender;            /* that one; 0: unknown */
        struct rings *rings;     /* or NULL */
        struct {
                uint8_t *frame; /* came over the socket before something that was sent earlier; or NULL */
                size_t size;
                struct user_charge charge;
        } early;
};

void intake_deinit(struct intake *intake);

/*
 * Receives the next frame. `readable`: the socket may have something that the rings do not tell of.
 * Returns its size, 0 if there is none, -EAGAIN if something else came and there may be more, or a
 * different negative errno: the session is over. The frame stays until the next one is received.
 */
ssize_t intake_receive(struct intake *intake, bool readable, const uint8_t **ret_frame);

/* Whether there is something that no descriptor announces. */
bool intake_has_input(const struct intake *intake);
/* Lets the socket announce everything. Returns false if there is input already. */
bool intake_rest(struct intake *intake);

/* Logs that the client has written nonsense into its rings. Returns -EBADMSG. */
int intake_complain(const struct intake *intake);
