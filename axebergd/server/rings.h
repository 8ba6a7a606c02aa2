/* SPDX-License-Identifier: MIT */
/*
 * A session's rings (proto/ring.h): frames that come and go without a system call.
 *
 * Their memory is a memfd that the program maps and seals, so that it cannot keep us waiting
 * (memory/memfd.h). Nothing in it is touched before its first bell, which promises that. Nothing
 * that the program writes there is believed: whatever breaks the rules ends the session, and costs
 * nobody else anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"
#include "util/lane.h"

struct user;
struct workers;

struct rings;

/* Makes them. `*ret_fd` stays theirs, for the program. Returns 0 or a negative errno. */
int rings_new(struct rings **ret, struct workers *workers, struct user *user, uint32_t spin_nsec, int *ret_fd);
struct rings *rings_free(struct rings *rings);
/* At the end: gives back what could not be unmapped. */
void rings_forget_kept(void);

/* For each NULL: there are none, and nothing is in them. */

/* The program has rung for the first time. Returns 0, or -EBADMSG: it has not sealed them. */
int rings_begin(struct rings *rings);
/* Returns whether they are used. */
bool rings_are_used(const struct rings *rings);

/* Returns whether there is something to read, or to complain about. */
bool rings_have_input(const struct rings *rings);
/* What is to be read next. */
enum ax_ring_next rings_next(const struct rings *rings);
/* Copies a frame out. Returns its size, or 0 if it is none. */
size_t rings_pop(struct rings *rings, uint8_t bytes[static AX_RING_MAX_FRAME]);
/* A frame has come over the socket, which the rings count. */
void rings_count_received(struct rings *rings);

/*
 * Sends a frame. Returns 1, 0 if it has to go over the socket, or -EBADMSG. `*ret_bell`: the
 * program sleeps, and is to be sent a bell.
 */
int rings_push(struct rings *rings, const void *head, size_t head_size, const void *trailer, size_t trailer_size,
               bool *ret_bell);
/* So many frames have gone over the socket, ever. */
void rings_set_sent(struct rings *rings, uint32_t n_sent);
/* The number of the frame on the socket that tells of the rings. */
void rings_count_from(struct rings *rings, uint32_t n_sent);

/* Asks for a bell. Returns false if there is input already. */
bool rings_rest(struct rings *rings);
/*
 * Takes that back. Returns true if a bell is in the socket, or will be soon; false also if none was
 * asked for.
 */
bool rings_rouse(struct rings *rings);
bool rings_do_rest(const struct rings *rings);
