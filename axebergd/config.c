/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "config_file.h"
#include "runtime.h"
#include "util/host_limits.h"
#include "util/log.h"

enum setting_type { SETTING_PATH, SETTING_BOOL, SETTING_COUNT, SETTING_BYTES };

struct setting {
        const char *name;
        size_t offset;
        enum setting_type type;
        unsigned initial, least; /* of counts */
        bool at_start;           /* a change takes effect with the next start */
};

#define PATH_SETTING(name, member)                                                                                     \
        { name, offsetof(struct config, member), SETTING_PATH, 0, 0, true }
#define BOOL_SETTING(name, member)                                                                                     \
        { name, offsetof(struct config, member), SETTING_BOOL, 0, 0, false }
#define COUNT_SETTING(name, member, initial, least)                                                                    \
        { name, offsetof(struct config, member), SETTING_COUNT, initial, least, false }

#define FIXED_BOOL(name, member)                                                                                       \
        { name, offsetof(struct config, member), SETTING_BOOL, 0, 0, true }
#define FIXED_COUNT(name, member, initial, least)                                                                      \
        { name, offsetof(struct config, member), SETTING_COUNT, initial, least, true }
#define BYTES_SETTING(name, member)                                                                                    \
        { name, offsetof(struct config, member), SETTING_BYTES, 0, 0, false }
#define FIXED_BYTES(name, member)                                                                                      \
        { name, offsetof(struct config, member), SETTING_BYTES, 0, 0, true }

/* The manual page axeberg.conf(5) has a paragraph for each. */
static const struct setting settings[] = {
        PATH_SETTING("Socket", socket_path),
        PATH_SETTING("Store", store_path),
        PATH_SETTING("Mount", mount_path),
        PATH_SETTING("Axfs", axfs_path),
        FIXED_BOOL("Ephemeral", ephemeral),
        FIXED_BYTES("EphemeralSize", ephemeral_size),
        FIXED_BYTES("EphemeralSizePerUser", ephemeral_size_per_uid),
        FIXED_BYTES("TmpSize", tmp_size),
        FIXED_BYTES("TmpSizePerUser", tmp_size_per_uid),
        FIXED_BOOL("Exec", exec),
        FIXED_BOOL("Bus", bus),
        BOOL_SETTING("Debug", debug),
        BOOL_SETTING("Direct", direct),
        COUNT_SETTING("ConnectionsPerUser", connections_per_uid, 2048, 1),
        COUNT_SETTING("ProcessesPerUser", processes_per_uid, 4096, 1),
        COUNT_SETTING("DescriptorsPerUser", fds_per_uid, 12288, 3),
        COUNT_SETTING("DescriptorsPerProcess", fds_per_process, 1024, 3),
        COUNT_SETTING("PipesPerUser", pipes_per_uid, 2048, 1),
        COUNT_SETTING("TasksPerUser", tasks_per_uid, 65536, 1),
        COUNT_SETTING("TimersPerUser", timers_per_uid, 65536, 1),
        COUNT_SETTING("WindowsPerUser", windows_per_uid, 32, 1),
        COUNT_SETTING("RegionsPerUser", regions_per_uid, 131072, 1),
        COUNT_SETTING("SegmentsPerUser", segments_per_uid, 16384, 1),
        COUNT_SETTING("HostDescriptorsPerUser", host_fds_per_uid, 0, 1),
        COUNT_SETTING("MappingsPerUser", mappings_per_uid, 0, 1),
        BYTES_SETTING("BuffersPerUser", buffers_per_uid),
        BYTES_SETTING("MemoryPerProcess", memory_per_process),
        BYTES_SETTING("MemoryPerUser", memory_per_uid),
        BYTES_SETTING("SystemMemory", system_memory),
        COUNT_SETTING("ParkedCallsPerConnection", parked_per_connection, 256, 1),
        COUNT_SETTING("OutputPerConnection", output_per_connection, 1048576, 65536),
        FIXED_COUNT("ConsoleInput", console_input, 65536, 1),
        FIXED_COUNT("ConsoleOutput", console_output, 262144, 1),
        FIXED_COUNT("TraceEvents", trace_events, 10000, 16),
        FIXED_COUNT("Workers", workers, 4, 1),
};

enum { N_SETTINGS = sizeof(settings) / sizeof(settings[0]) };

static void *setting_value(struct config *config, const struct setting *setting) {
        return (char *) config + setting->offset;
}

