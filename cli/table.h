/*
 * Tables for people and for programs: one description, printed by libsmartcols as columns or as JSON.
 */
#pragma once

#include <libsmartcols.h>
#include <stdbool.h>

struct column {
        const char *name;
        bool number; /* right-aligned; a number in JSON */
        bool tree;   /* shows which row belongs to which */
};

/* The first `n_columns` columns. NULL where memory is short. */
struct libscols_table *table_new(const char *name, const struct column *columns, size_t n_columns, bool json);
/* Starts a row, below `parent` where that is not NULL. NULL where memory is short. */
struct libscols_line *table_row(struct libscols_table *table, struct libscols_line *parent);
/* Sets a cell of the row; a NULL row is fine. */
void table_set(struct libscols_line *row, size_t column, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Prints and frees. Return: an exit status. */
int table_print(struct libscols_table *table);
