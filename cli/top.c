/*
 * top: processes and what they do, live.
 *
 * One table, drawn anew after each interval and each key. Rates are differences between two looks.
 */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "axctl.h"
#include "text.h"

struct row {
        struct ax_process process;
        double calls, bytes; /* a second */
};

enum sort { SORT_PID, SORT_CALLS, SORT_BYTES, SORT_MEMORY, N_SORTS };

static const struct {
        char key;
        const char *name;
} sorts[N_SORTS] = {
        [SORT_PID] = { 'p', "pid" },
        [SORT_CALLS] = { 'c', "calls" },
        [SORT_BYTES] = { 'b', "bytes" },
        [SORT_MEMORY] = { 'm', "memory" },
};

struct top {
        struct axctl *axctl;
        double interval; /* seconds */
        struct row *rows;
        size_t n_rows;
        struct ax_process *before; /* the look before this one */
        size_t n_before;
        struct timespec looked;
        struct ax_status status;
        enum sort sort;
        char filter[32], message[128];
        ax_pid selected;
};

/* ---- looking --------------------------------------------------------------------------------------------------- */

static double seconds_since(const struct timespec *then) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) (now.tv_sec - then->tv_sec) + (double) (now.tv_nsec - then->tv_nsec) / 1e9;
}

static const struct ax_process *find_before(const struct top *top, ax_pid pid) {
        for (size_t i = 0; i < top->n_before; i++)
                if (top->before[i].pid == pid)
                        return &top->before[i];
        return NULL;
}

static bool is_wanted(const struct top *top, const struct ax_process *process) {
        char pid[16];

        snprintf(pid, sizeof(pid), "%d", process->pid);
        return !*top->filter || strstr(process->command, top->filter) || strcmp(pid, top->filter) == 0 ||
               strcasecmp(process->state, top->filter) == 0;
}

static struct row make_row(const struct top *top, const struct ax_process *process, double seconds) {
        const struct ax_process *before = find_before(top, process->pid);
        struct row row = { .process = *process };

        if (!before || seconds <= 0)
                return row;
        row.calls = (double) (process->calls - before->calls) / seconds;
        row.bytes =
                (double) (process->bytes_read + process->bytes_written - before->bytes_read - before->bytes_written) /
                seconds;
        return row;
}

static enum sort sorted_by;

