/* SPDX-License-Identifier: MIT */
/*
 * append_records PATH WRITER COUNT SIZE [client] - append records that tell whether they are whole
 *
 * Each is SIZE bytes of the letter WRITER and a newline. With "client" the library does it, and
 * PATH is its name there. append_records PATH check SIZE looks at the file: it prints how many
 * whole records it holds, and fails if there is anything else in it.
 */
#include <axeberg.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check(const char *path, size_t size) {
        FILE *file = fopen(path, "re");
        char *record = malloc(size);
        unsigned long count = 0;

        if (!file || !record)
                return 1;
        while (fread(record, 1, size, file) == size) {
                for (size_t i = 1; i < size - 1; i++)
                        if (record[i] != record[0])
                                return 1;
                if (record[size - 1] != '\n')
                        return 1;
                count++;
        }
        fclose(file);
        free(record);
        printf("%lu\n", count);
        return 0;
}

static int append_as_client(const char *path, const char *record, size_t size, unsigned long count) {
        ax_client *ax;
        int fd;

        if (ax_connect(&ax, NULL) < 0)
                return 1;
        fd = ax_open(ax, path, AX_O_WRITE | AX_O_APPEND | AX_O_CREATE);
        for (unsigned long i = 0; i < count; i++)
                if (fd < 0 || ax_write(ax, fd, record, size) != (ssize_t) size)
                        return 1;
        ax_disconnect(ax);
        return 0;
}

static int append(const char *path, const char *record, size_t size, unsigned long count) {
        int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

        for (unsigned long i = 0; i < count; i++)
                if (fd < 0 || write(fd, record, size) != (ssize_t) size)
                        return 1;
        return 0;
}

int main(int argc, char **argv) {
        size_t size;
        char *record;
        int r;

        if (argc == 4 && strcmp(argv[2], "check") == 0)
                return check(argv[1], strtoul(argv[3], NULL, 10));
        if (argc < 5)
                return 2;
        size = strtoul(argv[4], NULL, 10);
        record = malloc(size);
        if (!record || size < 2)
                return 2;
        memset(record, *argv[2], size - 1);
        record[size - 1] = '\n';
        r = (argc > 5 ? append_as_client : append)(argv[1], record, size, strtoul(argv[3], NULL, 10));
        free(record);
        return r;
}
