/* SPDX-License-Identifier: MIT */
/*
 * What processes do with each other: pipes, spawning, signals, timers; beside what the host's do.
 */
#pragma once

#include "cases.h"
#include "place.h"

/* Start the other ends of the pipes, processes that die with ours. Return: 0, negative error. */
int bench_start_pipes(struct bench_context *context, const char *socket_path, struct place *place);

int bench_run_pipe_latency(struct bench_context *context, unsigned n);
int bench_run_host_pipe_latency(struct bench_context *context, unsigned n);
int bench_run_pipe_stream(struct bench_context *context, unsigned n);
int bench_run_host_pipe_stream(struct bench_context *context, unsigned n);
int bench_run_spawn(struct bench_context *context, unsigned n);
int bench_run_host_spawn(struct bench_context *context, unsigned n);
int bench_run_signal(struct bench_context *context, unsigned n);
int bench_run_host_signal(struct bench_context *context, unsigned n);

/*
 * How late each of 10,000 timers is, beside the host's sleep until the same moments; prints a
 * table. Return: 0, negative error.
 */
int bench_timer_lateness(struct bench_context *context);
