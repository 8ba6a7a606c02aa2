/* SPDX-License-Identifier: MIT */
/*
 * What regions, segments and published pages cost, beside memory of one's own.
 */
#pragma once

#include "cases.h"

/* Makes what the cases below use. Return: 0, negative error. */
int bench_prepare_memory(struct bench_context *context);

int bench_run_memcpy_64(struct bench_context *context, unsigned n);
int bench_run_memcpy_4k(struct bench_context *context, unsigned n);
int bench_run_memcpy_1m(struct bench_context *context, unsigned n);
int bench_run_memcpy_ping(struct bench_context *context, unsigned n);
int bench_run_memfd(struct bench_context *context, unsigned n);

int bench_run_mem_read_64(struct bench_context *context, unsigned n);
int bench_run_mem_read_4k(struct bench_context *context, unsigned n);
int bench_run_mem_read_1m(struct bench_context *context, unsigned n);
int bench_run_mem_write_64(struct bench_context *context, unsigned n);
int bench_run_mem_write_4k(struct bench_context *context, unsigned n);
int bench_run_mem_write_1m(struct bench_context *context, unsigned n);
int bench_run_mem_read_of_many(struct bench_context *context, unsigned n);
int bench_run_shm_sync(struct bench_context *context, unsigned n);
int bench_run_alloc(struct bench_context *context, unsigned n);
int bench_run_getpid(struct bench_context *context, unsigned n);
int bench_run_sigpending(struct bench_context *context, unsigned n);
int bench_run_memstats(struct bench_context *context, unsigned n);
