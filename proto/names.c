/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "axeberg.h"
#include "contract.h"

static const char *const signals[AX_SIGNAL_LIMIT] = {
        [AX_SIGHUP] = "SIGHUP",   [AX_SIGINT] = "SIGINT",   [AX_SIGQUIT] = "SIGQUIT", [AX_SIGKILL] = "SIGKILL",
        [AX_SIGUSR1] = "SIGUSR1", [AX_SIGUSR2] = "SIGUSR2", [AX_SIGPIPE] = "SIGPIPE", [AX_SIGALRM] = "SIGALRM",
        [AX_SIGTERM] = "SIGTERM", [AX_SIGCHLD] = "SIGCHLD", [AX_SIGCONT] = "SIGCONT", [AX_SIGSTOP] = "SIGSTOP",
};

const char *signal_name(int signal) {
        return signal > 0 && signal < AX_SIGNAL_LIMIT ? signals[signal] : NULL;
}

int signal_from_name(const char *name) {
        for (int signal = 1; signal < AX_SIGNAL_LIMIT; signal++)
                if (signals[signal] &&
                    (strcasecmp(name, signals[signal]) == 0 || strcasecmp(name, signals[signal] + strlen("SIG")) == 0))
                        return signal;
        return -AX_ESIG_INVALID;
}

static const char *const categories[AX_TRACE_CUSTOM + 1] = {
        [AX_TRACE_SYSCALL] = "syscall", [AX_TRACE_PROCESS] = "process", [AX_TRACE_MEMORY] = "memory",
        [AX_TRACE_TIMER] = "timer",     [AX_TRACE_SIGNAL] = "signal",   [AX_TRACE_SCHEDULER] = "scheduler",
        [AX_TRACE_FILE] = "file",       [AX_TRACE_IPC] = "ipc",         [AX_TRACE_WINDOW] = "window",
        [AX_TRACE_CUSTOM] = "custom",
};

const char *category_name(unsigned category) {
        return category <= AX_TRACE_CUSTOM ? categories[category] : NULL;
}

int category_from_name(const char *name) {
        for (int category = 0; category <= AX_TRACE_CUSTOM; category++)
                if (strcmp(categories[category], name) == 0)
                        return category;
        return -AX_EINVAL;
}

static const char *const resources[AX_RESOURCES] = {
        [AX_RESOURCE_CONNECTIONS] = "connections",
        [AX_RESOURCE_PROCESSES] = "processes",
        [AX_RESOURCE_DESCRIPTORS] = "descriptors",
        [AX_RESOURCE_PIPES] = "pipes",
        [AX_RESOURCE_TASKS] = "tasks",
        [AX_RESOURCE_TIMERS] = "timers",
        [AX_RESOURCE_REGIONS] = "regions",
        [AX_RESOURCE_WINDOWS] = "windows",
        [AX_RESOURCE_MEMORY] = "memory",
        [AX_RESOURCE_SEGMENTS] = "segments",
        [AX_RESOURCE_BUFFERS] = "buffers",
        [AX_RESOURCE_HOST_DESCRIPTORS] = "host-descriptors",
        [AX_RESOURCE_MAPPINGS] = "mappings",
};

const char *resource_name(unsigned resource) {
        return resource < AX_RESOURCES ? resources[resource] : NULL;
}

static const char *const local_calls[AX_LOCAL_CALLS] = {
        [AX_LOCAL_READ] = "read",
        [AX_LOCAL_WRITE] = "write",
        [AX_LOCAL_PREAD] = "pread",
        [AX_LOCAL_PWRITE] = "pwrite",
        [AX_LOCAL_MEM_READ] = "mem_read",
        [AX_LOCAL_MEM_WRITE] = "mem_write",
        [AX_LOCAL_MEM_MAP] = "mem_map",
        [AX_LOCAL_GETPID] = "getpid",
        [AX_LOCAL_SIGPENDING] = "sigpending",
        [AX_LOCAL_MEMSTATS] = "memstats",
        [AX_LOCAL_TRACE_ENABLED] = "trace_enabled",
        [AX_LOCAL_UPTIME] = "uptime",
        [AX_LOCAL_SEEK] = "seek",
        [AX_LOCAL_FSTAT] = "fstat",
        [AX_LOCAL_FTRUNCATE] = "ftruncate",
        [AX_LOCAL_FSYNC] = "fsync",
};

const char *local_call_name(enum ax_local_call call) {
        return (unsigned) call < AX_LOCAL_CALLS ? local_calls[call] : NULL;
}
