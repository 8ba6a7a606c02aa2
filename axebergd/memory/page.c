#include "memory/page.h"

#include <string.h>
#include <sys/mman.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/region.h"
#include "pages.h"
#include "process/process.h"
#include "util/cleanup.h"

/*
 * Readers that see an odd sequence, or two different ones, try again. The fields between begin() and finish() are written with release, so that whoever sees one of
 * them sees the odd sequence, too.
 */
static void begin(_Atomic uint32_t *sequence) {
        atomic_store_explicit(sequence, atomic_load_explicit(sequence, memory_order_relaxed) + 1, memory_order_relaxed);
}

#define SET(field, value) __atomic_store_n(&page->field, value, __ATOMIC_RELEASE)

static void finish(_Atomic uint32_t *sequence) {
        atomic_store_explicit(sequence, atomic_load_explicit(sequence, memory_order_relaxed) + 1, memory_order_release);
}

int system_page_init(struct kernel *kernel) {
        void *map;

        kernel->page_fd = region_make_memory(AX_PAGE_SIZE, AX_PROT_READ, &map);
        if (kernel->page_fd < 0)
                return kernel->page_fd;
        kernel->page = map;
        system_page_publish(kernel);
        return 0;
}

void system_page_deinit(struct kernel *kernel) {
        if (kernel->page)
                munmap(kernel->page, AX_PAGE_SIZE);
        kernel->page = NULL;
        cleanup_close(&kernel->page_fd);
        kernel->page_fd = -1;
}

void system_page_publish(struct kernel *kernel) {
        struct ax_system_page *page = kernel->page;

        begin(&page->sequence);
        SET(started_usec, kernel->started_usec);
        SET(trace_enabled, kernel->trace.enabled);
        finish(&page->sequence);
}

int process_page_new(struct process *process, int *ret_fd) {
        void *map;

        *ret_fd = region_make_memory(AX_PAGE_SIZE, AX_PROT_READ, &map);
        if (*ret_fd < 0)
                return *ret_fd;
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
        SET(mediated, process->state == PROCESS_STOPPED || signal_is_due(process));
        SET(allocated, process->regions.account.used);
        SET(limit, process->regions.account.limit);
        SET(peak, process->regions.account.peak);
        SET(regions, process->regions.count);
        SET(attachments, process->regions.n_attachments);
        finish(&page->sequence);
}

void process_page_free(struct process *process) {
        if (!process->page)
                return;
        process_page_publish(process);
        munmap(process->page, AX_PAGE_SIZE);
        process->page = NULL;
}
