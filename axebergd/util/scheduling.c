/* SPDX-License-Identifier: MIT */
#include "util/scheduling.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

enum { SHORT_NSEC = 100000 /* the shortest there is */, LONG_NSEC = 3000000 };

static void use_slices(uint64_t nsec) {
        struct { /* linux/sched/types.h does not go together with sched.h */
                uint32_t size, policy;
                uint64_t flags;
                int32_t nice;
                uint32_t priority;
                uint64_t runtime, deadline, period;
        } attributes = { .size = sizeof(attributes) };

        if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) < 0)
                return;
        attributes.runtime = nsec;
        (void) syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void scheduling_use_short_slices(void) {
        use_slices(SHORT_NSEC);
}

void scheduling_use_long_slices(void) {
        use_slices(LONG_NSEC);
}

bool scheduling_is_runnable(pid_t tid) {
        _cleanup_close_ int fd = -1;
        char path[40], text[64];
        const char *state;
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int) tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return false;
        text[n] = '\0';
        state = strrchr(text, ')'); /* after "(name) " */
        return state && strncmp(state, ") R", 3) == 0;
}
