/* SPDX-License-Identifier: MIT */
/*
 * Looking for a moment before sleeping: both sides of the rings (ring.h) do it the same way.
 *
 * A wake-up costs many times what a call does. So whoever waits for the other side looks for up to
 * a limit, and learns from it: looks that are in vain halve the time, down to nothing; then some
 * waits go without, and one tries again. A gain restores it at once. On one processor looking is
 * pointless, because the other side cannot run meanwhile: there the processor is handed over a few
 * times instead. If somebody else takes it for long, they need it more than we do.
 */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
        AX_SPIN_LOOKS = 32,          /* between two offers of the processor to others */
        AX_SPIN_OFFERS = 16,         /* on one processor, for one wait */
        AX_SPIN_OTHERS_NSEC = 25000, /* a processor that comes back after this long had somebody else on it */
        AX_SPIN_MIN_SKIP = 16,       /* waits without, after several in vain */
        AX_SPIN_MAX_SKIP = 1024,
};

struct ax_spin {
        uint32_t limit_nsec, nsec;
        uint32_t skip, next_skip; /* waits */
        bool alone;               /* there is one processor */
};

static inline void ax_spin_init(struct ax_spin *spin, uint32_t limit_nsec) {
        cpu_set_t cpus;

        *spin = (struct ax_spin){ .limit_nsec = limit_nsec, .nsec = limit_nsec, .next_skip = AX_SPIN_MIN_SKIP };
        spin->alone = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1;
}

static inline uint64_t ax_spin_clock(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static inline void ax_spin_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
}

static inline bool ax_spin_gained(struct ax_spin *spin) {
        spin->nsec = spin->limit_nsec;
        spin->next_skip = AX_SPIN_MIN_SKIP;
        return true;
}

/* The next waits go without. */
static inline void ax_spin_stop(struct ax_spin *spin) {
        spin->nsec = 0;
        spin->skip = spin->next_skip;
        spin->next_skip = spin->next_skip < AX_SPIN_MAX_SKIP ? 2 * spin->next_skip : AX_SPIN_MAX_SKIP;
}

static inline bool ax_spin_in_vain(struct ax_spin *spin) {
        spin->nsec /= 2;
        if (spin->nsec < spin->limit_nsec / 8)
                ax_spin_stop(spin);
        return false;
}

/*
 * Offers the processor to others. Returns false if somebody took it for long, who needs it more
 * than we do.
 */
static inline bool ax_spin_offer(struct ax_spin *spin, uint64_t *now_nsec) {
        uint64_t before_nsec = ax_spin_clock();

        sched_yield();
        *now_nsec = ax_spin_clock();
        if (*now_nsec - before_nsec < AX_SPIN_OTHERS_NSEC)
                return true;
        ax_spin_stop(spin);
        return false;
}

/* Looks at most as long as has paid lately. Returns whether there is input. */
static inline bool ax_spin_until(struct ax_spin *spin, bool (*has_input)(void *userdata), void *userdata) {
        uint64_t begin_nsec, now_nsec;
        unsigned offers = 0;

        if (spin->limit_nsec == 0)
                return false;
        if (spin->nsec == 0) {
                if (spin->skip-- > 1)
                        return false;
                spin->nsec = spin->limit_nsec;
        }
        begin_nsec = ax_spin_clock();
        do {
                for (int i = spin->alone ? AX_SPIN_LOOKS - 1 : 0; i < AX_SPIN_LOOKS; i++) {
                        if (has_input(userdata))
                                return ax_spin_gained(spin);
                        ax_spin_relax();
                }
                if (!ax_spin_offer(spin, &now_nsec))
                        return has_input(userdata);
                if (has_input(userdata))
                        return ax_spin_gained(spin);
        } while (now_nsec - begin_nsec < spin->nsec && (!spin->alone || ++offers < AX_SPIN_OFFERS));
        return ax_spin_in_vain(spin);
}
