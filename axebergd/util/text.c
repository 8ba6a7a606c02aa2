#include "util/text.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte) {
        return (byte & 0xC0) == 0x80;
}

/* Length of the sequence at `bytes`, 0 where it is malformed or longer than `size`. */
static size_t utf8_sequence(const unsigned char *bytes, size_t size) {
        static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = bytes[0] < 0x80             ? 1
                        : (bytes[0] & 0xE0) == 0xC0 ? 2
                        : (bytes[0] & 0xF0) == 0xE0 ? 3
                        : (bytes[0] & 0xF8) == 0xF0 ? 4
                                                    : 0;
        uint32_t code;

        if (length < 2)
                return length;
        if (length > size)
                return 0;
        code = bytes[0] & (0xFFu >> (length + 1));
        for (size_t i = 1; i < length; i++) {
                if (!is_continuation(bytes[i]))
                        return 0;
                code = code << 6 | (bytes[i] & 0x3Fu);
        }
        if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
                return 0;
        return length;
}

bool text_is_utf8(const char *text, size_t size) {
        const unsigned char *bytes = (const unsigned char *) text;

        for (size_t at = 0, length; at < size; at += length) {
                length = utf8_sequence(bytes + at, size - at);
                if (length == 0)
                        return false;
        }
        return true;
}

void text_make_utf8(char *to, size_t size, const char *from) {
        size_t left = strlen(from), used = 0;

        while (left > 0) {
                size_t length = utf8_sequence((const unsigned char *) from, left);
                bool is_good = length > 0;

                if (!is_good)
                        length = 1;
                if (used + length >= size)
                        break;
                memcpy(to + used, is_good ? from : "?", length);
                used += length;
                from += length;
                left -= length;
        }
        to[used] = '\0';
}
