/* SPDX-License-Identifier: MIT */
#include "memory/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axeberg.h"
#include "util/cleanup.h"

enum { COMPARE_FROM = 16 << 20, COMPARE_PAGE = 4096, BOUNCE_SIZE = 65536 };

static int seals_of(enum memfd_kind kind) {
        int seals = F_SEAL_SHRINK | F_SEAL_GROW;

        /* not F_SEAL_WRITE, which also refuses read-only shared mappings before Linux 6.7 */
        if (kind == MEMFD_READ_ONLY)
                seals |= F_SEAL_FUTURE_WRITE;
        return kind == MEMFD_SEALED_LATER ? seals : seals | F_SEAL_SEAL;
}

int memfd_make(size_t size, enum memfd_kind kind, void **ret_map) {
        _cleanup_close_ int fd = memfd_create("axeberg", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        void *map = NULL;

        if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t) size) < 0)
                return -AX_EMEM_OUT_OF_MEMORY;
        if (ret_map) {
                map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
                if (map == MAP_FAILED)
                        return -AX_EMEM_OUT_OF_MEMORY;
        }
        if (fcntl(fd, F_ADD_SEALS, seals_of(kind)) < 0) {
                if (map)
                        munmap(map, size);
                return -AX_EMEM_OUT_OF_MEMORY;
        }
        if (ret_map)
                *ret_map = map;
        return steal_fd(&fd);
}

bool memfd_is_sealed(int fd) {
        int seals = fcntl(fd, F_GET_SEALS);

        return seals >= 0 && seals & F_SEAL_FUTURE_WRITE;
}

bool memfd_seal(int fd) {
        return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0 || memfd_is_sealed(fd);
}

/*
 * Returns 0 or -AX_EMEM_OUT_OF_MEMORY. The file is as long as its seals say, so an end of it cannot
 * come.
 */
static int read_all(int fd, char *to, size_t size, size_t offset) {
        while (size > 0) {
                ssize_t n = pread(fd, to, size, (off_t) offset);

                if (n <= 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return -AX_EMEM_OUT_OF_MEMORY;
                to += n;
                offset += (size_t) n;
                size -= (size_t) n;
        }
        return 0;
}

static int write_all(int fd, const char *from, size_t size, size_t offset) {
        while (size > 0) {
                ssize_t n = pwrite(fd, from, size, (off_t) offset);

                if (n <= 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return -AX_EMEM_OUT_OF_MEMORY;
                from += n;
                offset += (size_t) n;
                size -= (size_t) n;
        }
        return 0;
}

/*
 * From where neither side fits the caches, comparing first is faster where few pages have changed
 * (0.5 to 0.8 times a copy for a tenth of 16 MiB and more), and costs little where all have,
 * because a difference is usually found early.
 */
static void copy_mapped(char *to, const char *from, size_t size) {
        if (size < COMPARE_FROM) {
                memcpy(to, from, size);
                return;
        }
        for (size_t at = 0; at < size; at += COMPARE_PAGE) {
                size_t part = size - at < COMPARE_PAGE ? size - at : COMPARE_PAGE;

                if (memcmp(to + at, from + at, part) != 0)
                        memcpy(to + at, from + at, part);
        }
}

static int copy_between_files(int to, int from, size_t size) {
        char bounce[BOUNCE_SIZE];
        int r = 0;

        for (size_t at = 0; r == 0 && at < size; at += BOUNCE_SIZE) {
                size_t part = size - at < BOUNCE_SIZE ? size - at : BOUNCE_SIZE;

                r = read_all(from, bounce, part, at);
                if (r == 0)
                        r = write_all(to, bounce, part, at);
        }
        return r;
}

int memfd_copy(const struct memfd_side *to, const struct memfd_side *from, size_t size) {
        if (!to->map && !from->map)
                return copy_between_files(to->fd, from->fd, size);
        if (!to->map)
                return write_all(to->fd, from->map, size, 0);
        if (!from->map)
                return read_all(from->fd, to->map, size, 0);
        copy_mapped(to->map, from->map, size);
        return 0;
}
