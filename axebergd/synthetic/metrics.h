/* SPDX-License-Identifier: MIT */
/*
 * The trace and the figures as texts, for /proc/trace and /proc/metrics.
 */
#pragma once

#include <stdio.h>

struct kernel;

/* The newest events, one line each. */
void trace_write(FILE *out, const struct kernel *kernel);
/*
 * As OpenMetrics 1.0 (https://github.com/OpenObservability/OpenMetrics) has it; counters since the
 * last reset.
 */
void metrics_write(FILE *out, struct kernel *kernel);
