/* SPDX-License-Identifier: MIT */
#include "printable.h"

#include <stdio.h>
#include <string.h>

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

/* Returns what the first byte promises, 0 if no character begins with it. */
static size_t sequence_length(unsigned char first) {
        if (first < 0x80)
                return 1;
        if (first < 0xC2)
                return 0;
        return first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

static bool is_continuation(unsigned char byte) {
        return (byte & 0xC0) == 0x80;
}

size_t utf8_decode(const char *text, size_t size, uint32_t *ret) {
        static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *bytes = (const unsigned char *) text;
        size_t length = size > 0 ? sequence_length(bytes[0]) : 0;
        uint32_t character;

        if (length == 0 || length > size)
                return 0;
        character = length == 1 ? bytes[0] : bytes[0] & (0xFFu >> (length + 1));
        for (size_t i = 1; i < length; i++) {
                if (!is_continuation(bytes[i]))
                        return 0;
                character = character << 6 | (bytes[i] & 0x3Fu);
        }
        if (character < smallest[length] || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
                return 0;
        *ret = character;
        return length;
}

bool utf8_is_valid(const char *text, size_t size) {
        uint32_t character;

        for (size_t at = 0, length; at < size; at += length) {
                length = utf8_decode(text + at, size - at, &character);
                if (length == 0)
                        return false;
        }
        return true;
}

size_t utf8_trim(const char *text, size_t size) {
        size_t begin = size;

        while (begin > 0 && size - begin < 3 && is_continuation((unsigned char) text[begin - 1]))
                begin--;
        if (begin > 0 && sequence_length((unsigned char) text[begin - 1]) > size - begin + 1)
                return begin - 1;
        return size;
}

void utf8_copy(char *to, size_t size, const char *from) {
        size_t length = strnlen(from, size);

        if (length == size)
                length = utf8_trim(from, size - 1);
        memcpy(to, from, length);
        to[length] = '\0';
}

/* ---- what can be shown ----------------------------------------------------------------------- */

/*
 * Unicode's control and format characters, line and paragraph separators, characters that it says
 * may be ignored in display, and noncharacters below U+FFFF. In order.
 */
static const struct {
        uint32_t first, last;
} hidden[] = {
        { 0x0000, 0x001F },   { 0x007F, 0x009F },   { 0x00AD, 0x00AD },   { 0x034F, 0x034F },   { 0x0600, 0x0605 },
        { 0x061C, 0x061C },   { 0x06DD, 0x06DD },   { 0x070F, 0x070F },   { 0x0890, 0x0891 },   { 0x08E2, 0x08E2 },
        { 0x115F, 0x1160 },   { 0x17B4, 0x17B5 },   { 0x180B, 0x180F },   { 0x200B, 0x200F },   { 0x2028, 0x202E },
        { 0x2060, 0x206F },   { 0x3164, 0x3164 },   { 0xFDD0, 0xFDEF },   { 0xFE00, 0xFE0F },   { 0xFEFF, 0xFEFF },
        { 0xFFA0, 0xFFA0 },   { 0xFFF0, 0xFFFB },   { 0x110BD, 0x110BD }, { 0x110CD, 0x110CD }, { 0x13430, 0x1343F },
        { 0x1BCA0, 0x1BCA3 }, { 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF },
};

bool character_is_printable(uint32_t character) {
        size_t begin = 0, end = sizeof(hidden) / sizeof(hidden[0]);

        if (character >= 0x20 && character < 0x7F)
                return true;
        if (character > 0x10FFFF || (character & 0xFFFE) == 0xFFFE || (character >= 0xD800 && character <= 0xDFFF))
                return false;
        while (begin < end) {
                size_t middle = (begin + end) / 2;

                if (character > hidden[middle].last)
                        begin = middle + 1;
                else if (character < hidden[middle].first)
                        end = middle;
                else
                        return false;
        }
        return true;
}

/* ---- escapes --------------------------------------------------------------------------------- */

enum { ESCAPE_SIZE = 12 };

static bool is_escaped(uint32_t character, unsigned flags) {
        if (character == '\\')
                return !(flags & PRINTABLE_ESCAPED);
        if (character == '"')
                return flags & PRINTABLE_QUOTE;
        return (character > 0x7E && flags & PRINTABLE_ASCII) || !character_is_printable(character);
}

static size_t escape_byte(char escape[static ESCAPE_SIZE], unsigned char byte) {
        return (size_t) snprintf(escape, ESCAPE_SIZE, "\\x%02x", byte);
}

static size_t escape_character(char escape[static ESCAPE_SIZE], uint32_t character) {
        static const char letters[] = "\nn\tt\rr\\\\\"\"";

        for (const char *letter = letters; *letter; letter += 2)
                if (character == (unsigned char) letter[0])
                        return (size_t) snprintf(escape, ESCAPE_SIZE, "\\%c", letter[1]);
        if (character < 0x80)
                return escape_byte(escape, (unsigned char) character);
        return (size_t) snprintf(escape, ESCAPE_SIZE, character > 0xFFFF ? "\\U%08x" : "\\u%04x", character);
}

/* Returns the length of the escape that escaped text has here: it is kept or cut as a whole. */
static size_t known_escape(const char *text, size_t size) {
        size_t length = size < 2                                ? 1
                        : text[1] == 'x'                        ? 4
                        : text[1] == 'u'                        ? 6
                        : text[1] == 'U'                        ? 10
                        : text[1] && strchr("ntr\\\"", text[1]) ? 2
                                                                : 1;

        if (length > size)
                return 1;
        for (size_t i = 2; i < length; i++)
                if (!text[i] || !strchr("0123456789abcdef", text[i]))
                        return 1;
        return length;
}

/* Takes one character, or one byte that is none. Returns how many bytes those are. */
static size_t take(const char *from, size_t length, unsigned flags, char escape[static ESCAPE_SIZE],
                   size_t *ret_escape) {
        uint32_t character;
        size_t taken;

        *ret_escape = 0;
        if (*from == '\\' && flags & PRINTABLE_ESCAPED)
                return known_escape(from, length);
        taken = (unsigned char) *from >= 0x80 && flags & PRINTABLE_BYTES ? 0 : utf8_decode(from, length, &character);
        if (taken == 0)
                *ret_escape = escape_byte(escape, (unsigned char) *from);
        else if (is_escaped(character, flags))
                *ret_escape = escape_character(escape, character);
        return taken > 0 ? taken : 1;
}

size_t printable_piece(const char *text, size_t size) {
        uint32_t character;
        size_t length = *text == '\\' ? known_escape(text, size) : utf8_decode(text, size, &character);

        return length > 0 ? length : 1;
}

size_t printable(char *to, size_t size, const char *from, size_t length, unsigned flags) {
        size_t used = 0;

        while (length > 0) {
                char escape[ESCAPE_SIZE];
                size_t n_escape, taken = take(from, length, flags, escape, &n_escape), n = n_escape ? n_escape : taken;

                if (n >= size - used)
                        break;
                memcpy(to + used, n_escape ? escape : from, n);
                used += n;
                from += taken;
                length -= taken;
        }
        to[used] = '\0';
        return used;
}

/* Text is hardly ever anything else than ASCII. */
static bool is_plain(const char *text, unsigned flags) {
        for (; *text; text++)
                if (*text < 0x20 || *text > 0x7E || is_escaped((unsigned char) *text, flags))
                        return false;
        return true;
}

void printable_in_place(char *text, size_t size, unsigned flags) {
        char copy[PRINTABLE_IN_PLACE];
        size_t length;

        if (is_plain(text, flags))
                return;
        length = strnlen(text, sizeof(copy));
        memcpy(copy, text, length);
        printable(text, size, copy, length, flags);
}
