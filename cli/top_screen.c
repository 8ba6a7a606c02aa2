/* SPDX-License-Identifier: MIT */
/*
 * The screen of top, redrawn after each interval and each key.
 *
 * Columns are as wide as their contents. On a narrow terminal the least important ones are left
 * out, and the command, which comes last, is cut.
 */
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cells.h"
#include "show.h"
#include "text.h"
#include "top.h"

/* Draws at the cursor, up to the end of the line. A wide character takes two cells. */
static void draw_rest(const char *text) {
        char buffer[SHOWN_SIZE];
        wchar_t wide[SHOWN_SIZE];
        size_t length = mbstowcs(wide, shown_again(text, buffer), SHOWN_SIZE - 1), fits = 0;
        int room = COLS - getcurx(stdscr);

        if (length == (size_t) -1)
                return;
        while (fits < length) {
                int width = wcwidth(wide[fits]);

                if (width < 0 || width > room)
                        break;
                room -= width;
                fits++;
        }
        addnwstr(wide, (int) fits);
}

/* Draws a line, or as much of it as fits. */
__attribute__((format(printf, 2, 3))) static void draw_line(int line, const char *format, ...) {
        va_list arguments;
        char text[512];

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        move(line, 0);
        draw_rest(text);
}

/* Draws the parts that fit, the first ones first. `parts` ends with NULL. */
static void draw_parts(int line, const char *const *parts) {
        size_t room = COLS > 0 ? (size_t) COLS : 0, used = 0;

        move(line, 0);
        for (; *parts; parts++) {
                size_t cells = cells_count(*parts), gap = used > 0 ? 2 : 0;

                if (!**parts || used + gap + cells > room)
                        continue;
                addstr(gap ? "  " : "");
                draw_rest(*parts);
                used += gap + cells;
        }
}

enum { LEAST_COMMAND = 16 };

static const struct {
        int width; /* at least; negative: left-aligned */
        int spare; /* the highest is left out first; 0: never */
} columns[TOP_COLUMNS] = {
        [TOP_PID] = { 5, 0 },   [TOP_UID] = { 5, 5 },   [TOP_STATE] = { -8, 1 }, [TOP_PARKED] = { 6, 7 },
        [TOP_CALLS] = { 7, 2 }, [TOP_BYTES] = { 7, 4 }, [TOP_MEMORY] = { 7, 3 }, [TOP_LIMIT] = { 7, 6 },
};

/* Sets the widths of the columns: 0 if left out, negative if left-aligned. */
static void lay_out(const struct top *top, int widths[static TOP_COLUMNS]) {
        int room = COLS - LEAST_COMMAND;
        char text[FIGURE_SIZE];

        for (int i = 0; i < TOP_COLUMNS; i++) {
                int width = abs(columns[i].width);

                for (size_t row = 0; row < top->n_rows; row++) {
                        int length = (int) strlen(top_figure(&top->rows[row], (enum top_column) i, text));

                        width = length > width ? length : width;
                }
                widths[i] = columns[i].width < 0 ? -width : width;
                room -= width + 1;
        }
        while (room < 0) {
                int spare = 0;

                for (int i = 1; i < TOP_COLUMNS; i++)
                        if (widths[i] && columns[i].spare > columns[spare].spare)
                                spare = i;
                if (spare == 0)
                        return;
                room += abs(widths[spare]) + 1;
                widths[spare] = 0;
        }
}

