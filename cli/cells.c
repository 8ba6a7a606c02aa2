/* SPDX-License-Identifier: MIT */
#include "cells.h"

#include <string.h>
#include <wchar.h>

#include "printable.h"

/* Takes one piece of the text. Returns its bytes and, in `ret_cells`, its cells. */
static size_t take_piece(const char *text, size_t left, size_t *ret_cells) {
        uint32_t character = 0;
        size_t length = printable_piece(text, left);
        int width = 1;

        if ((unsigned char) *text >= 0x80 && utf8_decode(text, length, &character) > 0)
                width = wcwidth((wchar_t) character);
        *ret_cells = (unsigned char) *text < 0x80 ? length : width > 0 ? (size_t) width : 0;
        return length;
}

size_t cells_count(const char *text) {
        size_t left = strlen(text), count = 0, cells, length;

        for (; left > 0; text += length, left -= length, count += cells)
                length = take_piece(text, left, &cells);
        return count;
}

size_t cells_fit(const char *text, size_t room) {
        size_t left = strlen(text), fits = 0, cells, length;

        for (; left > 0; fits += length, left -= length, room -= cells) {
                length = take_piece(text + fits, left, &cells);
                if (cells > room)
                        break;
        }
        return fits;
}

/* Returns the end of the last word of the first `length` bytes, its space included, or 0. */
static size_t last_word(const char *text, size_t length) {
        while (length > 0 && text[length - 1] != ' ')
                length--;
        return length;
}

size_t cells_line(const char *text, size_t room) {
        size_t left = strlen(text), fits = cells_fit(text, room), word, cells;

        if (fits == left)
                return fits;
        if (fits == 0)
                return take_piece(text, left, &cells);
        word = text[fits] == ' ' ? 0 : last_word(text, fits);
        return word >= cells_fit(text, room / 2) && word > 0 ? word : fits;
}
