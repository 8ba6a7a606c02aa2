#include "object/fifo.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <utlist.h>

#include "axeberg.h"

int fifo_from_fd(struct fifo **list, int fd, struct fifo **ret) {
        struct fifo *fifo;
        struct stat status;

        if (fstat(fd, &status) < 0)
                return -errno;
        DL_FOREACH (*list, fifo) {
                if (fifo->dev == status.st_dev && fifo->ino == status.st_ino) {
                        fifo->refs++;
                        *ret = fifo;
                        return 0;
                }
        }
        fifo = calloc(1, sizeof(*fifo));
        if (!fifo)
                return -ENOMEM;
        fifo->list = list;
        fifo->dev = status.st_dev;
        fifo->ino = status.st_ino;
        fifo->refs = 1;
        DL_APPEND(*list, fifo);
        *ret = fifo;
        return 0;
}

struct fifo *fifo_unref(struct fifo *fifo) {
        if (!fifo || --fifo->refs > 0)
                return NULL;
        DL_DELETE(*fifo->list, fifo);
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