static int set_path(char **path, const char *value) {
        char *copy = value && *value ? strdup(value) : NULL;

        if (!copy)
                return value && *value ? -ENOMEM : -EINVAL;
        free(*path);
        *path = copy;
        return 0;
}

static int set_bool(bool *flag, const char *value) {
        static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false", "off", "0" };

        for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
                if (strcasecmp(value, yes[i]) == 0)
                        return *flag = true, 0;
                if (strcasecmp(value, no[i]) == 0)
                        return *flag = false, 0;
        }
        return -EINVAL;
}

/*
 * strtoull() would take spaces and a sign, too: " -1" as the largest number. Numbers here begin
 * with a digit.
 */
static int set_count(unsigned *count, const char *value, unsigned least) {
        unsigned long long number;
        char *end;

        errno = 0;
        number = strtoull(value, &end, 10);
        if (errno || !isdigit((unsigned char) value[0]) || *end || number < least || number > INT32_MAX)
                return -EINVAL;
        *count = (unsigned) number;
        return 0;
}

static const struct setting *setting_from_name(const char *name) {
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (strcmp(settings[i].name, name) == 0)
                        return &settings[i];
        return NULL;
}

int config_set(struct config *config, const char *name, const char *value) {
        const struct setting *setting = setting_from_name(name);
        void *target;

        if (!setting)
                return -ENOENT;
        target = setting_value(config, setting);
        switch (setting->type) {
        case SETTING_PATH:
                return set_path(target, value);
        case SETTING_BOOL:
                return set_bool(target, value);
        case SETTING_COUNT:
                return set_count(target, value, setting->least);
        default:
                return parse_bytes(value, target) ? 0 : -EINVAL;
        }
}

/* A default of a daemon that is not root's, in the user's own directory (runtime.h). */
static int user_path(char **ret, const char *name) {
        char directory[PATH_MAX];

        if (ax_runtime_directory(directory, sizeof(directory)) < 0)
                return -ENAMETOOLONG;
        return asprintf(ret, "%s/%s", directory, name) < 0 ? -ENOMEM : 0;
}

static int set_places(struct config *config) {
        int r;

        if (geteuid() == 0) {
                config->socket_path = strdup(AX_SYSTEM_SOCKET);
                config->store_path = strdup(AX_SYSTEM_STORE);
                return config->socket_path && config->store_path ? 0 : -ENOMEM;
        }
        r = user_path(&config->socket_path, AX_SOCKET_NAME);
        return r < 0 ? r : user_path(&config->store_path, AX_STORE_NAME);
}

/* Half, so that others can still connect and work when one user has taken as much as it may. */
static unsigned half_of(uint64_t max) {
        return max / 2 > INT32_MAX ? INT32_MAX : (unsigned) (max / 2);
}

/* The shares of what the host gives the daemon. */
static void set_shares(struct config *config) {
        uint64_t memory = (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE);

        config->host_fds_per_uid = half_of(host_max_fds());
        config->mappings_per_uid = half_of(host_max_mappings());
        config->buffers_per_uid = memory / 64;
        /* a quarter is for ephemeral stores, and one for what programs have by themselves */
        config->system_memory = memory / 2;
        config->memory_per_uid = config->system_memory / 3 * 2;
        config->ephemeral_size = config->tmp_size = memory / 8; /* together a quarter */
}

int config_init(struct config *config) {
        *config = (struct config){ .bus = true, .direct = true, .exec = true };
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (settings[i].type == SETTING_COUNT)
                        *(unsigned *) setting_value(config, &settings[i]) = settings[i].initial;
        set_shares(config);
        return set_places(config);
}

static bool is_below(const char *path, const char *directory) {
        size_t length = strlen(directory);

        return strncmp(path, directory, length) == 0 && path[length] == '/';
}

int config_make_directory(const struct config *config) {
        static const char advice[] = "set XDG_RUNTIME_DIR to a directory of your own, or choose others with "
                                     "--socket and --store";
        char directory[PATH_MAX];
        const char *problem;
        int r;

        if (geteuid() == 0 || ax_runtime_directory(directory, sizeof(directory)) < 0)
                return 0;
        if (!is_below(config->socket_path, directory) &&
            (config->ephemeral || !is_below(config->store_path, directory)))
                return 0;
        if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
                r = -errno;
                log_error("cannot make %s: %s; %s", directory, strerrordesc_np(-r), advice);
                return r;
        }
        r = ax_runtime_check(directory, &problem);
        if (r < 0)
                log_error("%s %s, so it is not used; %s", directory, problem, advice);
        return r;
}

