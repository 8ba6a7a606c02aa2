/* SPDX-License-Identifier: MIT */
#include "limits.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 2000 };

/* One direction: what has been sent, and whether the receiver sleeps. */
struct way {
        _Alignas(64) _Atomic uint32_t sent;
        _Atomic uint32_t sleeps;
};

struct shared {
        struct way request, reply;
        _Atomic uint32_t spins;
};

static int ping_fd = -1, pong_fd = -1;
static struct shared *shared;

/* ---- eventfd --------------------------------------------------------------------------------- */

static void pong_eventfd(void) {
        uint64_t value;

        while (read(ping_fd, &value, sizeof(value)) == sizeof(value))
                if (write(pong_fd, &value, sizeof(value)) != sizeof(value))
                        return;
}

int bench_run_eventfd(struct bench_context *context, unsigned n) {
        uint64_t value = 1;

        (void) context;
        while (n-- > 0)
                if (write(ping_fd, &value, sizeof(value)) != sizeof(value) ||
                    read(pong_fd, &value, sizeof(value)) != sizeof(value))
                        return -errno;
        return 0;
}

/* ---- shared memory --------------------------------------------------------------------------- */

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
}

static void put(struct way *way) {
        atomic_fetch_add(&way->sent, 1);
        if (atomic_exchange(&way->sleeps, 0))
                syscall(SYS_futex, &way->sent, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void take(struct way *way, uint32_t seen) {
        for (uint32_t i = atomic_load(&shared->spins); i > 0; i--) {
                if (atomic_load(&way->sent) != seen)
                        return;
                relax();
        }
        for (;;) {
                atomic_store(&way->sleeps, 1);
                if (atomic_load(&way->sent) != seen)
                        break;
                syscall(SYS_futex, &way->sent, FUTEX_WAIT, seen, NULL, NULL, 0);
        }
        atomic_store(&way->sleeps, 0);
}

static void pong_futex(void) {
        for (uint32_t seen = 0;; seen++) {
                take(&shared->request, seen);
                put(&shared->reply);
        }
}

static int exchange(unsigned n, uint32_t spins) {
        atomic_store(&shared->spins, spins);
        while (n-- > 0) {
                uint32_t seen = atomic_load(&shared->reply.sent);

                put(&shared->request);
                take(&shared->reply, seen);
        }
        atomic_store(&shared->spins, 0);
        return 0;
}

int bench_run_futex(struct bench_context *context, unsigned n) {
        (void) context;
        return exchange(n, 0);
}

int bench_run_spin(struct bench_context *context, unsigned n) {
        (void) context;
        return exchange(n, SPINS);
}

/* ---- the other ends -------------------------------------------------------------------------- */

static int start(void (*run)(void), struct place *place) {
        pid_t pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                run();
                _exit(0);
        }
        if (pid < 0)
                return -errno;
        place_add(place, pid);
        return 0;
}

int bench_start_limits(struct place *place) {
        void *memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int r;

        if (memory == MAP_FAILED)
                return -errno;
        shared = memory;
        ping_fd = eventfd(0, EFD_CLOEXEC);
        pong_fd = eventfd(0, EFD_CLOEXEC);
        if (ping_fd < 0 || pong_fd < 0)
                return -errno;
        r = start(pong_eventfd, place);
        return r < 0 ? r : start(pong_futex, place);
}
