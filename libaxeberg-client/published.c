/* SPDX-License-Identifier: MIT */
#include "published.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "axeberg.h"

const uint32_t published_nothing = 0;

void published_init(struct published *published) {
        *published = (struct published){ .trace_flag = &published_nothing };
}

static void *map(int fd, size_t size, int protection) {
        void *page = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

        return page == MAP_FAILED ? NULL : page;
}

void published_map(struct published *published, const int fds[3]) {
        published->system = map(fds[0], AX_PAGE_SIZE, PROT_READ);
        published->process = map(fds[1], AX_PAGE_SIZE, PROT_READ);
        published->counters = map(fds[2], sizeof(*published->counters), PROT_READ | PROT_WRITE);
        fcntl(fds[2], F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL); /* or the daemon does not read it */
        for (int i = 0; i < 3; i++)
                close(fds[i]);
        if (published->process)
                published->trace_flag = &published->process->traced;
}

void published_unmap(struct published *published) {
        if (published->system)
                munmap((void *) published->system, AX_PAGE_SIZE);
        if (published->process)
                munmap((void *) published->process, AX_PAGE_SIZE);
        if (published->counters)
                munmap(published->counters, sizeof(*published->counters));
}

/*
 * The daemon writes a page in no time. If it dies in the middle the page stays odd, and the
 * connection is broken; so the tries are counted.
 */
enum { MAX_TRIES = 100000 };

/* Each load acquires, so that the sequence is looked at again after all of them. */
#define LOAD(field) __atomic_load_n(&page->field, __ATOMIC_ACQUIRE)

int published_read(const struct published *published, struct ax_process_page *ret) {
        const struct ax_process_page *page = published->process;

        for (int i = 0; page && i < MAX_TRIES; i++) {
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
