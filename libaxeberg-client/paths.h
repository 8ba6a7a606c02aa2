/* SPDX-License-Identifier: MIT */
/*
 * Checking paths.
 */
#pragma once

/*
 * Checks a path before anybody looks at files. The daemon checks again; this saves sending
 * megabytes. Returns 0, -AX_EINVAL for NULL, -AX_ENOENT for "", or -AX_ENAMETOOLONG.
 */
int path_check(const char *path);
