/* SPDX-License-Identifier: MIT */
#include "descendants.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 1024 };

pid_t parent_of(pid_t pid) {
        char path[32], text[512];
        const char *end = NULL;
        int parent = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        file = fopen(path, "re");
        if (!file)
                return 0;
        if (fgets(text, sizeof(text), file))
                end = strrchr(text, ')'); /* the name before it may be anything */
        fclose(file);
        return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool descends_from(pid_t pid, pid_t ancestor) {
        for (int depth = 0; pid > 1 && depth < MAX_DEPTH; depth++) {
                pid = parent_of(pid);
                if (pid == ancestor)
                        return true;
        }
        return false;
}

size_t descendants_of(pid_t ancestor, pid_t **ret) {
        size_t n = 0, room = 0;
        pid_t *pids = NULL;
        DIR *directory = opendir("/proc");
        const struct dirent *entry;

        while (directory && (entry = readdir(directory))) {
                pid_t pid = (pid_t) strtol(entry->d_name, NULL, 10);

                if (pid <= 0 || pid == ancestor || !descends_from(pid, ancestor))
                        continue;
                if (n == room) {
                        pid_t *more = reallocarray(pids, room = room * 2 + 16, sizeof(*pids));

                        if (!more)
                                break;
                        pids = more;
                }
                pids[n++] = pid;
        }
        if (directory)
                closedir(directory);
        *ret = pids;
        return n;
}
