/* SPDX-License-Identifier: MIT */
#include "util/host_limits.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/cleanup.h"

enum { DEFAULT_FDS = 1024, DEFAULT_MAPPINGS = 65530 };

uint64_t host_max_fds(void) {
        struct rlimit limit;

        return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? DEFAULT_FDS : limit.rlim_max;
}

uint64_t host_max_mappings(void) {
        _cleanup_close_ int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
        char text[32];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        uint64_t value;

        if (n <= 0)
                return DEFAULT_MAPPINGS;
        text[n] = '\0';
        value = strtoull(text, NULL, 10);
        return value > 0 ? value : DEFAULT_MAPPINGS;
}
