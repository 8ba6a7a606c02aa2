/* SPDX-License-Identifier: MIT */
/*
 * Settings: the input is a configuration file, and each of its lines an option of the command
 * line, too.
 *
 * A value that is refused changes nothing. A number that is taken is what its text says, and its
 * own text sets it again.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "sandbox.h"
#include "target.h"
#include "util/log.h"

enum { MAX_NUMBERS = 64, MAX_LINE = 4096 };

struct numbers_seen {
        unsigned n;
        struct {
                const char *name;
                uint64_t value;
        } numbers[MAX_NUMBERS];
};

static int note_number(const char *name, uint64_t value, void *userdata) {
        struct numbers_seen *seen = userdata;

        must(seen->n < MAX_NUMBERS);
        seen->numbers[seen->n].name = name;
        seen->numbers[seen->n++].value = value;
        return 0;
}

static void see(const struct config *config, struct numbers_seen *ret) {
        ret->n = 0;
        must(config_each_number(config, note_number, ret) == 0);
}

/* A number as the manual has it: digits, and perhaps a unit. */
static bool read_text(const char *text, uint64_t *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        uint64_t value = 0;

        if (!isdigit((unsigned char) *text))
                return false;
        for (; isdigit((unsigned char) *text); text++)
                if (__builtin_mul_overflow(value, 10u, &value) ||
                    __builtin_add_overflow(value, (uint64_t) (*text - '0'), &value))
                        return false;
        unit = *text ? strchr(units, *text) : NULL;
        if (*text && (!unit || text[1]))
                return false;
        for (long n = unit ? unit - units + 1 : 0; n > 0; n--)
                if (__builtin_mul_overflow(value, UINT64_C(1024), &value))
                        return false;
        *ret = value;
        return true;
}

static void check_set(const struct numbers_seen *before, const struct numbers_seen *after, const char *name,
                      const char *text, int result) {
        uint64_t value;

        for (unsigned i = 0; i < after->n; i++) {
                uint64_t old = before->numbers[i].value, new = after->numbers[i].value;

                if (strcmp(after->numbers[i].name, name) != 0 || result < 0) {
                        if (old != new)
                                finding("%s = \"%s\" (%d) changes %s", name, text, result, after->numbers[i].name);
                        continue;
                }
                if (!read_text(text, &value) || value != new)
                        finding("%s = \"%s\" makes it %llu", name, text, (unsigned long long) new);
        }
}

static void check_again(struct config *config, const struct numbers_seen *seen) {
        char text[32];

        for (unsigned i = 0; i < seen->n; i++) {
                snprintf(text, sizeof(text), "%llu", (unsigned long long) seen->numbers[i].value);
                if (config_set(config, seen->numbers[i].name, text) < 0)
                        finding("%s cannot be set to what it is, %s", seen->numbers[i].name, text);
        }
}

static void set_line(struct config *config, char *line) {
        struct numbers_seen before, after;
        char *equals = strchr(line, '=');
        int r;

        if (!equals)
                return;
        *equals = '\0';
        see(config, &before);
        r = config_set(config, line, equals + 1);
        if (r != 0 && r != -ENOENT && r != -EINVAL)
                finding("%s = \"%s\": %d", line, equals + 1, r);
        see(config, &after);
        check_set(&before, &after, line, equals + 1, r);
}

static void set_lines(struct config *config, const uint8_t *data, size_t size) {
        struct numbers_seen seen;
        char line[MAX_LINE];

        while (size > 0) {
                const uint8_t *end = memchr(data, '\n', size);
                size_t length = end ? (size_t) (end - data) : size;
                size_t copied = length < sizeof(line) - 1 ? length : sizeof(line) - 1;

                memcpy(line, data, copied);
                line[copied] = '\0';
                set_line(config, line);
                data += length + (end != NULL);
                size -= length + (end != NULL);
        }
        see(config, &seen);
        check_again(config, &seen);
        if (!config->socket_path || !config->store_path)
                finding("a path is gone");
}

static void load(struct config *config, const uint8_t *data, size_t size) {
        int fd = memfd_create("config", MFD_CLOEXEC);
        char path[32];

        must(fd >= 0 && write(fd, data, size) == (ssize_t) size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        (void) config_load(config, path);
        close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        sandbox_enter();
        log_set_level(LOG_EMERG);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct config config, fresh;

        must(config_init(&config) == 0 && config_init(&fresh) == 0);
        load(&fresh, data, size);
        config_apply(&config, &fresh);
        set_lines(&config, data, size);
        config_apply(&fresh, &config);
        config_deinit(&config);
        config_deinit(&fresh);
        return 0;
}
