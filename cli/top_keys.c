/* SPDX-License-Identifier: MIT */
/*
 * Keys of top, and its questions.
 *
 * The table is updated while a question is open. A question is about the process that was selected
 * when it was asked.
 */
#include <limits.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "bytes.h"
#include "top.h"

__attribute__((format(printf, 2, 3))) static void say(struct top *top, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(top->message, sizeof(top->message), format, arguments);
        va_end(arguments);
}

/* While a question is open, Ctrl-C is an ordinary key, which closes the question. */
static void set_interrupt(bool is_key) {
        struct termios settings;
        static cc_t interrupt;

        if (tcgetattr(STDIN_FILENO, &settings) < 0)
                return;
        if (is_key)
                interrupt = settings.c_cc[VINTR];
        settings.c_cc[VINTR] = is_key ? _POSIX_VDISABLE : interrupt;
        tcsetattr(STDIN_FILENO, TCSANOW, &settings);
        def_prog_mode();
}

__attribute__((format(printf, 4, 5))) static void
ask(struct top *top, ax_pid pid, void (*answer)(struct top *top, const char *answer), const char *format, ...) {
        va_list arguments;

        top->prompt = (struct prompt){ .answer = answer, .pid = pid };
        va_start(arguments, format);
        vsnprintf(top->prompt.question, sizeof(top->prompt.question), format, arguments);
        va_end(arguments);
        set_interrupt(true);
}

static void close_prompt(struct top *top, bool answered) {
        struct prompt prompt = top->prompt;
        char answer[sizeof(prompt.text) / sizeof(wchar_t) * MB_LEN_MAX + 1];
        size_t n;

        top->prompt = (struct prompt){ 0 };
        set_interrupt(false);
        *top->message = '\0';
        prompt.text[prompt.length] = L'\0';
        n = wcstombs(answer, prompt.text, sizeof(answer));
        if (answered && n != (size_t) -1) {
                top->prompt.pid = prompt.pid;
                prompt.answer(top, answer);
                top->prompt.pid = 0;
        }
}

static void erase_last(struct prompt *prompt) {
        while (prompt->length > 0 && wcwidth(prompt->text[--prompt->length]) == 0)
                ;
}

/* `is_function`: a key of ncurses; otherwise a character. */
static void on_prompt_key(struct top *top, wint_t key, bool is_function) {
        enum { CTRL_C = 0x03, BACKSPACE = 0x08, CTRL_U = 0x15, ESCAPE = 0x1B, DELETE = 0x7F };
        struct prompt *prompt = &top->prompt;
        bool has_room = prompt->length + 1 < sizeof(prompt->text) / sizeof(prompt->text[0]);

        if (is_function ? key == KEY_ENTER : key == '\n' || key == '\r')
                close_prompt(top, true);
        else if (!is_function && (key == ESCAPE || key == CTRL_C))
                close_prompt(top, false);
        else if (is_function ? key == KEY_BACKSPACE : key == BACKSPACE || key == DELETE)
                erase_last(prompt);
        else if (!is_function && key == CTRL_U)
                prompt->length = 0;
        else if (!is_function && has_room && wcwidth((wchar_t) key) >= 0 && iswprint(key))
                prompt->text[prompt->length++] = (wchar_t) key;
        else
                beep();
}

static const char *command_of(const struct top *top) {
        return top->selected_at < top->n_rows ? top->rows[top->selected_at].process.command : "";
}

static void answer_kill(struct top *top, const char *answer) {
        int signal = *answer ? ax_signal_number(answer) : AX_SIGTERM, pid = top->prompt.pid;
        int r = signal < 0 ? signal : ax_kill(top->axctl->ax, pid, signal);

        if (r < 0)
                say(top, "%s to %d: %s", *answer ? answer : "SIGTERM", pid, reason(r));
        else
                say(top, "%s sent to %d", ax_signal_name(signal), pid);
}

static void answer_limit(struct top *top, const char *answer) {
        uint64_t limit;
        int r, pid = top->prompt.pid;

        if (!*answer)
                return;
        if (!parse_bytes(answer, &limit)) {
                say(top, "%s: not a number of bytes", answer);
                return;
        }
        r = ax_set_memlimit_of(top->axctl->ax, pid, limit);
        if (r < 0)
                say(top, "limit of %d: %s", pid, reason(r));
        else
                say(top, "%d is limited to %s", pid, answer);
}

static void answer_filter(struct top *top, const char *answer) {
        snprintf(top->filter, sizeof(top->filter), "%s", answer);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void do_kill(struct top *top) {
        if (top->n_rows == 0)
                return;
        ask(top, top->selected, answer_kill, "Signal to %d (SIGTERM)", top->selected);
        say(top, "%d: %s", top->selected, command_of(top));
}

static void do_limit(struct top *top) {
        if (top->n_rows == 0)
                return;
        ask(top, top->selected, answer_limit, "Memory limit of %d", top->selected);
        say(top, "bytes, or with K, M, G, T; 0: none");
}

static void do_filter(struct top *top) {
        ask(top, 0, answer_filter, "Only");
        say(top, "part of a command, a pid, a state");
}

static void do_trace(struct top *top) {
        struct ax_trace_status status; /* the kernel's switch; sessions may record in any case */
        int r = ax_trace_status(top->axctl->ax, &status);

        if (r == 0)
                r = status.enabled ? ax_trace_disable(top->axctl->ax) : ax_trace_enable(top->axctl->ax);
        if (r < 0)
                say(top, "trace: %s", reason(r));
}

/* Returns true if the key moves the selection. */
static bool move_selection(struct top *top, wint_t key) {
        size_t at = top->selected_at, page = top_page_size() > 1 ? top_page_size() - 1 : 1;

        switch (key) {
        case KEY_UP:
                at -= at > 0;
                break;
        case KEY_DOWN:
                at++;
                break;
        case KEY_PPAGE:
                at -= at > page ? page : at;
                break;
        case KEY_NPAGE:
                at += page;
                break;
        case KEY_HOME:
                at = 0;
                break;
        case KEY_END:
                at = SIZE_MAX;
                break;
        default:
                return false;
        }
        top_select(top, at);
        return true;
}

/* Returns false if top has to end. */
static bool on_letter(struct top *top, wint_t key) {
        enum { CTRL_L = 0x0C };

        for (int i = 0; i < N_SORTS; i++)
                if (key == (wint_t) top_sort_key((enum top_sort) i))
                        top->sort = (enum top_sort) i;
        switch (key) {
        case 'q':
                return false;
        case 'h':
        case '?':
                top->is_helping = true;
                break;
        case '/':
                do_filter(top);
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
        case CTRL_L:
                clearok(stdscr, TRUE);
                break;
        default:
                break;
        }
        top_sort(top);
        top_keep_selection(top);
        return true;
}

bool top_on_key(struct top *top, wint_t key, bool is_function) {
        if (top->prompt.answer) {
                on_prompt_key(top, key, is_function);
                return true;
        }
        if (top->is_helping) {
                top->is_helping = false;
                return is_function || key != 'q';
        }
        *top->message = '\0';
        return is_function ? move_selection(top, key) || true : on_letter(top, key);
}
