/* SPDX-License-Identifier: MIT */
/*
 * What the command line says about a program: its user, environment, directory and time.
 */
#pragma once

#include "program.h"

/* Returns STATUS_OK, or an exit status after it has printed what is wrong. */
int program_read_options(struct program *program);
