/*
 * Published pages: what the daemon tells without being asked.
 */
#include "pages.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "local.h"
#include "transport.h"

const uint32_t trace_is_off = 0;

static void *map(int fd, size_t size, int protection) {
        void *page = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

        return page == MAP_FAILED ? NULL : page;
}

void client_map_pages(ax_client *ax, const int fds[3]) {
        ax->system_page = map(fds[0], AX_PAGE_SIZE, PROT_READ);
        ax->process_page = map(fds[1], AX_PAGE_SIZE, PROT_READ);
        ax->counters = map(fds[2], sizeof(*ax->counters), PROT_READ | PROT_WRITE);
        for (int i = 0; i < 3; i++)
                close(fds[i]);
        if (ax->system_page)
                ax->trace_flag = &ax->system_page->trace_enabled;
}

void client_unmap_pages(ax_client *ax) {
        if (ax->system_page)
                munmap((void *) ax->system_page, AX_PAGE_SIZE);
        if (ax->process_page)
                munmap((void *) ax->process_page, AX_PAGE_SIZE);
        if (ax->counters)
                munmap(ax->counters, sizeof(*ax->counters));
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
        struct local_call call;
        int r = client_check(ax);

        if (r < 0)
                return r;
        call = local_begin(ax, AX_LOCAL_TRACE_ENABLED);
        r = client_is_traced(ax);
        local_end(ax, &call, 0, 0, 0, r);
        return r;
}

double ax_uptime_ms(ax_client *ax) {
        int r = client_check(ax);
        struct local_call call;
        struct timespec now;

        if (r < 0 || !ax->system_page)
                return r < 0 ? r : -AX_ENOSYS;
        call = local_begin(ax, AX_LOCAL_UPTIME);
        clock_gettime(CLOCK_MONOTONIC, &now);
        local_end(ax, &call, 0, 0, 0, 0);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6 - (double) ax->system_page->started_usec / 1e3;
}

const volatile uint32_t *ax_trace_flag(ax_client *ax) {
        return ax ? ax->trace_flag : &trace_is_off;
}
