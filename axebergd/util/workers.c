#include "util/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/cleanup.h"

struct job_list {
        struct job *first, **last;
};

struct workers {
        pthread_mutex_t lock;
        pthread_cond_t work_arrived;
        struct job_list waiting, finished;
        unsigned idle, n_threads, max_threads;
        bool stopping;
        int wakeup_fd; /* eventfd: `finished` is not empty */
        sd_event_source *wakeup;
        pthread_t threads[];
};

static void job_list_init(struct job_list *list) {
        list->first = NULL;
        list->last = &list->first;
}

static void job_list_append(struct job_list *list, struct job *job) {
        job->next = NULL;
        *list->last = job;
        list->last = &job->next;
}

static struct job *job_list_pop(struct job_list *list) {
        struct job *job = list->first;

        if (job && !(list->first = job->next))
                list->last = &list->first;
        return job;
}

static void *worker_main(void *userdata) {
        struct workers *workers = userdata;
        struct job *job;

        pthread_mutex_lock(&workers->lock);
        for (;;) {
                while (!(job = job_list_pop(&workers->waiting)) && !workers->stopping) {
                        workers->idle++;
                        pthread_cond_wait(&workers->work_arrived, &workers->lock);
                        workers->idle--;
                }
                if (!job)
                        break;
                pthread_mutex_unlock(&workers->lock);
                job->run(job);
                pthread_mutex_lock(&workers->lock);
                job_list_append(&workers->finished, job);
                eventfd_write(workers->wakeup_fd, 1);
        }
        pthread_mutex_unlock(&workers->lock);
        return NULL;
}

static struct job *take_finished(struct workers *workers) {
        struct job *job;

        pthread_mutex_lock(&workers->lock);
        job = workers->finished.first;
        job_list_init(&workers->finished);
        pthread_mutex_unlock(&workers->lock);
        return job;
}

static int workers_on_finished(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct workers *workers = userdata;
        eventfd_t count;

        (void) source;
        (void) events;
        eventfd_read(fd, &count);
        for (struct job *job = take_finished(workers), *next; job; job = next) {
                next = job->next;
                job->done(job);
        }
        return 0;
}

int workers_new(struct workers **ret, sd_event *event, unsigned n_threads) {
        struct workers *workers = calloc(1, sizeof(*workers) + n_threads * sizeof(pthread_t));
        int r;

        if (!workers)
                return -ENOMEM;
        pthread_mutex_init(&workers->lock, NULL);
        pthread_cond_init(&workers->work_arrived, NULL);
        job_list_init(&workers->waiting);
        job_list_init(&workers->finished);
        workers->max_threads = n_threads;
        workers->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = workers->wakeup_fd < 0 ? -errno
                                   : sd_event_add_io(event, &workers->wakeup, workers->wakeup_fd, EPOLLIN,
                                                     workers_on_finished, workers);
        if (r < 0) {
                workers_free(workers);
                return r;
        }
        *ret = workers;
        return 0;
}

struct workers *workers_free(struct workers *workers) {
        if (!workers)
                return NULL;
        pthread_mutex_lock(&workers->lock);
        workers->stopping = true;
        pthread_cond_broadcast(&workers->work_arrived);
        pthread_mutex_unlock(&workers->lock);
        for (unsigned i = 0; i < workers->n_threads; i++)
                pthread_join(workers->threads[i], NULL);
        if (workers->wakeup)
                workers_on_finished(NULL, workers->wakeup_fd, 0, workers);
        sd_event_source_disable_unref(workers->wakeup);
        cleanup_close(&workers->wakeup_fd);
        pthread_cond_destroy(&workers->work_arrived);
        pthread_mutex_destroy(&workers->lock);
        free(workers);
        return NULL;
}

int workers_submit(struct workers *workers, struct job *job) {
        int r = 0;

        pthread_mutex_lock(&workers->lock);
        if (workers->idle == 0 && workers->n_threads < workers->max_threads) {
                r = -pthread_create(&workers->threads[workers->n_threads], NULL, worker_main, workers);
                if (r == 0)
                        workers->n_threads++;
                else if (workers->n_threads > 0)
                        r = 0; /* the others will come to it */
        }
        if (r == 0) {
                job_list_append(&workers->waiting, job);
                pthread_cond_signal(&workers->work_arrived);
        }
        pthread_mutex_unlock(&workers->lock);
        return r;
}
