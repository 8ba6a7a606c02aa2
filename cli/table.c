/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axctl.h"
#include "cells.h"
#include "show.h"
#include "terminal.h"

struct libscols_table *table_new(const char *name, const struct column *columns, size_t n_columns, bool json) {
        struct libscols_table *table = scols_new_table();

        if (!table)
                return NULL;
        scols_table_set_name(table, name);
        scols_table_enable_json(table, json);
        scols_table_enable_noencoding(table, 1);                 /* cells are printable: table_set() */
        scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER); /* layout() has made them fit */
        for (size_t i = 0; i < n_columns; i++) {
                int flags = (columns[i].number ? SCOLS_FL_RIGHT : 0) | (columns[i].tree ? SCOLS_FL_TREE : 0);
                struct libscols_column *column = scols_table_new_column(table, columns[i].name, 0, flags);

                if (!column) {
                        scols_unref_table(table);
                        return NULL;
                }
                scols_column_set_json_type(column, columns[i].number ? SCOLS_JSON_NUMBER : SCOLS_JSON_STRING);
                scols_cell_set_userdata(scols_column_get_header(column), (void *) &columns[i]);
        }
        return table;
}

struct libscols_line *table_row(struct libscols_table *table, struct libscols_line *parent) {
        struct libscols_line *row = scols_table_new_line(table, parent);

        if (row)
                scols_line_set_userdata(row, table);
        return row;
}

/* Makes the text of a cell safe to show. The caller frees it. Returns NULL if memory is short. */
static char *cell_text(struct libscols_line *row, const char *text) {
        char buffer[SHOWN_SIZE];

        return strdup(scols_table_is_json(scols_line_get_userdata(row)) ? json_text(text, buffer)
                                                                        : shown_again(text, buffer));
}

void table_set(struct libscols_line *row, size_t column, const char *format, ...) {
        va_list arguments;
        char *text = NULL, *cell;
        int n;

        if (!row)
                return;
        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0)
                return;
        cell = cell_text(row, text);
        free(text);
        if (cell)
                scols_line_refer_data(row, column, cell);
}

/* ---- layout ---------------------------------------------------------------------------------- */

/* A column is left out if the last one would have less than LEAST_TEXT, and needs more. */
enum { LEAST_TEXT = 16, TREE_STEP = 2, LONGEST_ESCAPE = 10 };

struct layout {
        struct libscols_table *table;
        struct libscols_column *text; /* the last column, if it may be wrapped */
        size_t room, used;            /* cells; `used`: of all columns but `text` */
        size_t n_columns, text_width; /* in full */
};

static const struct column *column_of(const struct libscols_column *column) {
        return scols_cell_get_userdata(scols_column_get_header((struct libscols_column *) column));
}

static size_t depth_of(struct libscols_line *line) {
        size_t depth = 0;

        while ((line = scols_line_get_parent(line)))
                depth++;
        return depth;
}

/* Returns the cells that a column takes in full. */
static size_t full_width(const struct layout *layout, struct libscols_column *column) {
        const struct column *described = column_of(column);
        size_t width = cells_count(described->name);

        for (size_t i = 0; i < scols_table_get_nlines(layout->table); i++) {
                struct libscols_line *line = scols_table_get_line(layout->table, i);
                const char *text = scols_line_get_column_data(line, column);
                size_t cells = text ? cells_count(text) : 0;

                if (described->tree)
                        cells += TREE_STEP * depth_of(line);
                if (cells > width)
                        width = cells;
        }
        return width;
}

/* Returns the least important column, or NULL if none can be left out. */
static struct libscols_column *find_spare(const struct layout *layout) {
        struct libscols_column *spare = NULL;

        for (size_t i = 1; i < scols_table_get_ncols(layout->table); i++) {
                struct libscols_column *column = scols_table_get_column(layout->table, i);

                if (column != layout->text && !scols_column_is_hidden(column) &&
                    (!spare || column_of(column)->spare >= column_of(spare)->spare))
                        spare = column;
        }
        return spare;
}

static bool is_too_wide(const struct layout *layout) {
        size_t least = layout->text_width < LEAST_TEXT ? layout->text_width : LEAST_TEXT;

        return layout->used + (layout->text ? least : 0) + layout->n_columns - 1 > layout->room;
}

static void hide(struct layout *layout, struct libscols_column *column) {
        layout->used -= full_width(layout, column);
        layout->n_columns--;
        scols_column_set_flags(column, scols_column_get_flags(column) | SCOLS_FL_HIDDEN);
}

static void measure(struct layout *layout) {
        for (size_t i = 0; i < scols_table_get_ncols(layout->table); i++) {
                struct libscols_column *column = scols_table_get_column(layout->table, i);

                if (scols_column_is_hidden(column))
                        continue;
                layout->n_columns++;
                if (column_of(column)->others)
                        layout->text = column;
                else
                        layout->used += full_width(layout, column);
        }
        if (layout->text)
                layout->text_width = full_width(layout, layout->text);
}

