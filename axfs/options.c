/* SPDX-License-Identifier: MIT */
/* options.c - see options.h */
#include "options.h"

#include "util.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *argp_program_version = "axfs " AXEBERG_VERSION;

enum { KEY_SOCKET = 256 };

static const struct argp_option own_options[] = {
        { "foreground", 'f', NULL, 0, "Stay in the foreground", 0 },
        { "socket", KEY_SOCKET, "PATH", 0,
          "The daemon's socket (default: $AXEBERG_SOCKET, else /run/axeberg/axebergd.sock, "
          "for users in $XDG_RUNTIME_DIR)",
          0 },
        { NULL, 'o', "OPTIONS", 0,
          "Mount options, separated by commas: ro, suid, dev, noexec, noatime, allow_other, "
          "default_permissions, fsname=NAME, socket=PATH, passthrough=no, files_per_user=NUMBER",
          0 },
        { "verbose", 'v', NULL, 0, "Print on standard error what is done", 0 },
        { 0 },
};

static const struct argp_option mount_options[] = {
        { NULL, 'o', "OPTIONS", 0, "Mount options, separated by commas", 0 },
        { NULL, 's', NULL, 0, "Ignore options that are not known", 0 },
        { NULL, 'f', NULL, 0, "Do everything but mount", 0 },
        { NULL, 'n', NULL, 0, "Ignored: there is no mtab to write", 0 },
        { "verbose", 'v', NULL, 0, "Print on standard error what is done", 0 },
        { 0 },
};

/* Words of -o and what becomes of them; a word that ends in '=' has a value. */
enum option_use { USE_PASS, USE_IGNORE, USE_SOCKET, USE_PASSTHROUGH, USE_FILES_PER_USER };

static const struct {
        const char *word;
        enum option_use use;
} words[] = {
        { "ro", USE_PASS },
        { "rw", USE_PASS },
        { "suid", USE_PASS },
        { "nosuid", USE_PASS },
        { "dev", USE_PASS },
        { "nodev", USE_PASS },
        { "exec", USE_PASS },
        { "noexec", USE_PASS },
        { "sync", USE_PASS },
        { "async", USE_PASS },
        { "dirsync", USE_PASS },
        { "noatime", USE_PASS },
        { "allow_other", USE_PASS },
        { "fsname=", USE_PASS },
        { "max_read=", USE_PASS },
        { "context=", USE_PASS },
        { "fscontext=", USE_PASS },
        { "defcontext=", USE_PASS },
        { "rootcontext=", USE_PASS },
        { "debug", USE_PASS },
        { "socket=", USE_SOCKET },
        { "passthrough=", USE_PASSTHROUGH },
        { "files_per_user=", USE_FILES_PER_USER },
        { "default_permissions", USE_IGNORE }, /* always */
        { "subtype=", USE_IGNORE },
        { "atime", USE_IGNORE },
        { "relatime", USE_IGNORE },
        { "norelatime", USE_IGNORE },
        { "strictatime", USE_IGNORE },
        { "nostrictatime", USE_IGNORE },
        { "diratime", USE_IGNORE },
        { "nodiratime", USE_IGNORE },
        { "lazytime", USE_IGNORE },
        { "nolazytime", USE_IGNORE },
        { "silent", USE_IGNORE },
        { "loud", USE_IGNORE },
        { "defaults", USE_IGNORE },
        { "auto", USE_IGNORE },
        { "noauto", USE_IGNORE },
        { "user", USE_IGNORE },
        { "user=", USE_IGNORE },
        { "nouser", USE_IGNORE },
        { "users", USE_IGNORE },
        { "nousers", USE_IGNORE },
        { "owner", USE_IGNORE },
        { "group", USE_IGNORE },
        { "nofail", USE_IGNORE },
        { "_netdev", USE_IGNORE },
        { "x-", USE_IGNORE },
        { "X-", USE_IGNORE },
        { "comment=", USE_IGNORE },
};

static bool word_matches(const char *word, const char *option) {
        size_t length = strlen(word);

        if (word[length - 1] == '=' || word[length - 1] == '-')
                return strncmp(word, option, length) == 0;
        return strcmp(word, option) == 0;
}

static int text_append(char **text, const char *option) {
        char *longer;

        if (asprintf(&longer, "%s%s%s", *text ? *text : "", *text ? "," : "", option) < 0)
                return -ENOMEM;
        free(*text);
        *text = longer;
        return 0;
}

static bool options_name(const char *options, const char *option) {
        size_t length = strlen(option);

        for (const char *at = options; at && (at = strstr(at, option)); at++)
                if ((at == options || at[-1] == ',') &&
                    (at[length] == ',' || at[length] == '\0' || option[length - 1] == '='))
                        return true;
        return false;
}

/* The path need not exist, and is not followed: a dead mount may lie there. */
static int set_path(char **path, const char *text, const char *what, struct argp_state *state) {
        _cleanup_free_ char *here = NULL;
        char *absolute;

        if (!*text)
                argp_error(state, "the %s is empty", what);
        here = *text == '/' ? strdup("") : getcwd(NULL, 0);
        if (!here)
                return negative_errno();
        if (asprintf(&absolute, "%s%s%s", here, *here ? "/" : "", text) < 0)
                return -ENOMEM;
        free(*path);
        *path = absolute;
        return 0;
}

static int set_socket(struct options *options, const char *path, struct argp_state *state) {
        return set_path(&options->socket_path, path, "socket's path", state);
}

static int set_directory(struct options *options, const char *path, struct argp_state *state) {
        return set_path(&options->directory, path, "mount point's path", state);
}

