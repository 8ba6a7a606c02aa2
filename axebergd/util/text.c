/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include "printable.h"

bool text_is_utf8(const char *text, size_t size) {
        return utf8_is_valid(text, size);
}
