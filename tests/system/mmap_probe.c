/* SPDX-License-Identifier: MIT */
/*
 * mmap_probe FILE SIZE: maps a file shared and obeys lines on standard input: "write TEXT" puts
 * TEXT at the start of the mapping, "read N" prints its first N bytes. For tests that look at one
 * file through a mapping and through the library at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
        char line[256];
        size_t size;
        char *map;
        int fd;

        if (argc != 3) {
                fprintf(stderr, "usage: mmap_probe FILE SIZE\n");
                return 2;
        }
        size = strtoul(argv[2], NULL, 10);
        fd = open(argv[1], O_RDWR | O_CLOEXEC);
        map = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
                fprintf(stderr, "mmap_probe: %s: %s\n", argv[1], strerrordesc_np(errno));
                return 1;
        }
        while (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, "write ", 6) == 0 && strlen(line + 6) <= size)
                        memcpy(map, line + 6, strlen(line + 6));
                else if (strncmp(line, "read ", 5) == 0 && strtoul(line + 5, NULL, 10) <= size)
                        fwrite(map, 1, strtoul(line + 5, NULL, 10), stdout);
                printf("\n");
                fflush(stdout);
        }
        munmap(map, size);
        return 0;
}
