/* SPDX-License-Identifier: MIT */
/*
 * in_place_write PATH LOCAL: writes a local file over the start of a file of the namespace, in
 * place. (axctl replaces files as a whole.)
 */
#include <axeberg.h>
#include <stdio.h>

int main(int argc, char **argv) {
        char data[4096];
        FILE *local = argc == 3 ? fopen(argv[2], "re") : NULL;
        size_t size = local ? fread(data, 1, sizeof(data), local) : 0;
        ax_client *ax;
        int r, fd;

        if (!local) {
                fprintf(stderr, "usage: in_place_write PATH LOCAL\n");
                return 2;
        }
        fclose(local);
        r = ax_connect(&ax, NULL);
        if (r < 0) {
                fprintf(stderr, "in_place_write: %s\n", ax_strerror(r));
                return 1;
        }
        fd = ax_open(ax, argv[1], AX_O_WRITE);
        r = fd < 0 ? fd : (int) ax_write(ax, fd, data, size);
        if (r < 0)
                fprintf(stderr, "in_place_write: %s: %s\n", argv[1], ax_strerror(r));
        ax_disconnect(ax);
        return r < 0;
}
