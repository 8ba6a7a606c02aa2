/* SPDX-License-Identifier: MIT */
#include "direct.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axeberg.h"
#include "host_fd.h"
#include "inode.h"

struct direct_file {
        int host_fd;
        unsigned refs; /* with the table's lock held */
        bool is_pipe, is_regular;
};

struct direct_slot {
        struct direct_file *file;
        uint32_t generation;
        bool refused; /* the daemon gives no descriptor of it */
        bool is_open; /* if not, it may be all the same: the program may have been given it */
};

enum { MAX_FILES = 512, MAX_FD = 65535 };

void direct_table_init(struct direct_table *table) {
        *table = (struct direct_table){ 0 };
        pthread_mutex_init(&table->lock, NULL);
}

static void put(struct direct_table *table, struct direct_file *file) {
        bool last;

        pthread_mutex_lock(&table->lock);
        assert(file->refs > 0);
        last = --file->refs == 0;
        pthread_mutex_unlock(&table->lock);
        if (last) {
                close(file->host_fd);
                free(file);
        }
}

static struct direct_file *get(struct direct_table *table, int fd) {
        struct direct_file *file = NULL;

        if (fd < 0)
                return NULL;
        pthread_mutex_lock(&table->lock);
        if ((size_t) fd < table->size && (file = table->slots[fd].file))
                file->refs++;
        pthread_mutex_unlock(&table->lock);
        return file;
}

/* With the lock held. Returns NULL if there is no memory. */
static struct direct_slot *make_slot(struct direct_table *table, int fd) {
        size_t size = (size_t) fd + 1 > table->size * 2 ? (size_t) fd + 16 : table->size * 2;
        struct direct_slot *slots;

        if ((size_t) fd < table->size)
                return &table->slots[fd];
        slots = reallocarray(table->slots, size, sizeof(*slots));
        if (!slots)
                return NULL;
        memset(slots + table->size, 0, (size - table->size) * sizeof(*slots));
        table->slots = slots;
        table->size = size;
        return &table->slots[fd];
}

