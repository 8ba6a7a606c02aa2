/* SPDX-License-Identifier: MIT */
/*
 * Text from outside, made safe to show: no name of a program or a file acts on the terminal, ends a
 * line, or breaks a table (printable.h has the escapes).
 *
 * shown() is for raw text: paths, names, link targets, words of the command line. shown_again() is
 * for text that the kernel has already escaped (commands, titles, the trace); it escapes only
 * characters that this terminal's locale cannot show. Both also escape characters beyond ASCII
 * unless the locale is UTF-8, characters that the locale does not know, and a leading combining
 * character, which would change the text before it.
 *
 * JSON has raw names, and is always valid UTF-8: json_text() escapes a name that is not UTF-8, like
 * shown(), and json_print() writes unprintable characters as JSON's own escapes.
 */
#pragma once

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "printable.h"

enum { SHOWN_SIZE = PRINTABLE_GROWTH * PATH_MAX + 1 };

/* Sets the locale. Call it first. */
void show_init(void);

const char *shown(const char *text, char buffer[static SHOWN_SIZE]);
const char *shown_again(const char *text, char buffer[static SHOWN_SIZE]);

/*
 * Prints the first `columns` of a row of a screen; `dressed`: with escape sequences for colours.
 */
void show_row(FILE *out, const char *row, bool dressed, size_t columns);

/* Returns the text itself, or `buffer` if it had to be escaped. */
const char *json_text(const char *text, char buffer[static SHOWN_SIZE]);
/* Returns a new string of json-c. */
json_object *json_string(const char *text);
/* Prints a whole JSON text. */
void json_print(FILE *out, const char *json);
