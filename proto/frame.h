/* SPDX-License-Identifier: MIT */
/*
 * The frame header of the axeberg wire protocol; WIRE.md tells the rules around it.
 *
 * Both sides include this file. Fields are little-endian on the wire: use ax_frame_header_encode()
 * and ax_frame_header_decode(), never the struct's bytes.
 */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
        AX_PROTOCOL_VERSION = 2,
        AX_FRAME_HEADER_SIZE = 24,
        AX_FRAME_MAX_PAYLOAD = 65536, /* message + trailer */
        AX_FRAME_MAX_SIZE = AX_FRAME_HEADER_SIZE + AX_FRAME_MAX_PAYLOAD,
        AX_FRAME_MAX_FDS = 16,
        /* The most data one read or write carries; leaves room for the message beside it. */
        AX_FRAME_MAX_DATA = 61440,
};

enum {
        AX_FRAME_REPLY = 1,
        AX_FRAME_EVENT = 2,
};

struct ax_frame_header {
        uint32_t length;
        uint32_t serial;
        uint32_t method;
        int32_t status;
        uint32_t trailer;
        uint32_t flags;
};

static inline void ax_frame_header_encode(const struct ax_frame_header *header, uint8_t *bytes) {
        const uint32_t fields[6] = {
                htole32(header->length),  htole32(header->serial),
                htole32(header->method),  htole32((uint32_t) header->status),
                htole32(header->trailer), htole32(header->flags),
        };

        memcpy(bytes, fields, sizeof(fields));
}

static inline void ax_frame_header_decode(struct ax_frame_header *header, const uint8_t *bytes) {
        uint32_t fields[6];

        memcpy(fields, bytes, sizeof(fields));
        header->length = le32toh(fields[0]);
        header->serial = le32toh(fields[1]);
        header->method = le32toh(fields[2]);
        header->status = (int32_t) le32toh(fields[3]);
        header->trailer = le32toh(fields[4]);
        header->flags = le32toh(fields[5]);
}

/* A method's number is its place in the service. For code that includes axeberg.pb-c.h. */
#define AX_METHOD(name)                                                                                                \
        ((uint32_t) ((offsetof(Axeberg__Kernel_Service, name) - offsetof(Axeberg__Kernel_Service, hello)) /            \
                     sizeof(void (*)(void))))
