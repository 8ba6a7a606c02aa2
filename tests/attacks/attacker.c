/* SPDX-License-Identifier: MIT */
/*
 * attacker NAME SOCKET DIRECTORY COUNTS: runs one load of loads.h, until it is ended.
 *
 * COUNTS is a file in which whoever started it sees struct load_counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loads.h"

static int map_counts(const char *path, struct load_counts **ret) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        void *counts;

        if (fd < 0)
                return -errno;
        counts = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (counts == MAP_FAILED)
                return -errno;
        *ret = counts;
        return 0;
}

int main(int argc, char **argv) {
        const struct load *load = argc == 5 ? load_from_name(argv[1]) : NULL;
        struct load_place place;
        int r;

        if (!load) {
                fprintf(stderr, "usage: attacker NAME SOCKET DIRECTORY COUNTS\n");
                return 2;
        }
        place = (struct load_place){ .socket_path = argv[2], .directory = argv[3] };
        flood_raise_limit();
        r = map_counts(argv[4], &place.counts);
        if (r == 0)
                r = load->run(&place);
        fprintf(stderr, "attacker: %s: %s\n", load->name, strerror(r < 0 ? -r : 0));
        return EXIT_FAILURE;
}
