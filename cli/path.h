/* SPDX-License-Identifier: MIT */
/*
 * Paths as text.
 */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Puts "directory/name" into `ret`. Returns 0, or -1 if it is too long. */
static inline int path_join(char ret[static PATH_MAX], const char *directory, const char *name) {
        size_t length = strlen(directory);
        const char *slash = length > 0 && directory[length - 1] == '/' ? "" : "/";

        return snprintf(ret, PATH_MAX, "%s%s%s", directory, slash, name) < PATH_MAX ? 0 : -1;
}

/*
 * Splits a path into a directory ("." if the path has none) and its last name, without trailing
 * slashes. Returns 0, or -1 if the path is too long or does not end in a name, but in "/", "." or
 * "..".
 */
static inline int path_split(const char *path, char directory[static PATH_MAX], char name[static NAME_MAX + 1]) {
        size_t end = strlen(path), begin, length;

        while (end > 0 && path[end - 1] == '/')
                end--;
        for (begin = end; begin > 0 && path[begin - 1] != '/';)
                begin--;
        length = end - begin;
        if (length == 0 || length > NAME_MAX || begin >= PATH_MAX)
                return -1;
        memcpy(name, path + begin, length);
        name[length] = '\0';
        memcpy(directory, path, begin);
        directory[begin] = '\0';
        if (begin == 0)
                strcpy(directory, ".");
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -1 : 0;
}

/* Returns the last component, or the path itself if it has none. */
static inline const char *path_base(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash && slash[1] ? slash + 1 : path;
}
