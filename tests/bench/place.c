/* SPDX-License-Identifier: MIT */
/*
 * Ourselves always on the first CPU, the peers – every thread of theirs – beside us or on the
 * second. Threads that a peer makes later inherit their maker's CPU.
 */
#include "place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

void place_init(struct place *place) {
        cpu_set_t set;

        *place = (struct place){ .first = -1, .second = -1, .now = -1 };
        if (sched_getaffinity(0, sizeof(set), &set) < 0)
                return;
        for (int cpu = 0; cpu < CPU_SETSIZE && place->second < 0; cpu++)
                if (CPU_ISSET((size_t) cpu, &set))
                        *(place->first < 0 ? &place->first : &place->second) = cpu;
}

void place_add(struct place *place, pid_t pid) {
        char path[64];
        FILE *file;
        int child;

        if (place->n_peers == PLACE_MAX_PEERS)
                return;
        place->peers[place->n_peers++] = pid;
        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
        file = fopen(path, "re");
        if (!file)
                return;
        while (fscanf(file, "%d", &child) == 1)
                place_add(place, child);
        fclose(file);
}

static void move_threads(pid_t pid, int cpu) {
        const struct dirent *entry;
        DIR *directory;
        cpu_set_t set;
        char path[64];

        CPU_ZERO(&set);
        CPU_SET((size_t) cpu, &set);
        snprintf(path, sizeof(path), "/proc/%d/task", pid);
        directory = opendir(path);
        if (!directory)
                return;
        while ((entry = readdir(directory)))
                if (entry->d_name[0] != '.')
                        (void) sched_setaffinity((pid_t) strtol(entry->d_name, NULL, 10), sizeof(set), &set);
        closedir(directory);
}

bool place_move(struct place *place, enum bench_place where) {
        cpu_set_t set;

        if (place->first < 0 || (where == ON_TWO_CPUS && place->second < 0))
                return false;
        if (place->now == (int) where)
                return true;
        CPU_ZERO(&set);
        CPU_SET((size_t) place->first, &set);
        (void) sched_setaffinity(0, sizeof(set), &set);
        for (size_t i = 0; i < place->n_peers; i++)
                move_threads(place->peers[i], where == ON_ONE_CPU ? place->first : place->second);
        place->now = (int) where;
        return true;
}