void config_deinit(struct config *config) {
        for (size_t i = 0; i < N_SETTINGS; i++)
                if (settings[i].type == SETTING_PATH)
                        free(*(char **) setting_value(config, &settings[i]));
}

/* ---- the file -------------------------------------------------------------------------------- */

struct load {
        struct config *config;
        unsigned lines[N_SETTINGS]; /* where each was set last; 0: not yet */
};

/*
 * What a setting of the file must be beyond what config_set() takes: nobody's working directory is
 * known there.
 */
static int check_in_file(const struct config_line *line, const struct setting *setting) {
        if (setting->type != SETTING_PATH || *line->value == '/')
                return 0;
        log_error("%s:%u: %s: \"%s\" is not an absolute path", line->path, line->number, line->name, line->value);
        return -EINVAL;
}

static int load_setting(struct load *load, const struct config_line *line) {
        const struct setting *setting = setting_from_name(line->name);
        unsigned *place;
        int r;

        if (!setting) {
                log_error("%s:%u: unknown setting [%s] %s", line->path, line->number, line->section, line->name);
                return -EINVAL;
        }
        r = check_in_file(line, setting);
        if (r < 0)
                return r;
        r = config_set(load->config, line->name, line->value);
        if (r == -EINVAL)
                log_error("%s:%u: %s: bad value \"%s\"", line->path, line->number, line->name, line->value);
        else if (r < 0)
                log_errno(LOG_ERR, r, "%s:%u: %s", line->path, line->number, line->name);
        place = &load->lines[setting - settings];
        if (r == 0 && *place > 0)
                log_warning("%s:%u: %s replaces what line %u says", line->path, line->number, line->name, *place);
        *place = line->number;
        return r;
}

/* What stands in a section that is not ours has been told of with the section. */
static int load_on_line(const struct config_line *line, void *userdata) {
        bool is_ours = strcasecmp(line->section, "axebergd") == 0;

        if (line->name && is_ours)
                return load_setting(userdata, line);
        if (!line->name && !is_ours) {
                log_error("%s:%u: unknown section [%s]", line->path, line->number, line->section);
                return -EINVAL;
        }
        if (line->name && !*line->section) {
                log_error("%s:%u: %s stands before the section [axebergd]", line->path, line->number, line->name);
                return -EINVAL;
        }
        return 0;
}

int config_load(struct config *config, const char *path) {
        struct load load = { .config = config };

        return config_file_read(path, load_on_line, &load);
}

/* ---- all of them ----------------------------------------------------------------------------- */

int config_each_number(const struct config *config, int (*visit)(const char *name, uint64_t value, void *userdata),
                       void *userdata) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < N_SETTINGS; i++) {
                const void *value = (const char *) config + settings[i].offset;

                if (settings[i].type == SETTING_COUNT)
                        r = visit(settings[i].name, *(const unsigned *) value, userdata);
                else if (settings[i].type == SETTING_BYTES)
                        r = visit(settings[i].name, *(const uint64_t *) value, userdata);
        }
        return r < 0 ? r : 0;
}

static size_t value_size(const struct setting *setting) {
        switch (setting->type) {
        case SETTING_BOOL:
                return sizeof(bool);
        case SETTING_COUNT:
                return sizeof(unsigned);
        default:
                return sizeof(uint64_t);
        }
}

static bool is_same(const struct setting *setting, const void *a, const void *b) {
        if (setting->type != SETTING_PATH)
                return memcmp(a, b, value_size(setting)) == 0;
        return strcmp(*(char *const *) a ? *(char *const *) a : "", *(char *const *) b ? *(char *const *) b : "") == 0;
}

void config_apply(struct config *config, struct config *fresh) {
        for (size_t i = 0; i < N_SETTINGS; i++) {
                const struct setting *setting = &settings[i];
                void *now = setting_value(config, setting), *new = setting_value(fresh, setting);

                if (is_same(setting, now, new))
                        continue;
                if (setting->at_start) {
                        log_warning("%s has changed; that takes effect with the next start", setting->name);
                } else {
                        log_info("%s has changed", setting->name);
                        memcpy(now, new, value_size(setting));
                }
        }
}