/* The library leaves most descriptors to the program. */
static bool has_room(const struct direct_table *table) {
        struct rlimit limit;

        if (table->count >= MAX_FILES || getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return false;
        return table->count < limit.rlim_cur / 4;
}

bool direct_wants(struct direct_table *table, int fd, uint32_t *ret_ticket) {
        const struct direct_slot *slot;
        bool wants = false;

        if (fd < 0 || fd > MAX_FD)
                return false;
        pthread_mutex_lock(&table->lock);
        slot = make_slot(table, fd);
        if (slot && !slot->file && !slot->refused) {
                wants = true;
                *ret_ticket = slot->generation;
        }
        pthread_mutex_unlock(&table->lock);
        return wants;
}

static struct direct_file *file_new(int host_fd) {
        struct direct_file *file = malloc(sizeof(*file));
        struct stat status;

        if (!file || fstat(host_fd, &status) < 0) {
                free(file);
                return NULL;
        }
        *file = (struct direct_file){ .host_fd = host_fd,
                                      .refs = 1,
                                      .is_pipe = S_ISFIFO(status.st_mode),
                                      .is_regular = S_ISREG(status.st_mode) };
        return file;
}

void direct_offer(struct direct_table *table, int fd, uint32_t ticket, int host_fd) {
        struct direct_file *file = host_fd >= 0 ? file_new(host_fd) : NULL;
        struct direct_slot *slot;

        pthread_mutex_lock(&table->lock);
        slot = &table->slots[fd];
        if (slot->generation == ticket && !slot->file) {
                if (file && has_room(table)) {
                        slot->file = file;
                        table->count++;
                        file = NULL;
                        host_fd = -1;
                } else
                        slot->refused = true;
        }
        pthread_mutex_unlock(&table->lock);
        free(file);
        close_fd(&host_fd);
}

static struct direct_file *take_out(struct direct_table *table, struct direct_slot *slot) {
        struct direct_file *file = slot->file;

        slot->file = NULL;
        slot->refused = false;
        slot->generation++;
        if (file)
                table->count--;
        return file;
}

/* What is at the number now may be another file. Returns whether it was known to be open. */
static bool change(struct direct_table *table, int fd, bool is_open) {
        struct direct_file *file = NULL;
        struct direct_slot *slot = NULL;
        bool was_open = false;

        if (fd < 0 || fd > MAX_FD)
                return false;
        pthread_mutex_lock(&table->lock);
        if ((size_t) fd < table->size || is_open)
                slot = make_slot(table, fd);
        if (slot) {
                was_open = slot->is_open;
                file = take_out(table, slot);
                slot->is_open = is_open;
        }
        pthread_mutex_unlock(&table->lock);
        if (file)
                put(table, file);
        return was_open;
}

void direct_opened(struct direct_table *table, int fd) {
        change(table, fd, true);
}

bool direct_closing(struct direct_table *table, int fd) {
        return change(table, fd, false);
}

void direct_forget_all(struct direct_table *table) {
        size_t size;

        pthread_mutex_lock(&table->lock);
        size = table->size;
        pthread_mutex_unlock(&table->lock);
        for (size_t fd = 0; fd < size; fd++)
                direct_closing(table, (int) fd);
}

/* Leaves the lock alone (client_free()). */
void direct_table_deinit(struct direct_table *table) {
        for (size_t i = 0; i < table->size; i++)
                if (table->slots[i].file) {
                        close(table->slots[i].file->host_fd);
                        free(table->slots[i].file);
                }
        free(table->slots);
}

/*
 * write(2) to a pipe without readers raises SIGPIPE. The program must not see the host's: the
 * daemon sends axeberg's.
 */
static ssize_t write_quietly(int fd, const void *buffer, size_t size) {
        static const struct timespec no_time = { 0 };
        sigset_t pipe, old, pending;
        bool was_pending;
        ssize_t n;

        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        sigpending(&pending);
        was_pending = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe, &old);
        n = write(fd, buffer, size);
        n = n < 0 ? -errno : n;
        if (n == -EPIPE && !was_pending)
                while (sigtimedwait(&pipe, NULL, &no_time) < 0 && errno == EINTR)
                        ;
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        return n;
}

static ssize_t transfer_once(const struct direct_file *file, const struct direct_transfer *transfer) {
        ssize_t n;

        if (transfer->writing && file->is_pipe && !transfer->positioned)
                return write_quietly(file->host_fd, transfer->buffer, transfer->size);
        if (transfer->writing)
                n = transfer->positioned ? pwrite(file->host_fd, transfer->buffer, transfer->size, transfer->offset)
                                         : write(file->host_fd, transfer->buffer, transfer->size);
        else
                n = transfer->positioned ? pread(file->host_fd, transfer->buffer, transfer->size, transfer->offset)
                                         : read(file->host_fd, transfer->buffer, transfer->size);
        return n < 0 ? -errno : n;
}

bool direct_transfer(struct direct_table *table, const struct direct_transfer *transfer, ssize_t *ret,
                     bool *ret_is_pipe) {
        struct direct_file *file = transfer->size > 0 ? get(table, transfer->fd) : NULL;
        ssize_t n;

        if (!file)
                return false;
        n = transfer_once(file, transfer);
        *ret_is_pipe = file->is_pipe;
        put(table, file);
        if (n == -EAGAIN || n == -EINTR || n == -EPIPE)
                return false; /* the daemon has to wait, or to send a signal */
        *ret = n;
        return true;
}

/* ---- other calls ----------------------------------------------------------------------------- */

static struct direct_file *get_regular(struct direct_table *table, int fd) {
        struct direct_file *file = get(table, fd);

        if (!file || file->is_regular)
                return file;
        put(table, file);
        return NULL;
}

bool direct_seek(struct direct_table *table, int fd, int64_t offset, int whence, int64_t *ret) {
        struct direct_file *file = get_regular(table, fd);
        off_t at;

        if (!file)
                return false;
        at = lseek(file->host_fd, offset, whence);
        *ret = at < 0 ? -errno : at;
        put(table, file);
        return true;
}

