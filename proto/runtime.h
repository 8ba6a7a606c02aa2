/* SPDX-License-Identifier: MIT */
/*
 * Where a kernel and its programs meet if nobody names a socket: the one place for this rule, which
 * the daemon, the library and, through it, the tools follow.
 *
 * Root's daemon has AX_SYSTEM_SOCKET. A user's own daemon has a directory of its own: "axeberg" in
 * $XDG_RUNTIME_DIR, or /tmp/axeberg-UID without that variable. Anybody can make a directory of that
 * name in /tmp before us, so neither side uses one that another user made or can write to: it must
 * be a directory, no link to one, belong to the user and be closed to all others (mode 0700).
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AX_SYSTEM_SOCKET "/run/axeberg/axebergd.sock"
#define AX_SYSTEM_STORE_PARENT "/var/lib/axeberg"
#define AX_SYSTEM_STORE AX_SYSTEM_STORE_PARENT "/root"

/* In the user's directory. */
#define AX_SOCKET_NAME "axebergd.sock"
#define AX_STORE_NAME "root"

/* The user's directory, which may not exist. Returns the length of its path, or -ERANGE. */
static inline int ax_runtime_directory(char *buffer, size_t size) {
        const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
        int n = runtime && *runtime == '/' ? snprintf(buffer, size, "%s/axeberg", runtime)
                                           : snprintf(buffer, size, "/tmp/axeberg-%u", (unsigned) geteuid());

        return n >= 0 && (size_t) n < size ? n : -ERANGE;
}

/*
 * Looks whether the directory is the user's alone. Returns 0, or a negative errno with the problem
 * in words that follow its name: "PATH belongs to another user".
 */
static inline int ax_runtime_check(const char *directory, const char **ret_problem) {
        struct stat status;

        if (lstat(directory, &status) < 0) {
                *ret_problem = errno == ENOENT ? "does not exist" : "cannot be looked at";
                return -errno;
        }
        *ret_problem = !S_ISDIR(status.st_mode)               ? "is not a directory"
                       : status.st_uid != geteuid()           ? "belongs to another user"
                       : status.st_mode & (S_IRWXG | S_IRWXO) ? "is open to other users (its mode must be 0700)"
                                                              : NULL;
        return !*ret_problem ? 0 : S_ISDIR(status.st_mode) ? -EPERM : -ENOTDIR;
}
