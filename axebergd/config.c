#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
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

/* The manual page axeberg.conf(5) has a paragraph for each. */
static const struct setting settings[] = {
        PATH_SETTING("Socket", socket_path),
        PATH_SETTING("Store", store_path),
        PATH_SETTING("Mount", mount_path),
        PATH_SETTING("Axfs", axfs_path),
        FIXED_BOOL("Ephemeral", ephemeral),
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

static int set_count(unsigned *count, const char *value, unsigned least) {
        unsigned long long number;
        char *end;

        errno = 0;
        number = strtoull(value, &end, 10);
        if (errno || end == value || *end || value[0] == '-' || number < least || number > INT32_MAX)
                return -EINVAL;
        *count = (unsigned) number;
        return 0;
}

/* A number with K, M, G or T behind it: powers of 1024. */
static int set_bytes(uint64_t *bytes, const char *value) {
        static const char units[] = "KMGT";
        unsigned long long number;
        const char *unit;
        char *end;
        int shift = 0;

        errno = 0;
        number = strtoull(value, &end, 10);
        if (errno || end == value || value[0] == '-')
                return -EINVAL;
        unit = *end ? strchr(units, *end) : NULL;
        if (unit) {
                shift = 10 * (int) (unit - units + 1);
                end++;
        }
        if (*end || number > UINT64_MAX >> shift)
                return -EINVAL;
        *bytes = (uint64_t) number << shift;
        return 0;
}

int config_set(struct config *config, const char *name, const char *value) {
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
                const struct setting *setting = &settings[i];
                void *target = setting_value(config, setting);

                if (strcmp(setting->name, name) != 0)
                        continue;
                switch (setting->type) {
                case SETTING_PATH:
                        return set_path(target, value);
                case SETTING_BOOL:
                        return set_bool(target, value);
                case SETTING_COUNT:
                        return set_count(target, value, setting->least);
                case SETTING_BYTES:
                        return set_bytes(target, value);
                }
        }
        return -ENOENT;
}

/* Under $XDG_RUNTIME_DIR for what lives as long as the session, else a directory that only this user has. */
static int user_path(char **ret, const char *name) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int n = runtime && *runtime ? asprintf(ret, "%s/axeberg/%s", runtime, name)
                                    : asprintf(ret, "/tmp/axeberg-%u/%s", (unsigned) geteuid(), name);

        return n < 0 ? -ENOMEM : 0;
}

int config_init(struct config *config) {
        *config = (struct config){ .bus = true, .direct = true };
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
                if (settings[i].type == SETTING_COUNT)
                        *(unsigned *) setting_value(config, &settings[i]) = settings[i].initial;
        /* what is left is for the host's own programs, and these ones' private memory */
        config->system_memory = (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE) / 4 * 3;
        config->memory_per_uid = config->system_memory / 3 * 2;
        if (geteuid() != 0)
                return user_path(&config->socket_path, "axebergd.sock") < 0 ||
                                       user_path(&config->store_path, "root") < 0
                               ? -ENOMEM
                               : 0;
        config->socket_path = strdup("/run/axeberg/axebergd.sock");
        config->store_path = strdup("/var/lib/axeberg/root");
        return config->socket_path && config->store_path ? 0 : -ENOMEM;
}

void config_deinit(struct config *config) {
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
                if (settings[i].type == SETTING_PATH)
                        free(*(char **) setting_value(config, &settings[i]));
}

struct load {
        struct config *config;
        const char *path;
        FILE *file;
        int line; /* inih as Debian builds it does not tell the handler the line: count them as they are read */
        int result;
};

static char *load_read_line(char *buffer, int size, void *userdata) {
        struct load *load = userdata;

        load->line++;
        return fgets(buffer, size, load->file);
}

static int load_on_setting(void *userdata, const char *section, const char *name, const char *value) {
        struct load *load = userdata;
        int r = strcasecmp(section, "axebergd") == 0 ? config_set(load->config, name, value) : -ENOENT;

        if (r == -ENOENT)
                log_error("%s:%d: unknown setting [%s] %s", load->path, load->line, section, name);
        else if (r == -EINVAL)
                log_error("%s:%d: %s: bad value \"%s\"", load->path, load->line, name, value);
        if (r < 0 && load->result == 0)
                load->result = r == -ENOENT ? -EINVAL : r;
        return 1;
}

static void cleanup_fclose(FILE **file) {
        if (*file)
                fclose(*file);
}

int config_load(struct config *config, const char *path) {
        _cleanup_(cleanup_fclose) FILE *file = fopen(path, "re");
        struct load load = { .config = config, .path = path, .file = file };
        int line;

        if (!file)
                return log_errno(LOG_ERR, errno, "cannot read the configuration %s", path);
        line = ini_parse_stream(load_read_line, &load, load_on_setting, &load);
        if (line < 0)
                return -ENOMEM;
        if (line > 0) {
                log_error("%s:%d: not a setting", path, line);
                return -EINVAL;
        }
        return load.result;
}

int config_each_number(const struct config *config, int (*visit)(const char *name, uint64_t value, void *userdata),
                       void *userdata) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < sizeof(settings) / sizeof(settings[0]); i++) {
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
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
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
