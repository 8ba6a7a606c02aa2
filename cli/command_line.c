/* SPDX-License-Identifier: MIT */
#include "command_line.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "show.h"

/* ---- options of every command ---------------------------------------------------------------- */

enum { KEY_SOCKET = 's', KEY_JSON = 'j', KEY_HELP = '?', KEY_VERSION = 'V', KEY_USAGE = 256 };

static const struct argp_option common_options[] = {
        { NULL, 0, NULL, 0, "Options of every command:", -1 },
        { "socket", KEY_SOCKET, "PATH", 0, "The daemon's socket; else $AXEBERG_SOCKET, else the default", -1 },
        { "json", KEY_JSON, NULL, 0, "Print lists and figures as JSON", -1 },
        { "help", KEY_HELP, NULL, 0, "Print this help", -1 },
        { "usage", KEY_USAGE, NULL, 0, "Print a short usage message", -1 },
        { "version", KEY_VERSION, NULL, 0, "Print the version", -1 },
        { 0 },
};

static bool is_last(const struct argp_option *option) {
        return !option->name && !option->key && !option->doc;
}

static bool is_letter(int key) {
        return key > 0 && key < 0x7F && isprint(key);
}

/* ---- help ------------------------------------------------------------------------------------ */

enum { WIDTH = 80, MIN_WIDTH = 30, NARROW = 60 };

/* The width of a terminal; other outputs get lines that fit any terminal. */
static unsigned help_width(void) {
        const char *text = getenv("COLUMNS");
        unsigned long columns = text && isdigit((unsigned char) *text) ? strtoul(text, NULL, 10) : 0;
        bool is_terminal = isatty(STDOUT_FILENO);
        struct winsize size;

        if (columns == 0 && is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                columns = size.ws_col;
        if (columns == 0 || (columns > WIDTH && !is_terminal))
                columns = WIDTH;
        return columns < MIN_WIDTH ? MIN_WIDTH : columns > 1000 ? 1000 : (unsigned) columns;
}

/* argp reads its layout from this variable only. Keep a value that the user has set. */
static void set_layout(void) {
        unsigned width = help_width();
        char layout[128];

        snprintf(layout, sizeof(layout), "rmargin=%u,opt-doc-col=%u,usage-indent=%u,no-dup-args-note", width - 1,
                 width < NARROW ? 10 : 29, width < NARROW ? 4 : 12);
        setenv("ARGP_HELP_FMT", layout, 0);
}

static size_t count_commands(const struct command *commands) {
        size_t n = 0;

        while (commands && (commands[n].name || commands[n].summary))
                n++;
        return n;
}

/*
 * Makes entries for argp, which prints commands like options; a row without a name is a heading.
 * The caller frees them.
 */
static struct argp_option *command_entries(const struct command *commands) {
        size_t n = count_commands(commands);
        struct argp_option *entries = calloc(n + 1, sizeof(*entries));
        int group = 0;

        for (size_t i = 0; entries && i < n; i++) {
                char *name = NULL;

                entries[i] = (struct argp_option){ .doc = commands[i].summary, .group = group += !commands[i].name };
                if (!commands[i].name)
                        continue;
                if (asprintf(&name, "%s%s%s", commands[i].name, *commands[i].operands ? " " : "",
                             commands[i].operands) < 0)
                        name = NULL;
                entries[i].name = name;
                entries[i].flags = OPTION_DOC | OPTION_NO_USAGE;
        }
        return entries;
}

static void free_entries(struct argp_option *entries, size_t n) {
        for (size_t i = 0; entries && i < n; i++)
                free((char *) entries[i].name);
        free(entries);
}

/* Makes the text before the options and, after a "\v", the text after them. The caller frees it. */
static char *help_text(const struct command *command) {
        char *text;

        if (asprintf(&text, "%s.%s%s", command->summary, command->help ? "\v" : "",
                     command->help ? command->help : "") < 0)
                return NULL;
        return text;
}

static void print_help(const struct axctl *axctl, unsigned flags) {
        const struct command *command = axctl->command;
        struct argp_option *entries = command->commands ? command_entries(command->commands) : NULL;
        const char *operands = command->commands ? "COMMAND [ARGUMENT...]" : command->operands;
        const struct argp common = { .options = common_options };
        const struct argp_child children[] = { { &common, 0, NULL, -1 }, { 0 } };
        char *text = help_text(command), name[sizeof(axctl->name)];
        const struct argp argp = {
                .options = command->commands ? entries : command->options,
                .args_doc = *operands ? operands : NULL,
                .doc = text,
                .children = children,
        };

        set_layout();
        snprintf(name, sizeof(name), "%s", axctl->name);
        argp_help(&argp, stdout, flags, name);
        free_entries(entries, count_commands(command->commands));
        free(text);
}

int command_line_help(const struct axctl *axctl) {
        print_help(axctl, ARGP_HELP_STD_HELP & ~(unsigned) ARGP_HELP_EXIT_OK);
        return STATUS_OK;
}

static void print_and_exit(const struct axctl *axctl, int key) {
        if (key == KEY_VERSION)
                printf("axctl %s\n", AXEBERG_VERSION);
        else if (key == KEY_USAGE)
                print_help(axctl, ARGP_HELP_USAGE);
        else
                command_line_help(axctl);
        exit(check_output(STATUS_OK));
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Prints "axctl: COMMAND: error" and a hint about help. Does not return. */
__attribute__((noreturn, format(printf, 2, 3))) static void fail(const struct axctl *axctl, const char *format, ...) {
        const char *command = command_title(axctl);
        va_list arguments;

        fprintf(stderr, "axctl: %s%s", command, *command ? ": " : "");
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, "\nTry '%s --help'.\n", axctl->name);
        exit(STATUS_USAGE);
}

/*
 * Returns how many letters must be changed, added, removed or exchanged to turn one word into the
 * other. Long words are not compared.
 */
static unsigned distance(const char *a, const char *b) {
        enum { MAX = 32 };
        unsigned row[3][MAX + 1], n = (unsigned) strlen(a), m = (unsigned) strlen(b);

        if (n > MAX || m > MAX)
                return MAX;
        for (unsigned j = 0; j <= m; j++)
                row[0][j] = j;
        for (unsigned i = 1; i <= n; i++) {
                unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];

                now[0] = i;
                for (unsigned j = 1; j <= m; j++) {
                        unsigned least = before[j - 1] + (a[i - 1] != b[j - 1]);

                        if (before[j] + 1 < least)
                                least = before[j] + 1;
                        if (now[j - 1] + 1 < least)
                                least = now[j - 1] + 1;
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            earlier[j - 2] + 1 < least)
                                least = earlier[j - 2] + 1;
                        now[j] = least;
                }
        }
        return row[n % 3][m];
}

