/* SPDX-License-Identifier: MIT */
/*
 * Text that somebody else has written, made printable.
 *
 * Names, titles, arguments and notes are any bytes that their authors like: control characters that
 * a terminal obeys, line feeds that begin a forged line, characters that reorder or hide others,
 * bytes that are no UTF-8. What stores such text for others to read, or shows it, passes it through
 * printable() first, which makes visible escapes of all of them:
 *
 *     \n \t \r \\        line feed, tab, carriage return, backslash
 *     \x1b \x7f \xff     any other control character of ASCII; a byte that is not part of UTF-8
 *     \u009b \u202e      a control or format character, a line separator, what shows nothing
 *     \U000e0001         the same beyond U+FFFF
 *
 * Every kind of escape has one length and a backslash of the text is escaped, too, so the text can
 * be told from what was escaped. Text is therefore escaped once: where it is stored, if it is only
 * ever shown (commands, titles, the trace), else where it is shown (names, paths). A second pass
 * with PRINTABLE_ESCAPED changes nothing in text that has been escaped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        PRINTABLE_ESCAPED = 1, /* it has been escaped before: backslashes stay as they are */
        PRINTABLE_QUOTE = 2,   /* it will stand between double quotes: those in it are escaped */
        PRINTABLE_ASCII = 4,   /* every character beyond ASCII is escaped */
        PRINTABLE_BYTES = 8,   /* it is data: every byte beyond ASCII is escaped by itself */
};

/* No character becomes more bytes than so many for each of its own. */
enum { PRINTABLE_GROWTH = 4 };

/*
 * Copies `length` bytes of text, made printable, and a zero. If the result needs more than `size`
 * bytes it is cut before a whole character or escape. Returns the result's length.
 */
size_t printable(char *to, size_t size, const char *from, size_t length, unsigned flags);
/* Does the same with a string in its own place, of at most PRINTABLE_IN_PLACE bytes. */
enum { PRINTABLE_IN_PLACE = 2048 };
void printable_in_place(char *text, size_t size, unsigned flags);

/* Returns the length of the character, or of the escape, that printable text begins with. */
size_t printable_piece(const char *text, size_t size);

/* Returns true if the character may be shown as it is. */
bool character_is_printable(uint32_t character);

/* ---- UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF) ------------------------ */

/* Returns the length of the character at `text`, or 0 if it is malformed or not all there. */
size_t utf8_decode(const char *text, size_t size, uint32_t *ret);
bool utf8_is_valid(const char *text, size_t size);
/* Returns the length of the text without the part of a character that it may end with. */
size_t utf8_trim(const char *text, size_t size);
/* Copies a string, cut behind a whole character if it is longer than there is room for. */
void utf8_copy(char *to, size_t size, const char *from);
