/* SPDX-License-Identifier: MIT */
#include "syscalls/words.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "axeberg.h"
#include "axeberg.pb-c.h"
#include "names.h"
#include "printable.h"

enum { MOST_DATA = 32 };

void text_add(struct text *text, const char *format, ...) {
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(text->at, text->left, format, arguments);
        va_end(arguments);
        if (n < 0)
                return;
        if ((size_t) n >= text->left)
                n = text->left > 0 ? (int) text->left - 1 : 0;
        text->at += n;
        text->left -= (size_t) n;
}

void text_separate(struct text *text) {
        if (text->begun)
                text_add(text, ", ");
        text->begun = true;
}

void text_add_quoted(struct text *text, const void *data, size_t size, unsigned flags) {
        size_t most = flags & PRINTABLE_BYTES && size > MOST_DATA ? MOST_DATA : size, n;

        text_add(text, "\"");
        if (text->left > 0) {
                n = printable(text->at, text->left, data, most, PRINTABLE_QUOTE | flags);
                text->at += n;
                text->left -= n;
        }
        text_add(text, size > most ? "\"..." : "\"");
}

static void add_open_flags(struct text *text, uint64_t flags) {
        static const struct {
                unsigned flags;
                const char *name;
        } names[] = {
                { AX_WRITE, "WRITE" },           { AX_APPEND, "APPEND" },     { AX_RDWR, "RDWR" },
                { AX_O_READ, "READ" },           { AX_O_WRITE, "O_WRITE" },   { AX_O_CREATE, "O_CREATE" },
                { AX_O_TRUNCATE, "O_TRUNCATE" }, { AX_O_APPEND, "O_APPEND" }, { AX_O_EXCLUSIVE, "O_EXCLUSIVE" },
                { AX_O_NONBLOCK, "O_NONBLOCK" },
        };
        const char *separator = "";

        if (flags == 0)
                text_add(text, "0");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if ((flags & names[i].flags) == names[i].flags) {
                        text_add(text, "%s%s", separator, names[i].name);
                        separator = "|";
                        flags &= ~(uint64_t) names[i].flags;
                }
        if (flags)
                text_add(text, "%s0x%llx", separator, (unsigned long long) flags);
}

static void add_signal(struct text *text, uint64_t signal) {
        const char *name = signal_name((int) signal);

        if (name)
                text_add(text, "%s", name);
        else
                text_add(text, "%d", (int) signal);
}

static void add_name(struct text *text, uint64_t value, const char *const *names, size_t n_names) {
        if (value < n_names && names[value])
                text_add(text, "%s", names[value]);
        else
                text_add(text, "%llu", (unsigned long long) value);
}

#define ADD_NAME(text, value, names) add_name(text, value, names, sizeof(names) / sizeof((names)[0]))

static void add_protection(struct text *text, uint64_t value) {
        static const char *const names[] = {
                [AX_PROT_NONE] = "NONE",
                [AX_PROT_READ] = "READ",
                [AX_PROT_READ_WRITE] = "READ_WRITE",
                [AX_PROT_READ_EXEC] = "READ_EXEC",
        };

        ADD_NAME(text, value, names);
}

static void add_whence(struct text *text, uint64_t value) {
        static const char *const names[] = {
                [SEEK_SET] = "SEEK_SET", [SEEK_CUR] = "SEEK_CUR", [SEEK_END] = "SEEK_END"
        };

        ADD_NAME(text, value, names);
}

static void add_action(struct text *text, uint64_t value) {
        static const char *const names[] = { "DEFAULT", "IGNORE", "TERMINATE", "HANDLE" };

        ADD_NAME(text, value, names);
}

static void add_kind(struct text *text, uint64_t value) {
        static const char *const names[] = { NULL, "exited", "signaled", "stopped", "continued" };

        ADD_NAME(text, value, names);
}

static void add_wait_flags(struct text *text, uint64_t flags) {
        const char *separator = flags & AX_WAIT_NOHANG && flags & AX_WAIT_ENDED ? "|" : "";

        if (flags & ~(uint64_t) (AX_WAIT_NOHANG | AX_WAIT_ENDED) || flags == 0)
                text_add(text, "%llu", (unsigned long long) flags);
        else
                text_add(text, "%s%s%s", flags & AX_WAIT_NOHANG ? "NOHANG" : "", separator,
                         flags & AX_WAIT_ENDED ? "ENDED" : "");
}

static void add_octal(struct text *text, uint64_t value) {
        text_add(text, "0%llo", (unsigned long long) value);
}

static void add_category(struct text *text, uint64_t value) {
        const char *name = value <= UINT_MAX ? category_name((unsigned) value) : NULL;

        text_add(text, "%s", name ? name : "?");
}

bool text_add_words(struct text *text, unsigned words, uint64_t value) {
        static void (*const adders[])(struct text *, uint64_t) = {
                [AXEBERG__WORDS__OPEN_FLAGS] = add_open_flags,
                [AXEBERG__WORDS__WAIT_FLAGS] = add_wait_flags,
                [AXEBERG__WORDS__SIGNAL] = add_signal,
                [AXEBERG__WORDS__PROTECTION] = add_protection,
                [AXEBERG__WORDS__WHENCE] = add_whence,
                [AXEBERG__WORDS__ACTION] = add_action,
                [AXEBERG__WORDS__KIND] = add_kind,
                [AXEBERG__WORDS__OCTAL] = add_octal,
                [AXEBERG__WORDS__CATEGORY] = add_category,
        };

        if (words >= sizeof(adders) / sizeof(adders[0]) || !adders[words])
                return false;
        adders[words](text, value);
        return true;
}
