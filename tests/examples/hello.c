/*
 * A first axeberg program: reads a file, writes a file, lists a directory, prints to the console.
 */
#include <axeberg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check(int result, const char *what) {
        if (result >= 0)
                return result;
        fprintf(stderr, "hello: %s: %s\n", what, ax_strerror(result));
        exit(EXIT_FAILURE);
}

static void print(ax_client *ax, const char *text) {
        check((int) ax_write(ax, AX_STDOUT, text, strlen(text)), "the console");
}

int main(void) {
        ax_client *ax;
        char data[256], **names;
        int fd, n;

        check(ax_connect(&ax, NULL), "connect");

        fd = check(ax_open(ax, "/home/user/data.txt", AX_READ), "/home/user/data.txt");
        n = check((int) ax_read(ax, fd, data, sizeof(data) - 1), "read");
        data[n] = '\0';
        ax_close(ax, fd);
        printf("read from /home/user/data.txt: %s", data);

        fd = check(ax_open(ax, "/tmp/output.txt", AX_WRITE), "/tmp/output.txt");
        check((int) ax_write(ax, fd, "Hello, axeberg!\n", 16), "write");
        ax_close(ax, fd);

        n = check(ax_readdir(ax, "/tmp", &names), "/tmp");
        printf("%d name%s in /tmp:", n, n == 1 ? "" : "s");
        for (int i = 0; i < n; i++)
                printf(" %s", names[i]);
        printf("\n");
        ax_names_free(names);

        print(ax, "Hello from an axeberg process\n");
        ax_disconnect(ax);
        return EXIT_SUCCESS;
}
