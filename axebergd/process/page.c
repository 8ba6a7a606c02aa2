/* SPDX-License-Identifier: MIT */
#include "process/page.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "axeberg.h"
#include "memory/memfd.h"
#include "pages.h"
#include "process/process.h"
#include "process/stop.h"
#include "util/cleanup.h"

/*
 * Readers that see an odd sequence, or two different ones, try again. The fields between begin()
 * and finish() are written with release, so that whoever sees one of them sees the odd sequence,
 * too.
 */
static void begin(_Atomic uint32_t *sequence) {
        atomic_store_explicit(sequence, atomic_load_explicit(sequence, memory_order_relaxed) + 1, memory_order_relaxed);
}

#define SET(field, value) __atomic_store_n(&page->field, value, __ATOMIC_RELEASE)

static void finish(_Atomic uint32_t *sequence) {
        atomic_store_explicit(sequence, atomic_load_explicit(sequence, memory_order_relaxed) + 1, memory_order_release);
}

int system_page_init(struct system_page *system, uint64_t started_usec) {
        struct ax_system_page *page;
        void *map;

        system->fd = memfd_make(AX_PAGE_SIZE, MEMFD_READ_ONLY, &map);
        if (system->fd < 0)
                return system->fd;
        system->map = page = map;
        begin(&page->sequence);
        SET(started_usec, started_usec);
        finish(&page->sequence);
        return 0;
}

void system_page_deinit(struct system_page *system) {
        if (!system->map)
                return;
        munmap(system->map, AX_PAGE_SIZE);
        system->map = NULL;
        cleanup_close(&system->fd);
        system->fd = -1;
}

void system_page_set_traced(struct system_page *system, bool traced) {
        struct ax_system_page *page = system->map;

        begin(&page->sequence);
        SET(trace_enabled, traced);
        finish(&page->sequence);
}

int process_page_new(struct process *process, int *ret_fd) {
        void *map;

        if (user_charge(process->user, &process->page_charge, USER_MAPPINGS, 1) < 0)
                return -EDQUOT;
        *ret_fd = memfd_make(AX_PAGE_SIZE, MEMFD_READ_ONLY, &map);
        if (*ret_fd < 0) {
                user_charge_deinit(&process->page_charge);
                return *ret_fd;
        }
        process->page = map;
        process_page_publish(process);
        return 0;
}

void process_page_publish(struct process *process) {
        struct ax_process_page *page = process->page;

        if (!page)
                return;
        begin(&page->sequence);
        SET(pid, process->pid);
        SET(alive, process->state != PROCESS_ZOMBIE);
        SET(pending, signal_pending_mask(&process->signals));
        SET(blocked, signal_blocked_mask(&process->signals));
        SET(mediated, process_is_stopped(process) || signal_first_deliverable(&process->signals) > 0);
        SET(allocated, process->regions.account.used);
        SET(limit, process->regions.account.limit);
        SET(peak, process->regions.account.peak);
        SET(regions, process->regions.count);
        SET(attachments, process->regions.n_attachments);
        SET(traced, trace_categories_of(process->table->trace, process->traced));
        finish(&page->sequence);
}

void process_page_free(struct process *process) {
        if (!process->page)
                return;
        process_page_publish(process);
        munmap(process->page, AX_PAGE_SIZE);
        process->page = NULL;
        user_charge_deinit(&process->page_charge);
}
