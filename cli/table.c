#include "table.h"

#include <stdarg.h>
#include <stdio.h>

#include "axctl.h"

struct libscols_table *table_new(const char *name, const struct column *columns, size_t n_columns, bool json) {
        struct libscols_table *table = scols_new_table();

        if (!table)
                return NULL;
        scols_table_set_name(table, name);
        scols_table_enable_json(table, json);
        for (size_t i = 0; i < n_columns; i++) {
                int flags =
                        (columns[i].number ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP) | (columns[i].tree ? SCOLS_FL_TREE : 0);
                struct libscols_column *column = scols_table_new_column(table, columns[i].name, 0, flags);

                if (!column) {
                        scols_unref_table(table);
                        return NULL;
                }
                scols_column_set_json_type(column, columns[i].number ? SCOLS_JSON_NUMBER : SCOLS_JSON_STRING);
        }
        return table;
}

struct libscols_line *table_row(struct libscols_table *table, struct libscols_line *parent) {
        return scols_table_new_line(table, parent);
}

void table_set(struct libscols_line *row, size_t column, const char *format, ...) {
        va_list arguments;
        char *text = NULL;
        int n;

        if (!row)
                return;
        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n >= 0)
                scols_line_refer_data(row, column, text);
}

int table_print(struct libscols_table *table) {
        int r = scols_print_table(table);

        scols_unref_table(table);
        return r == 0 ? STATUS_OK : STATUS_FAILED;
}
