#include "memory/page.h"

#include <string.h>
#include <sys/mman.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/region.h"
#include "pages.h"
#include "process/process.h"
#include "util/cleanup.h"

/* Readers that see an odd sequence, or two different ones, try again. */
static void begin(_Atomic uint32_t *sequence) {
        atomic_store_explicit(sequence, atomic_load_explicit(sequence, memory_order_relaxed) + 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
}

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
        begin(&kernel->page->sequence);
        kernel->page->started_usec = kernel->started_usec;
        finish(&kernel->page->sequence);
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
        page->pid = process->pid;
        page->alive = process->state != PROCESS_ZOMBIE;
        page->pending = signal_pending_mask(&process->signals);
        page->blocked = signal_blocked_mask(&process->signals);
        page->allocated = process->regions.account.used;
        page->limit = process->regions.account.limit;
        page->peak = process->regions.account.peak;
        page->regions = process->regions.count;
        page->attachments = process->regions.n_attachments;
        finish(&page->sequence);
}

void process_page_free(struct process *process) {
        if (!process->page)
                return;
        process_page_publish(process);
        munmap(process->page, AX_PAGE_SIZE);
        process->page = NULL;
}
