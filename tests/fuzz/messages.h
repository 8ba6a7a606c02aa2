/* SPDX-License-Identifier: MIT */
/*
 * The protocol's messages, made and changed field by field as their descriptors say.
 *
 * Numbers of what exists (pids, tasks, windows …) are other ones in each run. So an input names
 * them: a number field with TOKEN + n stands for the n-th number that replies have brought lately,
 * and is replaced before the message is sent.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKEN = 0x7f000000, TOKENS = 16 };

/* xorshift64* */
struct random {
        uint64_t state;
};

struct random random_of(unsigned seed);
uint32_t below(struct random *random, uint32_t limit); /* limit 0: 0 */

/* The numbers that replies have brought; zeroed: none. */
struct numbers {
        uint64_t values[TOKENS];
        unsigned next;
};

void numbers_add(struct numbers *numbers, uint64_t number);
/* All number fields of a reply that has few of them. */
void numbers_learn(struct numbers *numbers, const ProtobufCMessage *reply);

/* Each writes at most `room` bytes. Return: how many. */
size_t message_build(uint8_t *bytes, size_t room, const ProtobufCMessageDescriptor *type, struct random *random);
size_t message_mutate(uint8_t *bytes, size_t size, size_t room, const ProtobufCMessageDescriptor *type,
                      struct random *random);
/* Replaces tokens. A message that is none stays as it is. */
size_t message_resolve(uint8_t *bytes, size_t size, size_t room, const ProtobufCMessageDescriptor *type,
                       const struct numbers *numbers);
