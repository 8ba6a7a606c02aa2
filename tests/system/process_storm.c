/* SPDX-License-Identifier: MIT */
/*
 * Processes that come and go: process_storm COUNT. Prints the last one's pid.
 */
#include <stdio.h>
#include <stdlib.h>

#include "axeberg.h"

int main(int argc, char **argv) {
        unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
        ax_pid pid = 0;

        for (unsigned long i = 0; i < count; i++) {
                ax_client *ax;
                int r = ax_connect(&ax, NULL);

                if (r < 0) {
                        fprintf(stderr, "%s\n", ax_strerror(r));
                        return EXIT_FAILURE;
                }
                pid = ax_getpid(ax);
                ax_disconnect(ax);
        }
        printf("%d\n", pid);
        return EXIT_SUCCESS;
}
