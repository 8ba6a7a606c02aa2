/* SPDX-License-Identifier: MIT */
#include "process/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "account/user.h"
#include "memory/memfd.h"
#include "util/cleanup.h"

/*
 * The daemon maps the counters only when the program has sealed them: what can be punched could
 * make the kernel's thread wait for the program (memory/memfd.h).
 */
struct program_counters {
        int fd;
        const struct ax_local_counters *map;
        struct user_charge fd_charge, map_charge;
};

struct program_counters *counters_free(struct program_counters *counters) {
        if (!counters)
                return NULL;
        cleanup_close(&counters->fd);
        if (counters->map)
                munmap((void *) counters->map, sizeof(*counters->map));
        user_charge_deinit(&counters->fd_charge);
        user_charge_deinit(&counters->map_charge);
        free(counters);
        return NULL;
}

int counters_new(struct program_counters **ret, struct user *user, const int **ret_fd) {
        struct program_counters *counters = calloc(1, sizeof(*counters));
        int r;

        if (!counters)
                return -ENOMEM;
        counters->fd = -1;
        r = user_charge(user, &counters->fd_charge, USER_HOST_FDS, 1);
        if (r == 0)
                r = user_charge(user, &counters->map_charge, USER_MAPPINGS, 1);
        if (r == 0)
                r = counters->fd = memfd_make(sizeof(*counters->map), MEMFD_SEALED_LATER, NULL);
        if (r < 0) {
                counters_free(counters);
                return r;
        }
        *ret = counters;
        *ret_fd = &counters->fd;
        return 0;
}

/* NULL if the program has not sealed them: then they must not be looked at. */
static const struct ax_local_counters *look_at(struct program_counters *counters) {
        void *map;

        if (counters->map || !memfd_is_sealed(counters->fd))
                return counters->map;
        map = mmap(NULL, sizeof(*counters->map), PROT_READ, MAP_SHARED, counters->fd, 0);
        if (map == MAP_FAILED)
                return NULL;
        counters->map = map;
        return map;
}

void local_totals_count(struct local_totals *totals, enum ax_local_call call, int64_t result) {
        totals->of[call].calls++;
        if (result < 0)
                totals->of[call].errors++;
        else if (call <= AX_LOCAL_MEM_WRITE)
                totals->of[call].bytes += (uint64_t) result;
}

void local_totals_add(struct local_totals *totals, const struct local_totals *more) {
        for (int i = 0; i < AX_LOCAL_CALLS; i++) {
                totals->of[i].calls += more->of[i].calls;
                totals->of[i].errors += more->of[i].errors;
                totals->of[i].bytes += more->of[i].bytes;
        }
}

/* Clamps a value that a client may have forged, so that sums cannot overflow. */
static uint64_t bounded(const _Atomic uint64_t *value) {
        static const uint64_t max = UINT64_C(1) << 50;
        uint64_t figure = atomic_load_explicit(value, memory_order_relaxed);

        return figure < max ? figure : max;
}

/* The slots that the program uses, by its own account. */
static unsigned count_slots(const struct ax_local_counters *counters) {
        uint64_t used = counters ? atomic_load(&counters->slots[0].used) : 0;

        return used < AX_COUNTER_SLOTS ? (unsigned) used : AX_COUNTER_SLOTS;
}

void counters_add_to(struct program_counters *program, struct local_totals *totals) {
        const struct ax_local_counters *counters = look_at(program);
        unsigned n_slots = count_slots(counters);

        for (int i = 0; i < AX_LOCAL_CALLS; i++) {
                for (unsigned slot = 0; slot < n_slots; slot++) {
                        const struct ax_local_counter *counter = &counters->slots[slot].calls[i];

                        totals->of[i].calls += bounded(&counter->calls);
                        totals->of[i].errors += bounded(&counter->errors);
                        totals->of[i].bytes += bounded(&counter->bytes);
                }
        }
}

uint64_t local_totals_calls(const struct local_totals *totals) {
        uint64_t sum = 0;

        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                sum += totals->of[i].calls;
        return sum;
}

uint64_t local_totals_errors(const struct local_totals *totals) {
        uint64_t sum = 0;

        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                sum += totals->of[i].errors;
        return sum;
}

uint64_t local_totals_read(const struct local_totals *totals) {
        return totals->of[AX_LOCAL_READ].bytes + totals->of[AX_LOCAL_PREAD].bytes;
}

uint64_t local_totals_written(const struct local_totals *totals) {
        return totals->of[AX_LOCAL_WRITE].bytes + totals->of[AX_LOCAL_PWRITE].bytes;
}