static void draw_head(const struct top *top, const int widths[static TOP_COLUMNS]) {
        const struct ax_status *status = &top->status;
        char version[80], uptime[DURATION_SIZE + 8], processes[32], connections[32], sorted[32], only[160];
        char duration[DURATION_SIZE];
        const char *const parts[] = { version, processes,   top->is_traced ? "trace on" : "trace off",
                                      uptime,  connections, NULL };

        snprintf(version, sizeof(version), "axeberg %s", status->version);
        snprintf(uptime, sizeof(uptime), "up %s", duration_text(status->uptime_usec, duration));
        snprintf(processes, sizeof(processes), "%u processes", status->processes);
        snprintf(connections, sizeof(connections), "%u connections", status->sessions);
        snprintf(sorted, sizeof(sorted), "sorted by %s", top_sort_name(top->sort));
        snprintf(only, sizeof(only), "%s%s", *top->filter ? "  only " : "", top->filter);
        draw_parts(0, parts);
        draw_line(1, "%s%s", sorted, only);
        draw_line(2, "%s", top->message);
        attron(A_REVERSE);
        mvhline(3, 0, ' ', COLS);
        move(3, 0);
        for (int i = 0; i < TOP_COLUMNS; i++)
                if (widths[i])
                        printw("%*s ", widths[i], top_column_name((enum top_column) i));
        draw_rest("COMMAND");
        attroff(A_REVERSE);
}

static void draw_row(const struct top_row *row, int line, const int widths[static TOP_COLUMNS]) {
        char text[FIGURE_SIZE];

        move(line, 0);
        for (int i = 0; i < TOP_COLUMNS; i++)
                if (widths[i])
                        printw("%*s ", widths[i], top_figure(row, (enum top_column) i, text));
        draw_rest(row->process.command);
}

size_t top_page_size(void) {
        return LINES > 5 ? (size_t) LINES - 5 : 0;
}

static void draw_table(struct top *top) {
        int widths[TOP_COLUMNS];
        size_t room = top_page_size(), at = top->selected_at;

        if (top->first > at || room == 0)
                top->first = at;
        else if (at - top->first >= room)
                top->first = at - room + 1;
        if (top->first > 0 && top->first + room > top->n_rows)
                top->first = top->n_rows > room ? top->n_rows - room : 0;
        lay_out(top, widths);
        draw_head(top, widths);
        for (size_t i = top->first; i < top->n_rows && i < top->first + room; i++) {
                if (i == at)
                        attron(A_BOLD | A_UNDERLINE);
                draw_row(&top->rows[i], 4 + (int) (i - top->first), widths);
                attroff(A_BOLD | A_UNDERLINE);
        }
}

static void draw_help(void) {
        static const char *const lines[] = {
                "Up, Down       select a process",
                "PgUp, PgDn     a page of them",
                "Home, End      the first, the last",
                "p c b m        sort by pid, calls, bytes,",
                "               memory",
                "/              only some: part of a",
                "               command, a pid, a state",
                "k              send a signal",
                "l              limit memory",
                "t              trace on, or off",
                "Space          look now",
                "Ctrl-L         draw the screen anew",
                "h ?            this help",
                "q Ctrl-C       quit",
                "",
                "Esc and Ctrl-C leave a question without",
                "an answer.",
        };

        for (int i = 0; i < (int) (sizeof(lines) / sizeof(lines[0])) && i < LINES - 1; i++)
                draw_line(i, "%s", lines[i]);
        draw_line(LINES - 1, "any key: back");
}

/* Draws the question and the end of the answer, with the cursor after it. */
static void draw_prompt(const struct prompt *prompt) {
        int room, used = 0;
        size_t from = prompt->length;

        draw_line(LINES - 1, "%s: ", prompt->question);
        room = COLS - getcurx(stdscr) - 1;
        while (from > 0 && used + wcwidth(prompt->text[from - 1]) <= room)
                used += wcwidth(prompt->text[--from]);
        addnwstr(prompt->text + from, (int) (prompt->length - from));
}

void top_draw(struct top *top) {
        static const char *const keys[] = { "q quit",  "h help",  "arrows select", "/ filter", "k kill",
                                            "l limit", "t trace", "p/c/b/m sort",  NULL };

        erase();
        if (top->is_helping)
                draw_help();
        else
                draw_table(top);
        if (top->prompt.answer)
                draw_prompt(&top->prompt);
        else if (!top->is_helping)
                draw_parts(LINES - 1, keys);
        curs_set(top->prompt.answer != NULL);
        refresh();
}
