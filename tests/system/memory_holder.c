/* SPDX-License-Identifier: MIT */
/* Holds a region of 1 MiB and a read-only attachment of 64 KiB until it is ended. */
#include <axeberg.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
        ax_client *ax;
        ax_region_id region;
        ax_shm_id shm;

        if (ax_connect(&ax, NULL) < 0 || ax_mem_alloc(ax, 1 << 20, AX_PROT_READ_WRITE, &region) < 0 ||
            ax_shmget(ax, 1 << 16, &shm) < 0 || ax_shmat(ax, shm, AX_PROT_READ, &region) < 0)
                return 1;
        puts("ready");
        fflush(stdout);
        pause();
        return 0;
}
