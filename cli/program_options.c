/* SPDX-License-Identifier: MIT */
#include "program_options.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "numbers.h"

static const double default_grace_s = 5;

static const char **variables;
static size_t n_variables;

void program_add_variable(const char *text) {
        const char **more = reallocarray(variables, n_variables + 1, sizeof(*variables));

        if (!more) {
                perror("axctl: environment");
                exit(STATUS_FAILED);
        }
        variables = more;
        variables[n_variables++] = text;
}

/* The program is looked for with the new $PATH, as by env(1). */
static int set_variables(const struct axctl *axctl) {
        for (size_t i = 0; i < n_variables; i++) {
                const char *equals = strchr(variables[i], '=');

                if (!equals || equals == variables[i])
                        return complain_usage(axctl, variables[i], "not NAME=VALUE");
        }
        for (size_t i = 0; i < n_variables; i++)
                if (putenv((char *) variables[i]) != 0)
                        return complain(axctl, variables[i], -errno);
        return STATUS_OK;
}

/* A user that the host does not know gets the group with the same number. */
static const struct passwd *find_user(const char *name, struct ax_spawn_options *options) {
        const struct passwd *user = getpwnam(name);

        if (!user && find_uid(name, &options->uid)) {
                options->gid = options->uid;
                user = getpwuid(options->uid);
        }
        if (user) {
                options->uid = user->pw_uid;
                options->gid = user->pw_gid;
        }
        return user;
}

/* Sets what login(1) sets. Variables of the command line come later. */
static int set_user_variables(const struct passwd *user) {
        return setenv("USER", user->pw_name, 1) == 0 && setenv("LOGNAME", user->pw_name, 1) == 0 &&
                               setenv("HOME", user->pw_dir, 1) == 0 &&
                               setenv("SHELL", *user->pw_shell ? user->pw_shell : "/bin/sh", 1) == 0
                       ? 0
                       : -errno;
}

/* "NAME", "UID", either with ":GROUP" or ":GID". */
static int choose_user(const struct axctl *axctl, const char *text, struct ax_spawn_options *options) {
        const char *colon = strchrnul(text, ':');
        char *name = strndup(text, (size_t) (colon - text));
        const struct passwd *user;
        int r = 0;

        if (!name)
                return complain(axctl, text, -AX_ENOMEM);
        options->set_ids = true;
        options->uid = UINT32_MAX;
        user = find_user(name, options);
        free(name);
        if (options->uid == UINT32_MAX)
                return complain_usage(axctl, text, "no such user");
        if (user)
                r = set_user_variables(user);
        if (r < 0)
                return complain(axctl, text, r);
        if (*colon && !find_gid(colon + 1, &options->gid))
                return complain_usage(axctl, colon + 1, "no such group");
        return STATUS_OK;
}

int program_read_options(struct program *program) {
        const struct axctl *axctl = program->axctl;
        const char *timeout = axctl->values[OPTION_TIMEOUT], *grace = axctl->values['k'];
        struct ax_spawn_options *options = &program->options;
        struct ax_stat cwd;
        int r = STATUS_OK;

        program->grace_s = default_grace_s;
        if (timeout && !parse_seconds(timeout, &program->timeout_s))
                return complain_usage(axctl, timeout, "not a time");
        if (grace && !parse_seconds(grace, &program->grace_s))
                return complain_usage(axctl, grace, "not a time");
        if (axctl->flags['u'])
                r = choose_user(axctl, axctl->values['u'], options);
        if (r == STATUS_OK)
                r = set_variables(axctl);
        if (r != STATUS_OK)
                return r;
        options->cwd = axctl->values[OPTION_CWD];
        r = options->cwd ? ax_stat(axctl->ax, options->cwd, &cwd) : 0;
        return r < 0 ? complain(axctl, options->cwd, r) : STATUS_OK;
}