static int compare(double a, double b) {
        return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_rows(const void *a, const void *b) {
        const struct row *x = a, *y = b;
        int r = 0;

        if (sorted_by == SORT_CALLS)
                r = compare(x->calls, y->calls);
        else if (sorted_by == SORT_BYTES)
                r = compare(x->bytes, y->bytes);
        else if (sorted_by == SORT_MEMORY)
                r = compare((double) x->process.memory, (double) y->process.memory);
        return r ? r : x->process.pid - y->process.pid;
}

static void sort_rows(struct top *top) {
        sorted_by = top->sort;
        if (top->n_rows > 0)
                qsort(top->rows, top->n_rows, sizeof(*top->rows), compare_rows);
}

/* Return: 0, a negative error: the daemon is gone. */
static int look(struct top *top) {
        struct ax_process *processes;
        double seconds = seconds_since(&top->looked);
        int n = ax_process_list(top->axctl->ax, &processes);
        struct row *rows;

        if (n < 0)
                return n;
        rows = reallocarray(NULL, (size_t) n + 1, sizeof(*rows));
        if (!rows) {
                free(processes);
                return -AX_ENOMEM;
        }
        free(top->rows);
        top->rows = rows;
        top->n_rows = 0;
        for (int i = 0; i < n; i++)
                if (is_wanted(top, &processes[i]))
                        rows[top->n_rows++] = make_row(top, &processes[i], seconds);
        free(top->before);
        top->before = processes;
        top->n_before = (size_t) n;
        clock_gettime(CLOCK_MONOTONIC, &top->looked);
        sort_rows(top);
        return ax_status(top->axctl->ax, &top->status);
}

static size_t selected_index(const struct top *top) {
        for (size_t i = 0; i < top->n_rows; i++)
                if (top->rows[i].process.pid == top->selected)
                        return i;
        return 0;
}

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

static void draw_head(const struct top *top) {
        const struct ax_status *status = &top->status;
        char text[DURATION_SIZE];
        int traced = ax_trace_enabled(top->axctl->ax);

        mvprintw(0, 0, "axeberg %s  up %s  %u processes  %u connections  trace %s", status->version,
                 duration_text(status->uptime_usec, text), status->processes, status->sessions,
                 traced > 0 ? "on" : "off");
        mvprintw(1, 0, "sorted by %s%s%s", sorts[top->sort].name, *top->filter ? "  only " : "", top->filter);
        mvprintw(2, 0, "%s", top->message);
        attron(A_REVERSE);
        mvhline(3, 0, ' ', COLS);
        mvprintw(3, 0, "%7s %5s %-8s %6s %10s %10s %10s %10s %s", "PID", "UID", "STATE", "PARKED", "CALLS/s", "BYTES/s",
                 "MEMORY", "LIMIT", "COMMAND");
        attroff(A_REVERSE);
}

static void draw_row(const struct row *row, int line, bool selected) {
        const struct ax_process *process = &row->process;
        char bytes[3][BYTES_SIZE];

        if (selected)
                attron(A_BOLD | A_UNDERLINE);
        mvprintw(line, 0, "%7d %5u %-8s %6u %10.0f %10s %10s %10s %s", process->pid, process->uid, process->state,
                 process->parked, row->calls, bytes_text((uint64_t) row->bytes, bytes[0]),
                 bytes_text(process->memory, bytes[1]),
                 process->memory_limit ? bytes_text(process->memory_limit, bytes[2]) : "-", process->command);
        if (selected)
                attroff(A_BOLD | A_UNDERLINE);
}

static void draw(const struct top *top) {
        int room = LINES - 5 > 0 ? LINES - 5 : 0;
        size_t selected = selected_index(top), first = selected >= (size_t) room ? selected - (size_t) room + 1 : 0;

        erase();
        draw_head(top);
        for (size_t i = first; i < top->n_rows && i < first + (size_t) room; i++)
                draw_row(&top->rows[i], 4 + (int) (i - first), i == selected);
        mvprintw(LINES - 1, 0, "q quit  arrows select  p/c/b/m sort  / filter  k kill  l limit  t trace");
        refresh();
}

/* ---- keys --------------------------------------------------------------------------------------------------------- */

/* Asks for a word at the bottom. Return: whether there is one. */
static bool ask(const char *question, char *answer, int size) {
        bool given;

        mvprintw(LINES - 1, 0, "%s: ", question);
        clrtoeol();
        timeout(-1);
        echo();
        curs_set(1);
        given = getnstr(answer, size - 1) != ERR;
        noecho();
        curs_set(0);
        return given;
}

__attribute__((format(printf, 2, 3))) static void say(struct top *top, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(top->message, sizeof(top->message), format, arguments);
        va_end(arguments);
}

static void do_kill(struct top *top) {
        char answer[32];
        int signal, r;

        if (!ask("Signal (SIGTERM)", answer, sizeof(answer)))
                return;
        signal = *answer ? ax_signal_number(answer) : AX_SIGTERM;
        r = signal < 0 ? signal : ax_kill(top->axctl->ax, top->selected, signal);
        if (r < 0)
                say(top, "%s to %d: %s", *answer ? answer : "SIGTERM", top->selected, reason(r));
        else
                say(top, "%s sent to %d", ax_signal_name(signal), top->selected);
}

static void do_limit(struct top *top) {
        char answer[32], *end;
        uint64_t limit;
        int shift = 0, r;

        if (!ask("Memory limit in bytes, or with K, M, G; 0: none", answer, sizeof(answer)) || !*answer)
                return;
        errno = 0;
        limit = strtoull(answer, &end, 10);
        if (*end && strchr("KMG", *end))
                shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30, end++;
        if (errno || end == answer || *end || *answer == '-' || limit > UINT64_MAX >> shift) {
                say(top, "%s: not a number of bytes", answer);
                return;
        }
        r = ax_set_memlimit_of(top->axctl->ax, top->selected, limit << shift);
        if (r < 0)
                say(top, "limit of %d: %s", top->selected, reason(r));
        else
                say(top, "%d is limited to %s", top->selected, answer);
}

static void do_trace(struct top *top) {
        int r = ax_trace_enabled(top->axctl->ax) > 0 ? ax_trace_disable(top->axctl->ax)
                                                     : ax_trace_enable(top->axctl->ax);

        if (r < 0)
                say(top, "trace: %s", reason(r));
}

static void select_by(struct top *top, int step) {
        size_t at = selected_index(top);

        if (step < 0 && at > 0)
                at--;
        else if (step > 0 && at + 1 < top->n_rows)
                at++;
        if (top->n_rows > 0)
                top->selected = top->rows[at].process.pid;
}

/* Return: whether to go on. */
static bool on_key(struct top *top, int key) {
        *top->message = '\0';
        if (top->n_rows > 0)
                top->selected = top->rows[selected_index(top)].process.pid;
        for (int i = 0; i < N_SORTS; i++)
                if (key == sorts[i].key)
                        top->sort = (enum sort) i;
        switch (key) {
        case 'q':
                return false;
        case KEY_UP:
                select_by(top, -1);
                break;
        case KEY_DOWN:
                select_by(top, 1);
                break;
        case '/':
                ask("Only (part of a command, a pid, a state)", top->filter, sizeof(top->filter));
                break;
        case 'k':
                do_kill(top);
                break;
        case 'l':
                do_limit(top);
                break;
        case 't':
                do_trace(top);
                break;
        default:
                break;
        }
        sort_rows(top);
        return true;
}

static int run(struct top *top) {
        int key = ERR, r = look(top);

        while (r == 0) {
                double left = top->interval - seconds_since(&top->looked);

                draw(top);
                timeout(left > 0 ? (int) (left * 1e3) + 1 : 0);
                key = getch();
                if (key != ERR && key != KEY_RESIZE && !on_key(top, key))
                        return 0;
                if (key == ERR || key == '/' || key == 'k' || key == 'l')
                        r = look(top);
        }
        return r;
}

int top_run(struct axctl *axctl) {
        struct top top = { .axctl = axctl, .interval = 1, .sort = SORT_CALLS };
        char *end;
        int r;

        if (axctl->flags['d']) {
                top.interval = strtod(axctl->values['d'], &end);
                if (end == axctl->values['d'] || *end || !(top.interval >= 0.05 && top.interval <= 3600))
                        return complain_usage(axctl, axctl->values['d'], "not an interval (0.05 to 3600 seconds)");
        }
        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return complain_text(axctl, "the screen", "standard input and output are not a terminal");
        setlocale(LC_ALL, "");
        if (!newterm(NULL, stdout, stdin))
                return complain_text(axctl, "the screen", "$TERM is not set, or no terminal that is known");
        cbreak();
        noecho();
        keypad(stdscr, TRUE);
        curs_set(0);
        r = run(&top);
        endwin();
        free(top.rows);
        free(top.before);
        return r < 0 ? complain(axctl, "the daemon", r) : STATUS_OK;
}