struct guess {
        const char *word, *best;
        unsigned distance;
};

/* Suggest a word if at most a third of its letters differ, or one letter of a short word. */
static void guess_add(struct guess *guess, const char *name) {
        unsigned far = distance(guess->word, name), length = (unsigned) strlen(name);

        if (far <= (length < 6 ? 1 : length / 3) && far < length && (!guess->best || far < guess->distance)) {
                guess->best = name;
                guess->distance = far;
        }
}

static void guess_options(struct guess *guess, const struct argp_option *options) {
        for (const struct argp_option *option = options; option && !is_last(option); option++)
                if (option->name)
                        guess_add(guess, option->name);
}

__attribute__((noreturn)) static void fail_command(const struct axctl *axctl, const struct command *group,
                                                   const char *word) {
        struct guess guess = { .word = word };
        char buffer[SHOWN_SIZE];

        for (const struct command *command = group->commands; command->name || command->summary; command++)
                if (command->name)
                        guess_add(&guess, command->name);
        if (guess.best)
                fail(axctl, "there is no command \"%s\"; did you mean \"%s\"?", shown(word, buffer), guess.best);
        fail(axctl, "there is no command \"%s\"", shown(word, buffer));
}

static unsigned count_prefixed(const struct argp_option *options, const char *word, size_t length) {
        unsigned n = 0;

        for (const struct argp_option *option = options; option && !is_last(option); option++)
                n += option->name && strncmp(option->name, word, length) == 0;
        return n;
}