static int set_passthrough(struct options *options, const char *value, struct argp_state *state) {
        bool yes = strcmp(value, "yes") == 0 || strcmp(value, "auto") == 0;

        if (!yes && strcmp(value, "no") != 0)
                argp_error(state, "passthrough is yes or no, not '%s'", value);
        options->passthrough = yes;
        return 0;
}

static int set_files_per_user(struct options *options, const char *value, struct argp_state *state) {
        unsigned long number;
        char *end;

        errno = 0;
        number = strtoul(value, &end, 10);
        if (errno != 0 || *end || *value < '0' || *value > '9' || number < 1 || number > INT_MAX)
                argp_error(state, "files_per_user is a number from 1 on, not '%s'", value);
        options->files_per_user = (unsigned) number;
        return 0;
}

static int take_option(struct options *options, const char *option, struct argp_state *state) {
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
                const char *value = option + strlen(words[i].word);

                if (!word_matches(words[i].word, option))
                        continue;
                if (words[i].use != USE_IGNORE && option[strlen(option) - 1] == '=')
                        argp_error(state, "the mount option '%s' needs a value", option);
                switch (words[i].use) {
                case USE_PASS:
                        return text_append(&options->mount_options, option);
                case USE_SOCKET:
                        return set_socket(options, value, state);
                case USE_PASSTHROUGH:
                        return set_passthrough(options, value, state);
                case USE_FILES_PER_USER:
                        return set_files_per_user(options, value, state);
                case USE_IGNORE:
                        return 0;
                }
        }
        if (!options->sloppy)
                argp_error(state, "unknown mount option '%s'", option);
        return 0;
}

static int take_options(struct options *options, const char *list, struct argp_state *state) {
        _cleanup_free_ char *copy = strdup(list);
        char *rest = copy, *option;
        int r = copy ? 0 : -ENOMEM;

        while (r == 0 && (option = strsep(&rest, ",")))
                if (*option)
                        r = take_option(options, option, state);
        return r;
}

static error_t parse_own(int key, char *argument, struct argp_state *state) {
        struct options *options = state->input;

        switch (key) {
        case 'f':
                options->foreground = true;
                return 0;
        case 'v':
                options->verbose = true;
                return 0;
        case 'o':
                return -take_options(options, argument, state);
        case KEY_SOCKET:
                return -set_socket(options, argument, state);
        case ARGP_KEY_ARG:
                if (state->arg_num > 0)
                        argp_error(state, "more than one mount point");
                return -set_directory(options, argument, state);
        case ARGP_KEY_END:
                if (!options->directory)
                        argp_error(state, "missing mount point");
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static error_t parse_mount(int key, char *argument, struct argp_state *state) {
        struct options *options = state->input;

        switch (key) {
        case 'f':
                options->fake = true;
                return 0;
        case 's':
                options->sloppy = true;
                return 0;
        case 'n':
                return 0;
        case ARGP_KEY_ARG:
                if (state->arg_num == 0)
                        return 0; /* the source says nothing: there is one namespace a daemon */
                if (state->arg_num > 1)
                        argp_error(state, "more than one mount point");
                return -set_directory(options, argument, state);
        default:
                return parse_own(key, argument, state);
        }
}

static const struct argp own_argp = {
        .options = own_options,
        .parser = parse_own,
        .args_doc = "DIRECTORY",
        .doc = "Mount the namespace of axebergd at a directory of the host, and serve it."
               "\vReturns when the mount serves. Ends when it is unmounted, or on SIGTERM, which unmounts it. When the daemon ends, files "
               "stay; devices and /proc come back with it.",
};

static const struct argp mount_argp = {
        .options = mount_options,
        .parser = parse_mount,
        .args_doc = "SOURCE DIRECTORY",
        .doc = "Mount the namespace of axebergd; called by mount -t axeberg.",
};

/* Root serves everybody, checked as on any filesystem. Other users serve themselves. */
static int add_defaults(struct options *options) {
        static const char *const pairs[][2] = {
                { "fsname=", "fsname=axeberg" },
                { "suid", "nosuid" },
                { "dev", "nodev" },
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < sizeof(pairs) / sizeof(*pairs); i++)
                if (!options_name(options->mount_options, pairs[i][0]) &&
                    !options_name(options->mount_options, pairs[i][1]))
                        r = text_append(&options->mount_options, pairs[i][1]);
        if (r == 0 && geteuid() == 0 && !options_name(options->mount_options, "allow_other"))
                r = text_append(&options->mount_options, "allow_other");
        return r < 0 ? r : text_append(&options->mount_options, "subtype=axeberg,default_permissions");
}

/*
 * In the background the working directory is a different one, and the socket is watched: so its
 * path is made absolute now.
 */
static int take_environment(struct options *options) {
        const char *socket = getenv("AXEBERG_SOCKET");

        return options->socket_path || !socket || !*socket ? 0 : set_socket(options, socket, NULL);
}

int options_parse(struct options *options, int argc, char **argv) {
        const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
        const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "axfs";
        error_t r;

        *options = (struct options){ .passthrough = true, .as_mount = strncmp(name, "mount.", 6) == 0 };
        argp_err_exit_status = EXIT_USAGE;
        /* mount(8) puts the directory before the options, and argp takes both in any order. */
        r = argp_parse(options->as_mount ? &mount_argp : &own_argp, argc, argv, 0, NULL, options);
        if (r == 0)
                r = -take_environment(options);
        return r != 0 ? -r : add_defaults(options);
}

void options_say(const struct options *options, const char *format, ...) {
        va_list arguments;

        if (!options->verbose)
                return;
        flockfile(stderr);
        fputs("axfs: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        funlockfile(stderr);
}

void options_deinit(struct options *options) {
        free(options->socket_path);
        free(options->directory);
        free(options->mount_options);
}
