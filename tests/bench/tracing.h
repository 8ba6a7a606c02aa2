/* SPDX-License-Identifier: MIT */
/*
 * What the trace costs: the program that is traced, and others.
 */
#pragma once

#include "cases.h"
#include "place.h"

/* Start a process that makes calls while a case wants it to. Return: 0, negative error. */
int bench_start_busy(const char *socket_path, struct place *place);

int bench_run_traced(struct bench_context *context, unsigned n);
int bench_run_beside_busy(struct bench_context *context, unsigned n);
int bench_run_beside_traced(struct bench_context *context, unsigned n);
