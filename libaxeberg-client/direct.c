/* SPDX-License-Identifier: MIT */
#include "direct.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_fd.h"

struct direct_file {
        int host_fd;
        unsigned refs; /* with the table's lock held */
        bool is_pipe;
};

struct direct_slot {
        struct direct_file *file;
        uint32_t generation;
        bool refused; /* the daemon gives no descriptor of it */
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
        *file = (struct direct_file){ .host_fd = host_fd, .refs = 1, .is_pipe = S_ISFIFO(status.st_mode) };
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

void direct_forget(struct direct_table *table, int fd) {
        struct direct_file *file = NULL;

        if (fd < 0)
                return;
        pthread_mutex_lock(&table->lock);
        if ((size_t) fd < table->size)
                file = take_out(table, &table->slots[fd]);
        pthread_mutex_unlock(&table->lock);
        if (file)
                put(table, file);
}

void direct_forget_all(struct direct_table *table) {
        size_t size;

        pthread_mutex_lock(&table->lock);
        size = table->size;
        pthread_mutex_unlock(&table->lock);
        for (size_t fd = 0; fd < size; fd++)
                direct_forget(table, (int) fd);
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
