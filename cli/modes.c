/* SPDX-License-Identifier: MIT */
/*
 * chmod.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "axctl.h"
#include "tree.h"

static bool is_octal(const char *text, uint32_t *ret) {
        char *end;
        unsigned long mode = strtoul(text, &end, 8);

        if (!isdigit((unsigned char) *text) || *end || mode > 07777)
                return false;
        *ret = (uint32_t) mode;
        return true;
}

/* Reads "ugoa". Without any of them, all bits are meant except those of the umask. */
static uint32_t take_who(const char **at, uint32_t mask, uint32_t *ret_mask) {
        static const struct {
                char letter;
                uint32_t bits;
        } who[] = { { 'u', 04700 }, { 'g', 02070 }, { 'o', 01007 }, { 'a', 07777 } };
        uint32_t bits = 0;

        for (bool found = true; found;) {
                found = false;
                for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++)
                        if (**at == who[i].letter) {
                                bits |= who[i].bits;
                                found = true;
                                (*at)++;
                                break;
                        }
        }
        *ret_mask = bits ? 0 : mask;
        return bits ? bits : 07777;
}

/* Reads "rwxXst", or the present bits of one of "ugo". */
static uint32_t take_rights(const char **at, uint32_t mode) {
        uint32_t bits = 0;
        bool runs = S_ISDIR(mode) || mode & 0111;

        if (**at && strchr("ugo", **at)) {
                unsigned shift = **at == 'u' ? 6 : **at == 'g' ? 3 : 0;

                (*at)++;
                return (mode >> shift & 7) * 0111;
        }
        for (;; (*at)++)
                switch (**at) {
                case 'r':
                        bits |= 0444;
                        break;
                case 'w':
                        bits |= 0222;
                        break;
                case 'x':
                        bits |= 0111;
                        break;
                case 'X':
                        bits |= runs ? 0111 : 0;
                        break;
                case 's':
                        bits |= 06000;
                        break;
                case 't':
                        bits |= 01000;
                        break;
                default:
                        return bits;
                }
}

/*
 * Applies "u=rw,g+r,o-rwx" to a mode, like chmod(1). Returns false if the text is wrong.
 *
 * "o" includes the sticky bit, and "=" leaves the set-id bits of a directory, as there.
 */
static bool change_mode(const char *text, uint32_t mask, uint32_t *mode) {
        const char *at = text;

        do {
                uint32_t spared, who = take_who(&at, mask, &spared);

                if (!*at || !strchr("+-=", *at))
                        return false;
                while (*at && strchr("+-=", *at)) {
                        char sign = *at++;
                        uint32_t bits = take_rights(&at, *mode) & who & ~spared;
                        uint32_t cleared = who & ~(S_ISDIR(*mode) ? 06000u : 0u);

                        if (sign == '+')
                                *mode |= bits;
                        else if (sign == '-')
                                *mode &= ~bits;
                        else
                                *mode = (*mode & ~cleared) | bits;
                }
        } while (*at == ',' && *++at);
        return !*at && at[-1] != ',';
}

/* "-x" is a mode, not an option: pass it on as ",-x". */
void chmod_prepare(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (argv[i][0] == '-' && argv[i][1] && strchr("rwxXstugo", argv[i][1])) {
                        char *text = malloc(strlen(argv[i]) + 2);

                        if (text) {
                                sprintf(text, ",%s", argv[i]);
                                argv[i] = text;
                        }
                        return;
                } else if (argv[i][0] != '-' || strcmp(argv[i], "--") == 0)
                        return;
}

struct change {
        const char *text;
        bool is_number;
        uint32_t number, mask;
};

static int change_file(const struct change *change, struct side *side, const char *name, const struct ax_stat *status) {
        uint32_t mode = change->number;

        if (!change->is_number) {
                mode = status->mode;
                change_mode(change->text, change->mask, &mode);
        }
        return side->ops->chmod(side, name, mode & 07777);
}

/* Symlinks in a tree have no permissions of their own. */
static int change_node(void *userdata, struct side *side, const char *name, const struct ax_stat *status) {
        return S_ISLNK(status->mode) ? 0 : change_file(userdata, side, name, status);
}

/* A symlink that the command line names leads to what is changed. */
static int change_operand(const struct axctl *axctl, struct change *change, const char *path) {
        const struct tree_visitor visitor = { .on_node = change_node, .userdata = change };
        struct side side = { &side_namespace, axctl->ax };
        struct ax_stat status;
        int r = ax_stat(axctl->ax, path, &status);

        if (r == 0 && axctl->flags['R'] && S_ISDIR(status.mode))
                return tree_visit_operand(axctl, path, true, &visitor);
        if (r == 0)
                r = change_file(change, &side, path, &status);
        return r < 0 ? complain(axctl, path, r) : STATUS_OK;
}

int chmod_run(struct axctl *axctl) {
        struct change change = { .text = axctl->operands[0] + (axctl->operands[0][0] == ',') };
        int mask = ax_umask(axctl->ax, 022), status = STATUS_OK;
        uint32_t probe = 0;

        change.mask = mask < 0 ? 022 : (uint32_t) mask;
        ax_umask(axctl->ax, change.mask);
        change.is_number = is_octal(change.text, &change.number);
        if (!change.is_number && !change_mode(change.text, 0, &probe))
                return complain_usage(axctl, change.text,
                                      "not a mode: octal digits, or [ugoa][+-=][rwxXst], with commas between");
        for (int i = 1; i < axctl->n_operands; i++)
                if (change_operand(axctl, &change, axctl->operands[i]) != STATUS_OK)
                        status = STATUS_FAILED;
        return status;
}
