/* SPDX-License-Identifier: MIT */
#include "process/host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/container.h"
#include "util/log.h"

static void on_ready(struct lane_source *source, uint32_t events) {
        struct host_process *host = container_of(source, struct host_process, exit);

        (void) events;
        host->on_exit(host);
}

int host_own(struct host_process *host, struct user *user, pid_t pid, void (*on_exit)(struct host_process *host)) {
        int fd, r = user_charge(user, &host->charge, USER_HOST_FDS, 1);

        if (r < 0)
                return r;
        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        r = fd < 0 ? -errno : lane_watch(&user->lane, &host->exit, fd, EPOLLIN, on_ready);
        if (r < 0) {
                cleanup_close(&fd);
                user_charge_deinit(&host->charge);
                return r;
        }
        host->on_exit = on_exit;
        host->pid = pid;
        host->pidfd = fd;
        host->alive = true;
        return 0;
}

void host_release(struct host_process *host) {
        if (!host->alive)
                return;
        lane_unwatch(&host->exit);
        close(host->pidfd);
        host->alive = false;
        user_charge_deinit(&host->charge);
}

/*
 * The host's rule for kill(2), for the daemon, which could kill anybody: a program that has become
 * another user's (su, sudo) is not this user's to signal.
 */
static bool is_the_users(const struct host_process *host, uid_t uid) {
        unsigned real = 0, effective = 0, saved = 0;
        bool found = false;
        char path[32], line[128];
        FILE *status;

        if (uid == 0)
                return true;
        snprintf(path, sizeof(path), "/proc/%d/status", (int) host->pid);
        status = fopen(path, "re");
        if (!status)
                return false;
        while (!found && fgets(line, sizeof(line), status))
                found = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) == 3;
        fclose(status);
        return found && (real == uid || saved == uid);
}

bool host_signal(const struct host_process *host, uid_t uid, int signal) {
        if (!host->alive || !is_the_users(host, uid))
                return false;
        if (syscall(SYS_pidfd_send_signal, host->pidfd, signal, NULL, 0) == 0)
                return true;
        log_client(LOG_WARNING, errno, host->pid, uid, "cannot send signal %d to host process %d", signal,
                   (int) host->pid);
        return false;
}