/* `word` is unchanged from the command line: "--socke=x". */
__attribute__((noreturn)) static void fail_long_option(const struct axctl *axctl, const char *word) {
        const struct argp_option *own = axctl->command->options;
        char name[64], buffer[SHOWN_SIZE];
        struct guess guess = { .word = name };

        snprintf(name, sizeof(name), "%.*s", (int) strcspn(word + 2, "="), word + 2);
        if (count_prefixed(own, name, strlen(name)) + count_prefixed(common_options, name, strlen(name)) > 1)
                fail(axctl, "\"--%s\" may stand for more than one option", shown(name, buffer));
        guess_options(&guess, own);
        guess_options(&guess, common_options);
        if (guess.best)
                fail(axctl, "unknown option \"--%s\"; did you mean \"--%s\"?", shown(name, buffer), guess.best);
        fail(axctl, "unknown option \"--%s\"", shown(name, buffer));
}

/*
 * Explains what getopt_long() has refused. `known` is the option, or NULL if it is unknown; `word`
 * is the last word that was read.
 */
__attribute__((noreturn)) static void fail_option(const struct axctl *axctl, const struct argp_option *known,
                                                  const char *word, bool is_long, bool lacks_value) {
        const char letter[] = { (char) optopt, '\0' };
        char buffer[SHOWN_SIZE];

        if (lacks_value && is_long)
                fail(axctl, "option \"--%s\" needs %s", known->name, known->arg);
        if (lacks_value)
                fail(axctl, "option \"-%s\" needs %s", letter, known->arg);
        if (known)
                fail(axctl, "option \"--%s\" takes no value", known->name);
        if (optopt == 0)
                fail_long_option(axctl, word);
        fail(axctl, "unknown option \"-%s\"", shown(letter, buffer));
}

/* Copies the name of mandatory operand number `index`. */
static void operand_name(const char *operands, int index, char *ret, size_t size) {
        const char *word = operands;

        for (size_t length; *word; word += length + strspn(word + length, " ")) {
                length = strcspn(word, " ");
                if (*word == '[')
                        continue;
                snprintf(ret, size, "%.*s", (int) strcspn(word, ". "), word);
                if (index-- == 0)
                        return;
        }
}

static void check_operands(const struct axctl *axctl) {
        const struct command *command = axctl->command;
        char name[32] = "operand", buffer[SHOWN_SIZE];

        if (command->alone && axctl->flags[(unsigned char) command->alone])
                return; /* "kill -l" */
        if (axctl->n_operands < command->least) {
                operand_name(command->operands, axctl->n_operands, name, sizeof(name));
                fail(axctl, "missing %s", name);
        }
        if (command->most >= 0 && axctl->n_operands > command->most)
                fail(axctl, "one operand too many: \"%s\"", shown(axctl->operands[command->most], buffer));
}

/* ---- the steps ------------------------------------------------------------------------------- */

enum { MAX_OPTIONS = 48, LONG = 256 }; /* getopt_long() returns letters, or LONG + the index of a name */

/* The options in the form of getopt_long(), and where they came from. */
struct table {
        char letters[2 + 2 * MAX_OPTIONS + 1];
        struct option names[MAX_OPTIONS + 1];
        const struct argp_option *by_letter[128], *by_name[MAX_OPTIONS];
        size_t n_letters, n_names;
};

static bool table_has_name(const struct table *table, const char *name) {
        for (size_t i = 0; i < table->n_names; i++)
                if (strcmp(table->names[i].name, name) == 0)
                        return true;
        return false;
}

/*
 * Adds options whose letters and names are not in use yet, but not "?": getopt_long() returns that
 * for an unknown letter, and take_options() recognises "-?".
 */
static void table_add(struct table *table, const struct argp_option *options) {
        for (const struct argp_option *option = options; option && !is_last(option); option++) {
                int has_value = option->arg ? required_argument : no_argument;

                assert(table->n_names < MAX_OPTIONS && table->n_letters < sizeof(table->letters) - 2);
                if (is_letter(option->key) && option->key != KEY_HELP && !table->by_letter[option->key]) {
                        table->letters[table->n_letters++] = (char) option->key;
                        if (has_value)
                                table->letters[table->n_letters++] = ':';
                        table->by_letter[option->key] = option;
                }
                if (option->name && !table_has_name(table, option->name)) {
                        table->by_name[table->n_names] = option;
                        table->names[table->n_names] =
                                (struct option){ option->name, has_value, NULL, LONG + (int) table->n_names };
                        table->n_names++;
                }
        }
}

