#include "process/host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "util/log.h"

static int host_on_exit(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct process *process = userdata;

        (void) source;
        (void) fd;
        (void) events;
        host_release(process);
        process_on_host_end(process);
        return 0;
}

int host_own(struct process *process, pid_t pid) {
        struct host_process *host = &process->host;
        int fd = (int) syscall(SYS_pidfd_open, pid, 0), r;

        if (fd < 0)
                return -errno;
        r = sd_event_add_io(process->kernel->event, &host->source, fd, EPOLLIN, host_on_exit, process);
        if (r < 0) {
                close(fd);
                return r;
        }
        sd_event_source_set_io_fd_own(host->source, true);
        /* after the connection's end, which may come in the same round and tells less */
        sd_event_source_set_priority(host->source, SD_EVENT_PRIORITY_NORMAL + 1);
        host->pidfd = fd;
        host->alive = true;
        process->host_pid = pid;
        if (process->state == PROCESS_STOPPED)
                host_signal(process, SIGSTOP);
        return 0;
}

void host_release(struct process *process) {
        process->host.source = sd_event_source_disable_unref(process->host.source);
        process->host.alive = false;
}

/*
 * The host's rule for kill(2), for us who may kill anybody: a program that has become another user's (su, sudo) is not the process's user's to signal.
 */
static bool is_the_users(const struct process *process) {
        unsigned real = 0, effective = 0, saved = 0;
        bool found = false;
        char path[32], line[128];
        FILE *status;

        if (process->identity->uid == 0)
                return true;
        snprintf(path, sizeof(path), "/proc/%d/status", (int) process->host_pid);
        status = fopen(path, "re");
        if (!status)
                return false;
        while (!found && fgets(line, sizeof(line), status))
                found = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved) == 3;
        fclose(status);
        return found && (real == process->identity->uid || saved == process->identity->uid);
}

bool host_signal(const struct process *process, int signal) {
        if (!process->host.alive || !is_the_users(process))
                return false;
        if (syscall(SYS_pidfd_send_signal, process->host.pidfd, signal, NULL, 0) == 0)
                return true;
        log_client(LOG_WARNING, errno, process->host_pid, process->identity->uid,
                   "cannot send signal %d to host process %d", signal, (int) process->host_pid);
        return false;
}
