/*
 * Paths as text.
 */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Puts "directory/name" into `ret`. Return: 0, -1 where it is too long. */
static inline int path_join(char ret[static PATH_MAX], const char *directory, const char *name) {
        size_t length = strlen(directory);
        const char *slash = length > 0 && directory[length - 1] == '/' ? "" : "/";

        return snprintf(ret, PATH_MAX, "%s%s%s", directory, slash, name) < PATH_MAX ? 0 : -1;
}

/* The last component, or the path itself where it ends in a slash. */
static inline const char *path_base(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash && slash[1] ? slash + 1 : path;
}
