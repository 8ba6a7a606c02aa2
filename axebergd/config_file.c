/* SPDX-License-Identifier: MIT */
#include "config_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/log.h"

enum { MAX_SIZE = 1 << 20, MAX_PROBLEMS = 20 };

struct reader {
        struct config_line line;
        int (*visit)(const struct config_line *line, void *userdata);
        void *userdata;
        unsigned problems;
        int result;
};

/* ---- the file -------------------------------------------------------------------------------- */

static bool is_null_device(const struct stat *status) {
        return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

/*
 * Opens a regular file, or /dev/null, which stands for an empty one. Opening a FIFO must not wait.
 */
static int open_file(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return log_errno(LOG_ERR, errno, "cannot read the configuration %s", path);
        if (S_ISDIR(status.st_mode))
                return log_errno(LOG_ERR, EISDIR, "cannot read the configuration %s", path);
        if (!S_ISREG(status.st_mode) && !is_null_device(&status)) {
                log_error("cannot read the configuration %s: it is not a regular file", path);
                return -EINVAL;
        }
        return steal_fd(&fd);
}

/*
 * Fills the buffer, of MAX_SIZE + 1 bytes. Returns the size, or a negative errno, which has been
 * logged.
 */
static ssize_t read_all(int fd, const char *path, char *buffer) {
        size_t size = 0;
        ssize_t n;

        do {
                n = read(fd, buffer + size, MAX_SIZE + 1 - size);
                if (n > 0)
                        size += (size_t) n;
        } while ((n > 0 && size <= MAX_SIZE) || (n < 0 && errno == EINTR));
        if (n < 0)
                return log_errno(LOG_ERR, errno, "cannot read the configuration %s", path);
        if (size > MAX_SIZE) {
                log_error("cannot read the configuration %s: it is larger than %d bytes", path, MAX_SIZE);
                return -EFBIG;
        }
        return (ssize_t) size;
}

/* ---- its lines ------------------------------------------------------------------------------- */

static bool is_blank(char byte) {
        return isspace((unsigned char) byte);
}

static char *trim(char *text) {
        char *end = text + strlen(text);

        while (end > text && is_blank(end[-1]))
                end--;
        *end = '\0';
        while (is_blank(*text))
                text++;
        return text;
}

static void cut_comment(char *text) {
        for (char *at = text; *at; at++)
                if ((*at == '#' || *at == ';') && (at == text || is_blank(at[-1]))) {
                        *at = '\0';
                        return;
                }
}

static int complain(const struct reader *reader, const char *problem) {
        log_error("%s:%u: %s", reader->line.path, reader->line.number, problem);
        return -EINVAL;
}

static int begin_section(struct reader *reader, char *text) {
        char *end = strchr(text, ']');

        if (!end || end[1])
                return complain(reader, "not a section");
        *end = '\0';
        reader->line.section = trim(text + 1);
        reader->line.name = reader->line.value = NULL;
        return reader->visit(&reader->line, reader->userdata);
}

static int read_line(struct reader *reader, char *text, size_t size) {
        char *equals;

        if (memchr(text, '\0', size))
                return complain(reader, "a NUL is in the line");
        cut_comment(text);
        text = trim(text);
        if (!*text)
                return 0;
        if (*text == '[')
                return begin_section(reader, text);
        equals = strchr(text, '=');
        if (!equals || equals == text)
                return complain(reader, "not a setting");
        *equals = '\0';
        reader->line.name = trim(text);
        reader->line.value = trim(equals + 1);
        return reader->visit(&reader->line, reader->userdata);
}

static void note(struct reader *reader, int r) {
        if (r == 0)
                return;
        if (reader->result == 0)
                reader->result = r;
        if (++reader->problems == MAX_PROBLEMS)
                log_error("%s: there may be more problems", reader->line.path);
}

/* The text has room for a byte behind its end. */
static void read_lines(struct reader *reader, char *text, size_t size) {
        static const char byte_order_mark[] = "\xEF\xBB\xBF";
        size_t mark = sizeof(byte_order_mark) - 1, length;
        char *end = text + size;

        if (size >= mark && memcmp(text, byte_order_mark, mark) == 0)
                text += mark;
        for (; text < end && reader->problems < MAX_PROBLEMS; text += length + 1) {
                char *newline = memchr(text, '\n', (size_t) (end - text));

                length = (size_t) ((newline ? newline : end) - text);
                text[length] = '\0';
                reader->line.number++;
                note(reader, read_line(reader, text, length));
        }
}

int config_file_read(const char *path, int (*visit)(const struct config_line *line, void *userdata), void *userdata) {
        struct reader reader = { .line = { .path = path, .section = "" }, .visit = visit, .userdata = userdata };
        _cleanup_close_ int fd = open_file(path);
        _cleanup_free_ char *text = NULL;
        ssize_t size;

        if (fd < 0)
                return fd;
        text = malloc(MAX_SIZE + 2);
        if (!text)
                return log_errno(LOG_ERR, ENOMEM, "cannot read the configuration %s", path);
        size = read_all(fd, path, text);
        if (size < 0)
                return (int) size;
        read_lines(&reader, text, (size_t) size);
        return reader.result;
}
