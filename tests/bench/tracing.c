/* SPDX-License-Identifier: MIT */
#include "tracing.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Shared with the busy process. */
static struct {
        atomic_uint wanted; /* a futex */
        atomic_int pid;     /* in the kernel; 0: not yet */
} * busy;

static ax_client *follower; /* reads once, and never again */

static void futex(int operation, unsigned value) {
        syscall(SYS_futex, &busy->wanted, operation, value, NULL, NULL, 0);
}

__attribute__((noreturn)) static void be_busy(const char *socket_path) {
        ax_client *ax;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ax_connect(&ax, socket_path) < 0)
                _exit(EXIT_FAILURE);
        atomic_store(&busy->pid, ax_getpid(ax));
        for (;;) {
                while (atomic_load(&busy->wanted) == 0)
                        futex(FUTEX_WAIT, 0);
                if (ax_getppid(ax) != 1)
                        _exit(EXIT_FAILURE);
        }
}

int bench_start_busy(const char *socket_path, struct place *place) {
        pid_t pid;

        busy = mmap(NULL, sizeof(*busy), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (busy == MAP_FAILED)
                return -errno;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                be_busy(socket_path);
        place_add(place, pid);
        while (atomic_load(&busy->pid) == 0)
                usleep(1000);
        return ax_connect(&follower, socket_path);
}

static int call(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (ax_getppid(context->ax) != 1)
                        return -EIO;
        return 0;
}

static int trace(struct bench_context *context, ax_pid pid) {
        struct ax_trace_filter filter = { .n_pids = 1, .pids = { pid } };
        int r = ax_trace_set_filter(context->ax, &filter);

        return r < 0 ? r : ax_trace_enable(context->ax);
}

int bench_run_traced(struct bench_context *context, unsigned n) {
        int r = trace(context, ax_getpid(context->ax));

        if (r == 0)
                r = call(context, n);
        ax_trace_disable(context->ax);
        return r;
}

int bench_run_beside_busy(struct bench_context *context, unsigned n) {
        int r;

        atomic_store(&busy->wanted, 1);
        futex(FUTEX_WAKE, 1);
        r = call(context, n);
        atomic_store(&busy->wanted, 0);
        return r;
}

/* Once: it stops at its first event. */
static int begin_to_follow(void) {
        struct ax_trace_record *records = NULL;
        static uint64_t after;
        int r;

        if (after > 0)
                return 0;
        r = ax_trace_read(follower, &after, NULL, false, &records, NULL);
        free(records);
        return r < 0 ? r : 0;
}

int bench_run_beside_traced(struct bench_context *context, unsigned n) {
        int r = trace(context, atomic_load(&busy->pid));

        if (r == 0)
                r = begin_to_follow();
        if (r == 0)
                r = bench_run_beside_busy(context, n);
        ax_trace_disable(context->ax);
        return r;
}