/*
 * Puts line feeds between the lines of a cell's text. The caller frees it. Returns NULL if memory
 * is short.
 */
static char *broken_text(const char *text, size_t width) {
        char *broken = malloc(2 * strlen(text) + 1), *at = broken;

        while (broken && *text) {
                size_t n = cells_line(text, width);

                if (at > broken)
                        *at++ = '\n';
                memcpy(at, text, n);
                at += n;
                text += n;
                if (*text == ' ' && text[1])
                        text++; /* the break stands for it */
        }
        if (broken)
                *at = '\0';
        return broken;
}

/*
 * The tree may take half of the last column if an escape still fits beside it: escapes are not
 * broken.
 */
static size_t art_width(size_t width) {
        size_t rest = width > LONGEST_ESCAPE + TREE_STEP ? width - LONGEST_ESCAPE : TREE_STEP;

        return width / 2 < rest && width / 2 >= TREE_STEP ? width / 2 : rest;
}

/* Puts a row that is too deep for the room beside its ancestor. */
static void bound_depth(struct libscols_line *line, size_t most) {
        struct libscols_line *ancestor = line;
        size_t depth = depth_of(line);

        if (depth <= most)
                return;
        for (size_t i = 0; i < depth - most + 1; i++)
                ancestor = scols_line_get_parent(ancestor);
        scols_line_remove_child(scols_line_get_parent(line), line);
        scols_line_add_child(ancestor, line);
}

/* Breaks the last column's text into lines of `width` cells. */
static void break_text(struct layout *layout, size_t width) {
        size_t n_lines = scols_table_get_nlines(layout->table);
        bool tree = column_of(layout->text)->tree;

        for (size_t i = 0; tree && i < n_lines; i++)
                bound_depth(scols_table_get_line(layout->table, i), art_width(width) / TREE_STEP);
        for (size_t i = 0; i < n_lines; i++) {
                struct libscols_line *line = scols_table_get_line(layout->table, i);
                struct libscols_cell *cell = scols_line_get_column_cell(line, layout->text);
                const char *text = scols_cell_get_data(cell);
                size_t art = tree ? TREE_STEP * depth_of(line) : 0;
                char *broken = text ? broken_text(text, width > art ? width - art : 1) : NULL;

                if (broken)
                        scols_cell_refer_data(cell, broken);
        }
        scols_column_set_flags(layout->text, scols_column_get_flags(layout->text) | SCOLS_FL_WRAP);
        scols_column_set_safechars(layout->text, "\n");
        scols_column_set_wrapfunc(layout->text, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

/*
 * Makes a table fit into a terminal of `room` cells: leaves out the least important columns, and
 * breaks the last column's text only.
 */
static void layout(struct libscols_table *table, size_t room) {
        struct layout layout = { .table = table, .room = room };
        struct libscols_column *spare;
        size_t left;

        measure(&layout);
        while (is_too_wide(&layout) && (spare = find_spare(&layout)))
                hide(&layout, spare);
        if (!layout.text)
                return;
        left = layout.used + layout.n_columns - 1 < room ? room - layout.used - (layout.n_columns - 1) : 1;
        if (left < layout.text_width)
                break_text(&layout, left);
}

/* ---- printing -------------------------------------------------------------------------------- */

static int print_json(struct libscols_table *table) {
        char *json = NULL;
        int r = scols_print_table_to_string(table, &json);

        if (r == 0)
                json_print(stdout, json);
        free(json);
        return r;
}

static int print_text(struct libscols_table *table) {
        size_t columns = terminal_columns();

        if (columns > 0)
                layout(table, columns);
        return scols_print_table(table);
}

int table_print(struct libscols_table *table) {
        int r = scols_table_is_json(table) ? print_json(table) : print_text(table);

        scols_unref_table(table);
        return r == 0 ? STATUS_OK : STATUS_FAILED;
}

/* ---- facts ----------------------------------------------------------------------------------- */

void fact_print(unsigned width, const char *label, const char *format, ...) {
        char buffer[SHOWN_SIZE], *text = NULL;
        size_t columns = terminal_columns(), room = columns > width + 1 ? columns - width - 1 : SIZE_MAX;
        va_list arguments;
        const char *at;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        at = text ? shown_again(text, buffer) : "?";
        printf("%-*s ", (int) width, label);
        for (size_t n; *at; at += n) {
                n = columns > 0 ? cells_line(at, room) : strlen(at);
                printf("%.*s", (int) n, at);
                if (at[n] == ' ' && at[n + 1])
                        n++;
                if (at[n])
                        printf("\n%*s ", (int) width, "");
        }
        putchar('\n');
        free(text);
}
