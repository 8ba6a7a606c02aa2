/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef AXBENCH_PEER

static void run(const char *source, const char *mount) {
        char option[192];
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        snprintf(option, sizeof(option), "source=%s", source);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(AXBENCH_PEER, "passthrough_ll", "-f", "-o", option, "-o", "cache=always", mount, (char *) NULL);
        _exit(EXIT_FAILURE);
}

static bool is_fuse(const char *path) {
        struct statfs status;

        return statfs(path, &status) == 0 && status.f_type == 0x65735546;
}

/* Until it has mounted, or has ended. */
static bool wait_mounted(struct peer *peer) {
        while (!is_fuse(peer->mount)) {
                if (waitpid(peer->pid, NULL, WNOHANG) != 0) {
                        peer->pid = -1;
                        return false;
                }
                (void) poll(NULL, 0, 5);
        }
        return true;
}

void peer_start(struct peer *peer, const char *directory, const char *tmpfs, char *ret, size_t size) {
        char source[160];

        *ret = '\0';
        peer->pid = -1;
        snprintf(source, sizeof(source), "%s/of-peer", tmpfs);
        snprintf(peer->mount, sizeof(peer->mount), "%s/peer", directory);
        if (mkdir(source, 0755) < 0 || mkdir(peer->mount, 0755) < 0)
                return;
        peer->pid = fork();
        if (peer->pid == 0)
                run(source, peer->mount);
        if (peer->pid > 0 && wait_mounted(peer))
                snprintf(ret, size, "%s", peer->mount);
}

#else

void peer_start(struct peer *peer, const char *directory, const char *tmpfs, char *ret, size_t size) {
        (void) directory;
        (void) tmpfs;
        (void) size;
        peer->pid = -1;
        *ret = '\0';
}

#endif

void peer_stop(struct peer *peer) {
        if (peer->pid <= 0)
                return;
        (void) umount2(peer->mount, MNT_DETACH);
        (void) kill(peer->pid, SIGTERM);
        (void) waitpid(peer->pid, NULL, 0);
        peer->pid = -1;
}
