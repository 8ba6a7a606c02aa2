/* SPDX-License-Identifier: MIT */
/*
 * cat, put, get and cp.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axctl.h"
#include "copy.h"
#include "path.h"

/* From the namespace to standard output. */
static int print(struct axctl *axctl, const char *path) {
        struct side from = { &side_namespace, axctl->ax }, to = { &side_host, NULL };
        struct tree_data data = { .from = &from, .to = &to, .out = STDOUT_FILENO, .plain = true };
        int r;

        data.in = ax_open(axctl->ax, path, AX_READ);
        if (data.in < 0)
                return complain(axctl, path, data.in);
        r = tree_copy_data(&data);
        ax_close(axctl->ax, data.in);
        return r < 0 ? complain(axctl, data.read_failed ? path : "standard output", r) : STATUS_OK;
}

int cat_run(struct axctl *axctl) {
        int status = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++)
                if (print(axctl, axctl->operands[i]) != STATUS_OK)
                        status = STATUS_FAILED;
        return status;
}

/* A target that is a directory takes the file under its own name. */
static int target_path(const char *from, const char *to, bool into, char ret[static PATH_MAX]) {
        if (into)
                return path_join(ret, to, path_base(from)) < 0 ? -AX_ENAMETOOLONG : 0;
        return snprintf(ret, PATH_MAX, "%s", to) < PATH_MAX ? 0 : -AX_ENAMETOOLONG;
}

static int open_host(const char *path) {
        struct stat status;
        int fd;

        if (strcmp(path, "-") == 0)
                return STDIN_FILENO;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
                close(fd);
                errno = EISDIR;
                return -1;
        }
        return fd;
}

static int put_file(struct copy *copy, const char *from, const char *to) {
        struct axctl *axctl = copy->axctl;
        bool is_input = strcmp(from, "-") == 0, read_failed = false;
        int fd = open_host(from), r;
        struct ax_stat status;
        char path[PATH_MAX];

        if (fd < 0)
                return complain(axctl, from, -errno);
        r = target_path(from, to, ax_stat(axctl->ax, to, &status) == 0 && S_ISDIR(status.mode), path);
        if (r == 0)
                r = copy_stream(copy, fd, is_input, path, &read_failed);
        if (!is_input)
                close(fd);
        return r < 0 ? complain(axctl, read_failed ? from : to, r) : STATUS_OK;
}

static const struct copy_options trees = { .trees = true };

int put_run(struct axctl *axctl) {
        const char *from = axctl->n_operands == 2 ? axctl->operands[0] : "-";
        const char *to = axctl->operands[axctl->n_operands - 1];
        struct copy copy;
        int r = copy_begin(&copy, axctl, &side_host, &side_namespace), status;

        if (r < 0)
                status = complain(axctl, to, r);
        else if (axctl->flags['r'] && strcmp(from, "-") != 0)
                status = copy_operands(&copy, &trees);
        else
                status = put_file(&copy, from, to);
        return copy_end(&copy, status);
}

static int get_file(struct copy *copy, const char *from, const char *to) {
        struct axctl *axctl = copy->axctl;
        int fd = ax_open(axctl->ax, from, AX_READ), r;
        bool read_failed = false;
        struct stat status;
        char path[PATH_MAX];

        if (fd < 0)
                return complain(axctl, from, fd);
        r = target_path(from, to, stat(to, &status) == 0 && S_ISDIR(status.st_mode), path);
        if (r == 0)
                r = copy_stream(copy, fd, false, path, &read_failed);
        ax_close(axctl->ax, fd);
        return r < 0 ? complain(axctl, read_failed ? from : path, r) : STATUS_OK;
}

int get_run(struct axctl *axctl) {
        const char *from = axctl->operands[0];
        char *operands[] = { axctl->operands[0], "." };
        struct copy copy;
        int r, status;

        if (axctl->n_operands == 2 && strcmp(axctl->operands[1], "-") == 0)
                return print(axctl, from);
        r = copy_begin(&copy, axctl, &side_namespace, &side_host);
        if (axctl->n_operands == 1) {
                axctl->operands = operands;
                axctl->n_operands = 2;
        }
        if (r < 0)
                status = complain(axctl, from, r);
        else if (axctl->flags['r'])
                status = copy_operands(&copy, &trees);
        else
                status = get_file(&copy, from, axctl->operands[1]);
        return copy_end(&copy, status);
}

int cp_run(struct axctl *axctl) {
        const bool all = axctl->flags['a'];
        const struct copy_options options = {
                .keep = axctl->flags['p'] || all,
                .trees = axctl->flags['r'] || all,
                .replace = axctl->flags['p'] || all,
        };
        struct copy copy;
        int r = copy_begin(&copy, axctl, &side_namespace, &side_namespace);

        return copy_end(&copy, r < 0 ? complain(axctl, axctl->operands[0], r) : copy_operands(&copy, &options));
}
