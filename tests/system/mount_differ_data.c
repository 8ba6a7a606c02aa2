/* SPDX-License-Identifier: MIT */
/* mount_differ_data.c - open files: read, write, map, size, holes, positions, flags, locks */
#include "mount_differ.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static long do_open(struct side *side, const struct step *step, struct outcome *outcome) {
        int fd = openat(side->root, step->name, step->flags | O_NONBLOCK | O_CLOEXEC, step->mode & 07777);

        (void) outcome;
        if (fd < 0)
                return -errno;
        if (side->slots[step->slot] >= 0)
                close(side->slots[step->slot]);
        side->slots[step->slot] = fd;
        return 0;
}

static long do_close(struct side *side, const struct step *step, struct outcome *outcome) {
        int fd = side->slots[step->slot];

        (void) outcome;
        side->slots[step->slot] = -1;
        return fd < 0 ? 0 : error_or(close(fd));
}

static void fill(char *data, size_t size, unsigned number) {
        for (size_t i = 0; i < size; i++)
                data[i] = (char) ('a' + (i + number) % 26);
}

/* axfs(8): the times of a FIFO. */
static bool is_fifo(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static long do_write(struct side *side, const struct step *step, struct outcome *outcome) {
        static const int flags[] = { 0, 0, RWF_APPEND, RWF_DSYNC };
        char *data = malloc((size_t) step->length);
        struct iovec part = { .iov_base = data, .iov_len = (size_t) step->length };
        int fd = side->slots[step->slot];
        ssize_t n;

        (void) outcome;
        must(data ? 0 : -1, "malloc");
        if (is_fifo(fd)) {
                free(data);
                return 0;
        }
        fill(data, part.iov_len, step->number);
        n = pwritev2(fd, &part, 1, step->bits & 1 ? -1 : step->offset, flags[step->number % 4]);
        n = error_or(n);
        free(data);
        return n;
}

static long do_read(struct side *side, const struct step *step, struct outcome *outcome) {
        char *data = malloc((size_t) step->length);
        int fd = side->slots[step->slot];
        ssize_t n;

        must(data ? 0 : -1, "malloc");
        n = step->bits & 1 ? read(fd, data, (size_t) step->length)
                           : pread(fd, data, (size_t) step->length, step->offset);
        n = error_or(n);
        if (n > 0)
                say(outcome, "%016" PRIx64, hash(data, (size_t) n));
        free(data);
        return n;
}

static long do_seek(struct side *side, const struct step *step, struct outcome *outcome) {
        static const int whences[] = { SEEK_SET, SEEK_END, SEEK_CUR, SEEK_DATA, SEEK_HOLE };
        int whence = whences[step->number % 5];
        struct stat st;
        off_t position;

        /* axfs(8): lseek(2) of a directory. */
        if (whence != SEEK_SET && whence != SEEK_CUR && fstat(side->slots[step->slot], &st) == 0 && S_ISDIR(st.st_mode))
                return 0;
        position = lseek(side->slots[step->slot], step->offset, whence);
        if (position >= 0)
                say(outcome, "%lld", (long long) position);
        return position < 0 ? -errno : 0;
}

static long do_truncate(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(ftruncate(side->slots[step->slot], step->offset));
}

static long do_truncate_name(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        if (fchdir(side->root) < 0)
                return -errno;
        return error_or(truncate(step->name, step->offset));
}

static long do_fallocate(struct side *side, const struct step *step, struct outcome *outcome) {
        static const int what[] = { 0,
                                    FALLOC_FL_KEEP_SIZE,
                                    FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
                                    FALLOC_FL_ZERO_RANGE,
                                    FALLOC_FL_COLLAPSE_RANGE,
                                    FALLOC_FL_PUNCH_HOLE };

        struct stat st;

        (void) outcome;
        /* axfs(8): a change that fails, of a file with set-id bits. */
        if (step->number % 6 > 2 && fstat(side->slots[step->slot], &st) == 0 && (st.st_mode & 06000))
                return 0;
        return error_or(fallocate(side->slots[step->slot], what[step->number % 6], step->offset, step->length));
}

static long do_copy(struct side *side, const struct step *step, struct outcome *outcome) {
        loff_t from = step->offset, to = (loff_t) (step->bits % 8192);

        (void) outcome;
        return error_or(copy_file_range(side->slots[step->slot], &from, side->slots[step->slot2], &to,
                                        (size_t) step->length, 0));
}

static long do_sendfile(struct side *side, const struct step *step, struct outcome *outcome) {
        off_t from = step->offset;

        (void) outcome;
        if (is_fifo(side->slots[step->slot2]))
                return 0;
        return error_or(sendfile(side->slots[step->slot2], side->slots[step->slot], &from, (size_t) step->length));
}

static bool has_holes(int fd, off_t size) {
        off_t position = lseek(fd, 0, SEEK_CUR);
        bool holes = lseek(fd, 0, SEEK_HOLE) < size;

        (void) lseek(fd, position, SEEK_SET);
        return holes;
}

/* Writes a byte into a mapping, or reads one, inside the file. */
static long do_map(struct side *side, const struct step *step, struct outcome *outcome) {
        bool writes = step->bits & 1, private = step->bits & 2;
        int fd = side->slots[step->slot];
        struct stat st;
        char *map;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
                return 0;
        /* axfs(8): reading a hole through a mapping. */
        if ((private || !writes) && has_holes(fd, st.st_size))
                return 0;
        map = mmap(NULL, (size_t) st.st_size, writes ? PROT_READ | PROT_WRITE : PROT_READ,
                   private ? MAP_PRIVATE : MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        if (writes)
                map[step->bits % (uint64_t) st.st_size] = (char) ('A' + step->number % 26);
        else
                say(outcome, "%d", map[step->bits % (uint64_t) st.st_size]);
        must(msync(map, (size_t) st.st_size, MS_SYNC), "msync");
        must(munmap(map, (size_t) st.st_size), "munmap");
        return 0;
}

static long do_sync(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(step->bits & 1 ? fsync(side->slots[step->slot]) : fdatasync(side->slots[step->slot]));
}
static long do_set_flags(struct side *side, const struct step *step, struct outcome *outcome) {
        static const int flags[] = { O_APPEND, 0, 0, O_NOATIME };

        int fd = side->slots[step->slot], wanted = flags[step->number % 4];

        (void) outcome;
        /* axfs(8): O_APPEND that is taken away. */
        if (passthrough && !(wanted & O_APPEND) && fd >= 0 && (fcntl(fd, F_GETFL) & O_APPEND))
                return 0;
        return error_or(fcntl(fd, F_SETFL, O_NONBLOCK | wanted));
}

static long do_get_flags(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(fcntl(side->slots[step->slot], F_GETFL));
}

static long do_lock(struct side *side, const struct step *step, struct outcome *outcome) {
        static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
        struct flock lock = { .l_type = types[step->number % 3], .l_start = step->offset % 10, .l_len = 5 };

        (void) outcome;
        if (step->bits & 1)
                return error_or(flock(side->slots[step->slot], (step->bits & 2 ? LOCK_SH : LOCK_EX) | LOCK_NB));
        return error_or(fcntl(side->slots[step->slot], F_OFD_SETLK, &lock));
}

static long do_dup(struct side *side, const struct step *step, struct outcome *outcome) {
        int copy;

        (void) outcome;
        if (step->slot == step->slot2)
                return 0;
        copy = fcntl(side->slots[step->slot], F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        if (side->slots[step->slot2] >= 0)
                close(side->slots[step->slot2]);
        side->slots[step->slot2] = copy;
        return 0;
}
const struct operation data_operations[] = {
        { "open", 60, do_open },
        { "close", 10, do_close },
        { "write", 40, do_write },
        { "read", 20, do_read },
        { "seek", 10, do_seek },
        { "truncate", 10, do_truncate },
        { "truncate_name", 6, do_truncate_name },
        { "fallocate", 10, do_fallocate },
        { "copy", 8, do_copy },
        { "sendfile", 5, do_sendfile },
        { "map", 12, do_map },
        { "sync", 3, do_sync },
        { "set_flags", 6, do_set_flags },
        { "get_flags", 3, do_get_flags },
        { "lock", 6, do_lock },
        { "dup", 3, do_dup },
        { NULL, 0, NULL },
};
