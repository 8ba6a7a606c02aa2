/* SPDX-License-Identifier: MIT */
/*
 * A list in replies: as many items as one frame has room for, by their bytes, and `more` if there
 * are others. Whoever lists asks before each item whether the reply takes it; the client's side
 * asks again, after the last item that it got (libaxeberg-client/list.h), until there is no more.
 *
 * An item is a message of bounded size: its texts are cut where they are stored. So every reply
 * takes at least one, and a list always gets on.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "axeberg.pb-c.h"
#include "frame.h"

enum {
        REPLY_LIST_BESIDE = 1024, /* for the reply's other fields */
        REPLY_LIST_SPACE = AX_FRAME_MAX_PAYLOAD - REPLY_LIST_BESIDE,
        REPLY_LIST_TAG = 6, /* before each item, its field's number and its length */
};

/* Returns true if one frame has room for a message and a trailer of so many bytes. */
static inline bool reply_fits_frame(size_t message_size, size_t trailer_size) {
        return message_size <= AX_FRAME_MAX_PAYLOAD && trailer_size <= AX_FRAME_MAX_PAYLOAD - message_size;
}

struct reply_list {
        size_t bytes; /* 0 to begin with */
};

/* Returns true, and counts the item, if the reply has room for it. */
static inline bool reply_list_takes(struct reply_list *list, const ProtobufCMessage *item) {
        size_t size = REPLY_LIST_TAG + protobuf_c_message_get_packed_size(item);

        assert(size <= REPLY_LIST_SPACE);
        if (size > REPLY_LIST_SPACE - list->bytes)
                return false;
        list->bytes += size;
        return true;
}
