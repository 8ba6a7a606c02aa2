/* SPDX-License-Identifier: MIT */
/*
 * Hostile clients of the daemon's kernel: what the records of an input mean, and what must hold
 * for every answer.
 *
 * Six clients have a place each: an administrator, two ordinary users, and whoever an input
 * connects or spawns. Frames go out one at a time, and the kernel runs until it is idle after
 * each, unless the record says that the next one follows at once.
 */
#pragma once

#include <stdint.h>

#include "input.h"

enum record_kind {
        RECORD_CALL,  /* method (1 byte), length of the trailer (2), message, trailer */
        RECORD_FRAME, /* bytes as they are */
        RECORD_REQUEST, /* length, serial, method, status, trailer, flags (4 bytes each), and what comes behind them; length 0: the right one */
        RECORD_CONNECT, /* user (1 byte), greets (1 byte) */
        RECORD_CLOSE,
        RECORD_DESCRIPTOR, /* which (1 byte), what to do (1 byte), argument (4 bytes) */
        RECORD_PASS,       /* as RECORD_CALL, with descriptors that nobody asked for */
        RECORD_DEAFEN,     /* reads no more answers, or does so again */
        RECORD_WAIT,       /* milliseconds, at most 3 */
        RECORD_KINDS,
};

enum { CLIENTS = 6, CLIENT_MASK = 7, SELECT_AT_ONCE = 0x80, CALL_HEADER = 3 };

/* Connects the first ones. */
void clients_start(void);
void clients_do(const struct record *record);
/* Disconnects all. */
void clients_end(void);

/* One whole input. */
void clients_run(const uint8_t *data, size_t size);
