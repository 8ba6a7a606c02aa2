/* SPDX-License-Identifier: MIT */
#include "children.h"

#include <errno.h>
#include <linux/ioctl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

enum { GONE_WAIT_MS = 1000 };

struct host_child {
        struct host_child *prev, *next;
        ax_pid pid;
        pid_t host_pid; /* 0 while it is being started */
        int pidfd;      /* if others may reap it; else -1 */
        bool reported;  /* ax_wait() has reported its end, so nobody wants its status */
};

/* PIDFD_GET_INFO with PIDFD_INFO_EXIT, of Linux 6.15; the host's headers may be older. */
struct pidfd_exit_info {
        uint64_t mask;
        uint64_t others[6];
        uint32_t other;
        int32_t exit_code; /* as waitpid(2) has it */
};
#define PIDFD_GET_EXIT_INFO _IOWR(0xFF, 11, struct pidfd_exit_info)
enum { PIDFD_EXIT_INFO = 1 << 3 };

void children_init(struct children *children) {
        *children = (struct children){ 0 };
        pthread_mutex_init(&children->lock, NULL);
        pthread_cond_init(&children->started, NULL);
}

static void child_free(struct host_child *child) {
        if (child->pidfd >= 0)
                close(child->pidfd);
        free(child);
}

void children_deinit(struct children *children) {
        struct host_child *child, *next;

        DL_FOREACH_SAFE (children->list, child, next) {
                child_free(child);
        }
}

int host_reap(pid_t host_pid, siginfo_t *ret, int flags) {
        int r;

        do {
                memset(ret, 0, sizeof(*ret));
                r = waitid(P_PID, (id_t) host_pid, ret, WEXITED | flags);
        } while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : ret->si_pid != 0;
}

/* With the lock held: reaps programs that have ended since their children were reported. */
static void reap_reported(struct children *children) {
        struct host_child *child, *next;
        siginfo_t info;

        DL_FOREACH_SAFE (children->list, child, next) {
                if (!child->reported || child->host_pid == 0 || host_reap(child->host_pid, &info, WNOHANG) == 0)
                        continue;
                DL_DELETE(children->list, child);
                child_free(child);
        }
}

struct host_child *children_add(struct children *children, ax_pid pid) {
        struct host_child *child = calloc(1, sizeof(*child));

        if (!child)
                return NULL;
        child->pid = pid;
        child->pidfd = -1;
        pthread_mutex_lock(&children->lock);
        reap_reported(children);
        DL_APPEND(children->list, child);
        pthread_mutex_unlock(&children->lock);
        return child;
}

void children_set_started(struct children *children, struct host_child *child, pid_t host_pid, int pidfd) {
        pthread_mutex_lock(&children->lock);
        child->host_pid = host_pid;
        child->pidfd = pidfd;
        pthread_cond_broadcast(&children->started);
        pthread_mutex_unlock(&children->lock);
}

void children_set_failed(struct children *children, struct host_child *child) {
        pthread_mutex_lock(&children->lock);
        DL_DELETE(children->list, child);
        pthread_cond_broadcast(&children->started);
        pthread_mutex_unlock(&children->lock);
        child_free(child);
}

static struct ax_wait_status status_from_siginfo(const siginfo_t *info) {
        return (struct ax_wait_status){ info->si_code == CLD_EXITED ? AX_EXITED : AX_SIGNALED, info->si_status };
}

/*
 * How a program ended that somebody else has reaped, or is just reaping: the kernel knows as soon
 * as that is done, which the pidfd shows by POLLHUP.
 */
static struct ax_wait_status status_from_pidfd(int pidfd) {
        struct pidfd_exit_info info = { .mask = PIDFD_EXIT_INFO };
        struct pollfd gone = { .fd = pidfd };
        bool known = pidfd >= 0 && ioctl(pidfd, PIDFD_GET_EXIT_INFO, &info) == 0;

        if (known && !(info.mask & PIDFD_EXIT_INFO)) {
                poll(&gone, 1, GONE_WAIT_MS);
                info.mask = PIDFD_EXIT_INFO;
                known = ioctl(pidfd, PIDFD_GET_EXIT_INFO, &info) == 0;
        }
        if (!known || !(info.mask & PIDFD_EXIT_INFO))
                return (struct ax_wait_status){ AX_EXITED, 255 };
        if (WIFSIGNALED(info.exit_code))
                return (struct ax_wait_status){ AX_SIGNALED, WTERMSIG(info.exit_code) };
        return (struct ax_wait_status){ AX_EXITED, WEXITSTATUS(info.exit_code) };
}

/* With the lock held, which is released while the program is still being started. */
static struct host_child *child_from_pid(struct children *children, ax_pid pid) {
        struct host_child *child;

again:
        DL_FOREACH (children->list, child) {
                if (child->pid != pid || child->reported)
                        continue;
                if (child->host_pid > 0)
                        return child;
                pthread_cond_wait(&children->started, &children->lock);
                goto again;
        }
        return NULL;
}

void children_end(struct children *children, ax_pid pid, bool host_status, struct ax_wait_status *status) {
        struct host_child *child;
        siginfo_t info;

        pthread_mutex_lock(&children->lock);
        child = child_from_pid(children, pid);
        if (host_status && child && host_reap(child->host_pid, &info, 0) == 1)
                *status = status_from_siginfo(&info);
        else if (host_status)
                *status = status_from_pidfd(child ? child->pidfd : -1);
        if (child && host_status) {
                DL_DELETE(children->list, child);
                child_free(child);
        } else if (child) {
                child->reported = true;
        }
        reap_reported(children);
        pthread_mutex_unlock(&children->lock);
}
