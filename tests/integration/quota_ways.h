/* SPDX-License-Identifier: MIT */
/*
 * Every way in which a process takes something of the kernel that is limited for its user.
 */
#pragma once

#include "fixture.h"

enum { MOST = 4096 };

/* What one process has taken. */
struct taker {
        ax_client *ax;
        unsigned count;
        union {
                int fds[MOST];
                uint64_t ids[MOST];
                ax_client *clients[MOST];
        };
};

struct way {
        const char *name;
        const char *settings;
        enum ax_resource resource;
        int error;                          /* at the limit */
        int (*take)(struct taker *taker);   /* one more; negative on error */
        void (*give)(struct taker *taker);  /* all of them; NULL: only the process's end does */
        void (*begin)(struct taker *taker); /* may be NULL */
};

extern const struct way quota_ways[];
extern const size_t n_quota_ways;
