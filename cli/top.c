/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <errno.h>
#include <ncurses.h>
#include <stdlib.h>

#include "numbers.h"

static void on_leave(void *userdata) {
        (void) userdata;
        endwin();
}

static void on_enter(void *userdata) {
        (void) userdata;
        clearok(stdscr, TRUE);
        refresh();
}

static void on_size(void) {
        unsigned rows, columns_there;

        if (terminal_size(&rows, &columns_there))
                resizeterm((int) rows, (int) columns_there);
        clearok(stdscr, TRUE);
}

/* Returns false if top has to end. Sets `*ret_look` if a key asks for a look at once. */
static bool on_keys(struct top *top, bool *ret_look) {
        wint_t key;
        int kind;

        while ((kind = get_wch(&key)) != ERR) {
                bool was_asking = top->prompt.answer;

                if (!top_on_key(top, key, kind == KEY_CODE_YES))
                        return false;
                *ret_look = *ret_look || (was_asking ? !top->prompt.answer : key == ' ' || key == 't');
        }
        return true;
}

/* Returns 0, also if a signal ended a call, or a negative error if the daemon is gone. */
static int run(struct top *top) {
        int r = top_look(top);

        while (r == 0) {
                double left = top->interval_s - top_age_s(top);
                bool look_now = false;
                unsigned events;

                top_draw(top);
                events = terminal_wait(&top->terminal, left > 0 ? (int) (left * 1e3) + 1 : 0);
                if (events & TERMINAL_ENDED)
                        return 0;
                if (events & TERMINAL_RESIZED)
                        on_size();
                if (events & TERMINAL_KEYS && !on_keys(top, &look_now))
                        return 0;
                if (look_now || top_age_s(top) >= top->interval_s)
                        r = top_look(top);
        }
        return atomic_load(&top->terminal.signal) ? 0 : r;
}

/* Returns 0 or a negative error: -AX_ENOTTY if ncurses does not know the terminal. */
static int begin(struct top *top) {
        int r = terminal_init(&top->terminal);

        if (r < 0)
                return r;
        use_tioctl(TRUE);
        if (!newterm(NULL, stdout, stdin)) {
                terminal_deinit(&top->terminal);
                return -AX_ENOTTY;
        }
        set_escdelay(50);
        cbreak();
        noecho();
        keypad(stdscr, TRUE);
        nodelay(stdscr, TRUE);
        return 0;
}

static int run_on_screen(struct top *top) {
        const struct axctl *axctl = top->axctl;
        int r;

        if (!terminal_is_there())
                return complain_text(axctl, "the screen", "standard input and output are not a terminal");
        top->terminal = (struct terminal){ .on_leave = on_leave, .on_enter = on_enter };
        r = begin(top);
        if (r == -AX_ENOTTY)
                return complain_text(axctl, "the screen", "$TERM is not set, or the terminal is unknown");
        if (r < 0)
                return complain(axctl, "the screen", r);
        r = run(top);
        endwin();
        terminal_deinit(&top->terminal);
        return r < 0 ? complain(axctl, "the daemon", r) : STATUS_OK;
}

static int read_options(struct top *top) {
        const struct axctl *axctl = top->axctl;
        const char *interval = axctl->values['d'], *tables = axctl->values['n'];
        char *end;

        if (interval) {
                top->interval_s = strtod(interval, &end);
                if (end == interval || *end || !(top->interval_s >= 0.05 && top->interval_s <= 3600))
                        return complain_usage(axctl, interval, "not an interval (0.05 to 3600 seconds)");
        }
        if (tables && !axctl->flags['b'])
                return complain_usage(axctl, "-n", "needs --batch");
        if (tables && (!parse_id(tables, &top->n_tables) || top->n_tables == 0))
                return complain_usage(axctl, tables, "not a number of tables");
        return STATUS_OK;
}

int top_run(struct axctl *axctl) {
        struct top top = { .axctl = axctl, .interval_s = 1, .sort = SORT_CALLS };
        int status = read_options(&top);

        if (status == STATUS_OK)
                status = axctl->flags['b'] ? top_run_batch(&top) : run_on_screen(&top);
        top_deinit(&top);
        return status;
}
