/* SPDX-License-Identifier: MIT */
/*
 * A configuration file, line by line.
 *
 *     [section]
 *     name = value
 *     # comment            ; comment
 *
 * A line may be as long as the file. Blanks around names and values do not count, nor does what
 * follows a blank and # or ;. A byte order mark, CR LF, and a last line without its end are all
 * right. What is not understood is never passed over: a file that cannot be read as a whole (a
 * directory, a FIFO, more than 1 MiB), a NUL, a line that is none of the above.
 */
#pragma once

struct config_line {
        const char *path;
        unsigned number;
        const char *section; /* "": none yet */
        const char *name;    /* NULL: the line begins the section */
        const char *value;
};

/*
 * Reads a file. `visit` returns 0, or a negative errno after it has logged what is wrong with the
 * line; reading goes on, so that all problems are reported at once, but stops after a few. Returns
 * 0 or the first error, which has been logged.
 */
int config_file_read(const char *path, int (*visit)(const struct config_line *line, void *userdata), void *userdata);
