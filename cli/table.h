/* SPDX-License-Identifier: MIT */
/*
 * Tables for people and for programs: one description, printed by libsmartcols as columns or as
 * JSON.
 *
 * On a terminal, a table is never wider than the terminal. The first column, and a last one with
 * text from outside, are always printed; of the other columns the least important ones are left
 * out. Only the last column is broken into several lines. Elsewhere, every row is one line with all
 * columns.
 */
#pragma once

#include <libsmartcols.h>
#include <stdbool.h>

struct column {
        const char *name;
        bool number; /* right-aligned; a number in JSON */
        bool tree;   /* shows parents and children */
        bool others; /* text from outside, of any length; last column only */
        int spare;   /* the highest is left out first; of equal ones, the rightmost */
};

/* Makes a table of the first `n_columns` columns. Returns NULL if memory is short. */
struct libscols_table *table_new(const char *name, const struct column *columns, size_t n_columns, bool json);
/* Starts a row, below `parent` if that is not NULL. Returns NULL if memory is short. */
struct libscols_line *table_row(struct libscols_table *table, struct libscols_line *parent);
/*
 * Sets a cell of the row; a NULL row is fine. Unprintable characters are escaped, so text that the
 * kernel has escaped can be passed unchanged. Pass raw names through shown(), except for JSON.
 */
void table_set(struct libscols_line *row, size_t column, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Prints and frees the table. Returns an exit status. */
int table_print(struct libscols_table *table);

/*
 * Prints a label in `width` cells, and a text in a column of its own. Text from outside must have
 * come through shown().
 */
void fact_print(unsigned width, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
