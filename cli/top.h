/* SPDX-License-Identifier: MIT */
/*
 * top: processes and what they do, live.
 *
 * top_rows.c looks at the processes, top_screen.c draws them, top_keys.c does what is typed, and
 * top_batch.c prints tables instead. Rates are differences between two looks.
 */
#pragma once

#include <time.h>
#include <wchar.h>

#include "axctl.h"
#include "terminal.h"

/* ---- rows ------------------------------------------------------------------------------------ */

struct top_row {
        struct ax_process process;
        double calls, bytes; /* a second */
};

enum top_sort { SORT_PID, SORT_CALLS, SORT_BYTES, SORT_MEMORY, N_SORTS };

enum top_column { TOP_PID, TOP_UID, TOP_STATE, TOP_PARKED, TOP_CALLS, TOP_BYTES, TOP_MEMORY, TOP_LIMIT, TOP_COLUMNS };

enum { FIGURE_SIZE = 32 };

/* A question at the bottom of the screen, and what has been typed so far. */
struct top;
struct prompt {
        void (*answer)(struct top *top, const char *answer); /* NULL: nothing is asked */
        char question[64];
        wchar_t text[32];
        size_t length;
        ax_pid pid; /* the process that it is about; 0: none */
};

struct top {
        struct axctl *axctl;
        struct terminal terminal;
        double interval_s;
        uint32_t n_tables; /* of a batch; 0: no end */
        struct top_row *rows;
        size_t n_rows;
        struct ax_process *before; /* the processes of the last look */
        size_t n_before;
        struct timespec looked;
        struct ax_status status;
        bool is_traced;
        enum top_sort sort;
        char filter[128], message[192];
        ax_pid selected;
        size_t selected_at, first; /* rows: where the selected one was; the first that is shown */
        bool is_helping;
        struct prompt prompt;
};

/* Looks at the processes. Returns 0, or a negative error if the daemon is gone. */
int top_look(struct top *top);
/* Returns the time since the last look. */
double top_age_s(const struct top *top);
void top_deinit(struct top *top);

void top_sort(struct top *top);
/* The key and the name of an order. */
char top_sort_key(enum top_sort sort);
const char *top_sort_name(enum top_sort sort);

/* Selects a row, or the last one if there are fewer. */
void top_select(struct top *top, size_t at);
/* Finds the selected process again. If it is gone, the selection stays at its place. */
void top_keep_selection(struct top *top);

const char *top_column_name(enum top_column column);
/* A cell of the table, as people read it. */
const char *top_figure(const struct top_row *row, enum top_column column, char text[static FIGURE_SIZE]);

/* ---- screen and keys ------------------------------------------------------------------------- */

void top_draw(struct top *top);
/* Returns how many rows the table on the screen has. */
size_t top_page_size(void);

/* `is_function`: a key of ncurses', else a character. Returns false if top has to end. */
bool top_on_key(struct top *top, wint_t key, bool is_function);

/* ---- batch ----------------------------------------------------------------------------------- */

/* Prints a table after each interval. Returns an exit status. */
int top_run_batch(struct top *top);
