/* SPDX-License-Identifier: MIT */
#include "object/fifo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "axeberg.h"

int fifo_from_fd(struct fifo **table, int fd, struct fifo **ret) {
        struct fifo_key key;
        struct fifo *fifo;
        struct stat status;

        if (fstat(fd, &status) < 0)
                return -errno;
        memset(&key, 0, sizeof(key)); /* the bytes between the fields count, too */
        key.dev = status.st_dev;
        key.ino = status.st_ino;
        HASH_FIND(hh, *table, &key, sizeof(key), fifo);
        if (fifo) {
                fifo->refs++;
                *ret = fifo;
                return 0;
        }
        fifo = calloc(1, sizeof(*fifo));
        if (!fifo)
                return -ENOMEM;
        fifo->table = table;
        memcpy(&fifo->key, &key, sizeof(key));
        fifo->refs = 1;
        HASH_ADD(hh, *table, key, sizeof(fifo->key), fifo);
        *ret = fifo;
        return 0;
}

struct fifo *fifo_unref(struct fifo *fifo) {
        if (!fifo || --fifo->refs > 0)
                return NULL;
        HASH_DEL(*fifo->table, fifo);
        free(fifo);
        return NULL;
}

void fifo_add_end(struct fifo *fifo, unsigned flags) {
        fifo->refs++;
        if (flags & AX_O_WRITE) {
                fifo->n_writers++;
                fifo->writers_seen++;
        }
        wait_queue_wake(&fifo->openers);
}

void fifo_remove_end(struct fifo *fifo, unsigned flags) {
        if (flags & AX_O_WRITE)
                fifo->n_writers--;
        fifo_unref(fifo);
}
