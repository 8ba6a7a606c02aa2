/* opened.c - see opened.h */
#include "opened.h"

#include "axfs.h"
#include "util.h"

#include <utlist.h>

void opened_init(struct opened_list *list) {
        *list = (struct opened_list){};
        pthread_mutex_init(&list->lock, NULL);
}

void opened_deinit(struct opened_list *list) {
        pthread_mutex_destroy(&list->lock);
}

void opened_add(struct axfs *fs, struct opened *opened, void (*end)(struct axfs *fs, struct opened *opened)) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&fs->opened.lock);

        opened->end = end;
        DL_APPEND(fs->opened.first, opened);
}

void opened_close(struct axfs *fs, struct opened *opened) {
        pthread_mutex_lock(&fs->opened.lock);
        DL_DELETE(fs->opened.first, opened);
        pthread_mutex_unlock(&fs->opened.lock);
        opened->end(fs, opened);
}

void opened_end_all(struct axfs *fs) {
        while (fs->opened.first)
                opened_close(fs, fs->opened.first);
}
