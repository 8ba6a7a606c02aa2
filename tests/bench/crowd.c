/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axeberg.h"

int crowd_join_axeberg(const char *socket_path) {
        ax_client *ax;

        return ax_connect(&ax, socket_path);
}

__attribute__((noreturn)) static void stay(unsigned n, const char *address, crowd_join *join, int report) {
        unsigned joined = 0;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (joined < n && join(address) >= 0)
                joined++;
        (void) !write(report, &joined, sizeof(joined));
        for (;;)
                pause();
}

/* Starts one process and waits until it is as large as it gets. Returns its connections. */
static int start_process(struct crowd *crowd, unsigned n, const char *address, crowd_join *join) {
        unsigned joined = 0;
        int ends[2];
        ssize_t size;
        pid_t pid;

        if (pipe(ends) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                stay(n, address, join, ends[1]);
        close(ends[1]);
        size = pid < 0 ? -1 : read(ends[0], &joined, sizeof(joined));
        close(ends[0]);
        if (pid < 0)
                return -EAGAIN;
        crowd->pids[crowd->n_processes++] = pid;
        return size == sizeof(joined) ? (int) joined : -ECHILD;
}

int crowd_start(struct crowd *crowd, unsigned n, const char *address, crowd_join *join) {
        *crowd = (struct crowd){ 0 };
        while (crowd->n_connections < n && crowd->n_processes < CROWD_MAX_PROCESSES) {
                unsigned left = n - crowd->n_connections, part = left < CROWD_FOR_EACH ? left : CROWD_FOR_EACH;
                int r = start_process(crowd, part, address, join);

                if (r < 0)
                        return r;
                crowd->n_connections += (unsigned) r;
                if ((unsigned) r < part)
                        break;
        }
        return 0;
}

void crowd_end(struct crowd *crowd) {
        for (unsigned i = 0; i < crowd->n_processes; i++)
                kill(crowd->pids[i], SIGKILL);
        for (unsigned i = 0; i < crowd->n_processes; i++)
                (void) waitpid(crowd->pids[i], NULL, 0);
        *crowd = (struct crowd){ 0 };
}
