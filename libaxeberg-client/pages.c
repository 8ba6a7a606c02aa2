/*
 * Published pages: what the daemon tells without being asked.
 */
#include "pages.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "transport.h"

static const void *map_page(int fd) {
        void *page = mmap(NULL, AX_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);

        return page == MAP_FAILED ? NULL : page;
}

void client_map_pages(ax_client *ax, const int fds[2]) {
        ax->system_page = map_page(fds[0]);
        ax->process_page = map_page(fds[1]);
        close(fds[0]);
        close(fds[1]);
}

void client_unmap_pages(ax_client *ax) {
        if (ax->system_page)
                munmap((void *) ax->system_page, AX_PAGE_SIZE);
        if (ax->process_page)
                munmap((void *) ax->process_page, AX_PAGE_SIZE);
}

/* The daemon writes a page in no time; one that died in the middle of it leaves it odd, and the connection broken: so the tries are counted. */
enum { MOST_TRIES = 100000 };

/* Each load acquires, so that the sequence is looked at again after all of them. */
#define LOAD(field) __atomic_load_n(&page->field, __ATOMIC_ACQUIRE)

int client_read_page(const ax_client *ax, struct ax_process_page *ret) {
        const struct ax_process_page *page = ax->process_page;

        for (int i = 0; page && i < MOST_TRIES; i++) {
                uint32_t before = atomic_load_explicit(&page->sequence, memory_order_acquire);

                ret->pid = LOAD(pid);
                ret->alive = LOAD(alive);
                ret->pending = LOAD(pending);
                ret->blocked = LOAD(blocked);
                ret->allocated = LOAD(allocated);
                ret->limit = LOAD(limit);
                ret->peak = LOAD(peak);
                ret->regions = LOAD(regions);
                ret->attachments = LOAD(attachments);
                if (before % 2 == 0 && atomic_load_explicit(&page->sequence, memory_order_relaxed) == before)
                        return ret->alive ? 0 : -AX_ESRCH;
        }
        return 1;
}

#undef LOAD

int ax_trace_enabled(ax_client *ax) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        return ax->system_page ? *(const volatile uint32_t *) &ax->system_page->trace_enabled != 0 : 0;
}

double ax_uptime_ms(ax_client *ax) {
        int r = client_check(ax);
        struct timespec now;

        if (r < 0 || !ax->system_page)
                return r < 0 ? r : -AX_ENOSYS;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6 - (double) ax->system_page->started_usec / 1e3;
}
