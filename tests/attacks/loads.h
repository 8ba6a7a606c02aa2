/* SPDX-License-Identifier: MIT */
/*
 * What an ordinary user may do in great number, within his quotas: loads for tests and for the
 * bench of fairness.
 *
 * A load runs in a process of its own, as the attacking user, and goes on until that process is
 * ended.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "flood.h"

struct load_place {
        const char *socket_path;
        const char *directory; /* in the namespace, where the attacker may write */
        struct load_counts *counts;
};

struct load {
        const char *name;
        const char *summary;
        bool many_groups; /* for a user with as many supplementary groups as there can be */
        int (*run)(const struct load_place *place);
};

extern const struct load loads[];
extern const size_t n_loads;

/* NULL if there is none. */
const struct load *load_from_name(const char *name);
