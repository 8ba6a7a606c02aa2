/* SPDX-License-Identifier: MIT */
/*
 * remount.h - mount -o remount: change the flags of a mount that serves
 *
 * The kernel changes its own flags (ro, nosuid, noatime, …) without asking axfs, so this need not
 * talk to the axfs that serves the mount. What that one got when it started cannot be changed;
 * asking for it is an error.
 */
#pragma once

#include <stdbool.h>

/** remount_wanted() - returns true if the command line's options name "remount" */
bool remount_wanted(int argc, char **argv);

/** remount_run() - do it. Returns the exit status; errors have been printed. */
int remount_run(int argc, char **argv);