/* `stops`: getopt_long() has to stop at the first word that is not an option. */
static void table_init(struct table *table, const struct argp_option *options, bool stops) {
        *table = (struct table){ 0 };
        if (stops)
                table->letters[table->n_letters++] = '+';
        table->letters[table->n_letters++] = ':'; /* a missing value is ':', and nothing is printed */
        table_add(table, options);
        table_add(table, common_options);
}

static const struct argp_option *table_find(const struct table *table, int value) {
        if (value >= LONG)
                return table->by_name[value - LONG];
        return value > 0 && value < 128 ? table->by_letter[value] : NULL;
}

static bool is_common(const struct argp_option *option) {
        for (const struct argp_option *common = common_options; !is_last(common); common++)
                if (common == option)
                        return true;
        return false;
}

static void take_common(struct axctl *axctl, int key, const char *value) {
        switch (key) {
        case KEY_SOCKET:
                if (!*value)
                        fail(axctl, "the socket's path is empty");
                axctl->socket_path = value;
                return;
        case KEY_JSON:
                axctl->json = true;
                return;
        default:
                print_and_exit(axctl, key);
        }
}

/* Takes the options of one step. Returns the index of the first word that is not one. */
static int take_options(struct axctl *axctl, int argc, char **argv) {
        const struct command *command = axctl->command;
        struct table table;
        int value;

        table_init(&table, command->options, command->in_order || command->commands);
        optind = 0; /* begins anew */
        while ((value = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1) {
                bool failed = value == '?' || value == ':';
                const struct argp_option *option = table_find(&table, failed ? optopt : value);

                if (value == '?' && optopt == KEY_HELP)
                        print_and_exit(axctl, KEY_HELP);
                else if (failed)
                        fail_option(axctl, option, argv[optind - 1], optopt >= LONG, value == ':');
                else if (is_common(option))
                        take_common(axctl, option->key, optarg);
                else {
                        if (command->gather)
                                command->gather(option->key, optarg);
                        axctl->flags[option->key] = true;
                        axctl->values[option->key] = optarg;
                }
        }
        return optind;
}

static const struct command *find_command(const struct command *group, const char *name) {
        for (const struct command *command = group->commands; command->name || command->summary; command++)
                if (command->name && strcmp(command->name, name) == 0)
                        return command;
        return NULL;
}

static void enter(struct axctl *axctl, const struct command *command) {
        size_t length = strlen(axctl->name);

        snprintf(axctl->name + length, sizeof(axctl->name) - length, "%s%s", length > 0 ? " " : "", command->name);
        axctl->command = command;
}

static void enter_named(struct axctl *axctl, const char *name) {
        const struct command *command = find_command(axctl->command, name);

        if (!command)
                fail_command(axctl, axctl->command, name);
        enter(axctl, command);
}

void command_line_parse(struct axctl *axctl, const struct command *root, int argc, char **argv) {
        int taken;

        enter(axctl, root);
        for (;;) {
                if (axctl->command->prepare)
                        axctl->command->prepare(argc, argv);
                taken = take_options(axctl, argc, argv);
                argc -= taken;
                argv += taken;
                if (!axctl->command->commands)
                        break;
                if (argc == 0)
                        fail(axctl, "missing command");
                enter_named(axctl, argv[0]);
        }
        axctl->operands = argv;
        axctl->n_operands = argc;
        check_operands(axctl);
}

void command_line_find(struct axctl *axctl, const struct command *root, int n_names, char **names) {
        axctl->name[0] = '\0';
        enter(axctl, root);
        for (int i = 0; i < n_names; i++) {
                if (!axctl->command->commands)
                        fail(axctl, "there are no commands below it");
                enter_named(axctl, names[i]);
        }
}