bool direct_truncate(struct direct_table *table, int fd, int64_t size, int *ret) {
        struct direct_file *file = get_regular(table, fd);

        if (!file)
                return false;
        *ret = ftruncate(file->host_fd, size) < 0 ? -errno : 0;
        put(table, file);
        return *ret != -EINTR;
}

bool direct_sync(struct direct_table *table, int fd, int *ret) {
        struct direct_file *file = get_regular(table, fd);

        if (!file)
                return false;
        *ret = fsync(file->host_fd) < 0 ? -errno : 0;
        put(table, file);
        return *ret != -EINTR;
}

static int stat_file(struct direct_table *table, int fd, struct statx *ret) {
        struct direct_file *file = get_regular(table, fd);
        int r;

        if (!file)
                return -ENOENT;
        r = statx(file->host_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, ret) < 0 ? -errno : 0;
        put(table, file);
        return r;
}

static uint64_t device_of(const struct statx *status) {
        return (uint64_t) status->stx_dev_major << 32 | status->stx_dev_minor;
}

/* With the lock held. */
static struct direct_store *store_from_device(struct direct_table *table, uint64_t device) {
        for (unsigned i = 0; i < table->n_stores; i++)
                if (table->stores[i].device == device)
                        return &table->stores[i];
        return NULL;
}

/* This is what an id that this program's user namespace does not have looks like. */
static bool has_foreign_owner(const struct statx *status) {
        enum { OVERFLOW_ID = 65534 };

        return status->stx_uid == OVERFLOW_ID || status->stx_gid == OVERFLOW_ID;
}

static void show(const struct statx *status, uint32_t store, struct ax_stat *ret) {
        *ret = (struct ax_stat){
                .ino = inode_shown(store, status->stx_ino),
                .size = status->stx_size,
                .blocks = status->stx_blocks,
                .mode = status->stx_mode,
                .nlink = status->stx_nlink,
                .uid = status->stx_uid,
                .gid = status->stx_gid,
                .atime = { .tv_sec = status->stx_atime.tv_sec, .tv_nsec = status->stx_atime.tv_nsec },
                .mtime = { .tv_sec = status->stx_mtime.tv_sec, .tv_nsec = status->stx_mtime.tv_nsec },
                .ctime = { .tv_sec = status->stx_ctime.tv_sec, .tv_nsec = status->stx_ctime.tv_nsec },
                .btime = { .tv_sec = status->stx_btime.tv_sec, .tv_nsec = status->stx_btime.tv_nsec },
        };
}

bool direct_stat(struct direct_table *table, int fd, struct ax_stat *ret_status, int *ret) {
        const struct direct_store *store;
        struct statx status;
        uint32_t index = 0;

        if (stat_file(table, fd, &status) < 0 || has_foreign_owner(&status))
                return false;
        pthread_mutex_lock(&table->lock);
        store = store_from_device(table, device_of(&status));
        if (store)
                index = store->index;
        pthread_mutex_unlock(&table->lock);
        if (!store)
                return false;
        show(&status, index, ret_status);
        *ret = 0;
        return true;
}

/* A program in a different user namespace sees other owners than the daemon, and learns nothing. */
void direct_learn(struct direct_table *table, int fd, const struct ax_stat *shown) {
        enum { MAX_INDEX = 127 };
        struct statx status;
        uint32_t index = 0;

        if (stat_file(table, fd, &status) < 0 || status.stx_uid != shown->uid || status.stx_gid != shown->gid)
                return;
        while (index <= MAX_INDEX && inode_shown(index, status.stx_ino) != shown->ino)
                index++;
        pthread_mutex_lock(&table->lock);
        if (index <= MAX_INDEX && table->n_stores < DIRECT_STORES && !store_from_device(table, device_of(&status)))
                table->stores[table->n_stores++] =
                        (struct direct_store){ .device = device_of(&status), .index = index };
        pthread_mutex_unlock(&table->lock);
}
