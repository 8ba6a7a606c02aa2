/* SPDX-License-Identifier: MIT */
/*
 * A first axeberg program: reads a file, writes a file, lists a directory, prints to the console.
 *
 * The result of a call is 0 or positive if it succeeded, else a negative error. ax_strerror() puts
 * an error into words; errno is not used. printf() writes to the host's standard output; AX_STDOUT
 * is the axeberg console, which `axctl console` shows.
 */
#include <axeberg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The process ends with the program, so there is nothing to clean up on the way out. */
static void check(int64_t result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "hello: %s: %s\n", what, ax_strerror((int) result));
        exit(EXIT_FAILURE);
}

/* A write is short if an error came after some of the data; the next write returns the error. */
static void write_text(ax_client *ax, int fd, const char *text, const char *what) {
        size_t size = strlen(text);
        ssize_t n;

        for (size_t done = 0; done < size; done += (size_t) n) {
                n = ax_write(ax, fd, text + done, size - done);
                check(n, what);
        }
}

static void show_file(ax_client *ax, const char *path) {
        int fd = ax_open(ax, path, AX_READ);
        char data[256];
        ssize_t n;

        check(fd, path);
        printf("read from %s: ", path);
        while ((n = ax_read(ax, fd, data, sizeof(data))) > 0)
                fwrite(data, 1, (size_t) n, stdout);
        check(n, path); /* 0: the end of the file */
        check(ax_close(ax, fd), path);
}

static void write_file(ax_client *ax, const char *path, const char *text) {
        int fd = ax_open(ax, path, AX_WRITE);

        check(fd, path);
        write_text(ax, fd, text, path);
        check(ax_close(ax, fd), path);
}

static void list_directory(ax_client *ax, const char *path) {
        char **names;
        int n = ax_readdir(ax, path, &names);

        check(n, path);
        printf("%d name%s in %s:", n, n == 1 ? "" : "s", path);
        for (int i = 0; i < n; i++)
                printf(" %s", names[i]);
        printf("\n");
        ax_names_free(names);
}

int main(void) {
        ax_client *ax;

        check(ax_connect(&ax, NULL), "cannot connect to axebergd");
        show_file(ax, "/home/user/data.txt");
        write_file(ax, "/tmp/output.txt", "Hello, axeberg!\n");
        list_directory(ax, "/tmp");
        write_text(ax, AX_STDOUT, "Hello from an axeberg process\n", "the console");
        ax_disconnect(ax);
        return EXIT_SUCCESS;
}
