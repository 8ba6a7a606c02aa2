/* SPDX-License-Identifier: MIT */
#include "show.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

static bool is_utf8; /* the locale */

void show_init(void) {
        setlocale(LC_ALL, "");
        setlocale(LC_NUMERIC, "C"); /* figures are read by programs, too */
        is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Classifies the next character for printable(). */
static unsigned flags_of(uint32_t character, bool is_first) {
        int width = is_utf8 && character > 0x7E ? wcwidth((wchar_t) character) : 1;

        return !is_utf8 || width < 0 || (width == 0 && is_first) ? PRINTABLE_ASCII : 0;
}

static const char *show(const char *text, char buffer[static SHOWN_SIZE], unsigned flags) {
        size_t left = strlen(text), used = 0, taken, n;

        buffer[0] = '\0';
        for (; left > 0; text += taken, left -= taken, used += n) {
                uint32_t character = 0;

                taken = utf8_decode(text, left, &character);
                if (taken == 0)
                        taken = 1;
                n = printable(buffer + used, SHOWN_SIZE - used, text, taken, flags | flags_of(character, used == 0));
                if (n == 0)
                        break; /* no room */
        }
        return buffer;
}

const char *shown(const char *text, char buffer[static SHOWN_SIZE]) {
        return show(text, buffer, 0);
}

const char *shown_again(const char *text, char buffer[static SHOWN_SIZE]) {
        return show(text, buffer, PRINTABLE_ESCAPED);
}

/* ---- screens --------------------------------------------------------------------------------- */

/* Returns the length of a sequence that sets colours and the like, ESC [ ... m, or 0. */
static size_t dress_length(const char *row) {
        size_t length;

        if (row[0] != '\033' || row[1] != '[')
                return 0;
        length = 2 + strspn(row + 2, "0123456789;:");
        return row[length] == 'm' ? length + 1 : 0;
}

/* Returns the length of the character at `row`; sets its text and its cells. */
static size_t take_character(const char *row, size_t left, const char **ret_shown, size_t *ret_shown_length,
                             size_t *ret_cells) {
        uint32_t character = 0;
        size_t length = utf8_decode(row, left, &character);
        int width = character > 0x7E && is_utf8 ? wcwidth((wchar_t) character) : 1;

        *ret_shown = row;
        *ret_shown_length = length;
        if (length == 0 || !character_is_printable(character) || (character > 0x7E && !is_utf8) || width < 0) {
                *ret_shown = is_utf8 ? "\uFFFD" : "?";
                *ret_shown_length = strlen(*ret_shown);
                width = 1;
        }
        *ret_cells = (size_t) width;
        return length > 0 ? length : 1;
}

void show_row(FILE *out, const char *row, bool dressed, size_t columns) {
        size_t left = strlen(row), length;

        for (; left > 0; row += length, left -= length) {
                const char *text = row;
                size_t size, cells = 0;

                length = size = dressed ? dress_length(row) : 0;
                if (length == 0)
                        length = take_character(row, left, &text, &size, &cells);
                if (cells > columns)
                        break;
                fwrite(text, 1, size, out);
                columns -= cells;
        }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

const char *json_text(const char *text, char buffer[static SHOWN_SIZE]) {
        if (utf8_is_valid(text, strlen(text)))
                return text;
        printable(buffer, SHOWN_SIZE, text, strlen(text), 0);
        return buffer;
}

json_object *json_string(const char *text) {
        char buffer[SHOWN_SIZE];

        return json_object_new_string(json_text(text, buffer));
}

/* As RFC 8259 has it: beyond U+FFFF a pair of surrogates. */
static void put_escape(FILE *out, uint32_t character) {
        if (character > 0xFFFF)
                fprintf(out, "\\u%04x\\u%04x", 0xD800 + ((character - 0x10000) >> 10), 0xDC00 + (character & 0x3FF));
        else
                fprintf(out, "\\u%04x", character);
}

/* What is not ASCII, and not a control character, is in JSON only within strings. */
void json_print(FILE *out, const char *json) {
        size_t left = strlen(json), length;

        for (; left > 0; json += length, left -= length) {
                uint32_t character = 0xFFFD;

                length = utf8_decode(json, left, &character);
                if (length == 0)
                        length = 1; /* json_text() has seen to that */
                else if (*json == '\n' || *json == '\t' ||
                         (character_is_printable(character) && (is_utf8 || character <= 0x7E))) {
                        fwrite(json, 1, length, out);
                        continue;
                }
                put_escape(out, character);
        }
}
