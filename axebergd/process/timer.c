#include "process/timer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/process.h"
#include "process/task.h"
#include "util/clock.h"

static const double FOREVER_USEC = 1e15; /* thirty years */

static uint64_t usec_rounded_up(double ms) {
        double usec = ceil(ms * 1e3);

        return (uint64_t) (usec < FOREVER_USEC ? usec : FOREVER_USEC);
}

/* One more microsecond: the clock's own rounding down must not make it early. */
uint64_t timer_due_usec(double delay_ms) {
        return clock_usec() + (delay_ms > 0 ? 1 + usec_rounded_up(delay_ms) : 0);
}

/* The next tick lies after now; those between are missed. */
static void timer_rearm(struct timer *timer, uint64_t now_usec) {
        uint64_t missed = (now_usec - timer->entry.due_usec) / timer->interval_usec;

        timer->overruns += missed;
        /* there is room: the entry has just left it */
        timer_queue_add(&timer->process->kernel->timers, &timer->entry,
                        timer->entry.due_usec + (missed + 1) * timer->interval_usec);
}

static void timer_on_time(struct timer_entry *entry, uint64_t now_usec) {
        struct timer *timer = (struct timer *) entry;
        struct process *process = timer->process;
        struct task *task = timer->task ? task_from_id(process, timer->task) : NULL;
        bool alarm = timer->alarm;

        process->kernel->counters.timers_fired++;
        trace_process(process, AX_TRACE_TIMER, "fired", "%llu%s, %llu us late", (unsigned long long) timer->id,
                      timer->alarm ? " (alarm)" : "", (unsigned long long) (now_usec - entry->due_usec));
        if (task)
                task_wake(task);
        if (timer->interval_usec > 0)
                timer_rearm(timer, now_usec);
        else
                timer_free(timer);
        if (alarm)
                signal_send(process, AX_SIGALRM); /* may end the process, and its timers */
}

int timer_new(struct timer **ret, struct process *process, const struct timer_options *options) {
        struct kernel *kernel = process->kernel;
        double delay_ms = options->delay_ms;
        struct timer *timer;
        int r;

        if (!isfinite(options->delay_ms) || options->delay_ms < 0 || (options->interval && options->delay_ms == 0))
                return -EINVAL;
        if (options->task && !task_from_id(process, options->task))
                return -ENOENT;
        if (options->interval && delay_ms < TIMER_LEAST_INTERVAL_USEC / 1e3)
                delay_ms = TIMER_LEAST_INTERVAL_USEC / 1e3;
        timer = calloc(1, sizeof(*timer));
        if (!timer)
                return -ENOMEM;
        r = user_charge(process->user, &timer->charge, USER_TIMERS, 1);
        if (r == 0)
                r = timer_queue_add(&kernel->timers, &timer->entry, timer_due_usec(delay_ms));
        if (r < 0) {
                user_charge_deinit(&timer->charge);
                free(timer);
                return r;
        }
        timer->entry.fire = timer_on_time;
        timer->process = process;
        timer->id = ++kernel->last_id;
        timer->task = options->task;
        timer->alarm = options->alarm;
        if (options->interval)
                timer->interval_usec = usec_rounded_up(delay_ms);
        HASH_ADD(hh, kernel->timers_by_id, id, sizeof(timer->id), timer);
        DL_APPEND(process->timers, timer);
        process->n_timers++;
        trace_process(process, AX_TRACE_TIMER, "set", "%llu, %g ms%s", (unsigned long long) timer->id, delay_ms,
                      options->interval ? ", interval" : "");
        *ret = timer;
        return 0;
}

void timer_free(struct timer *timer) {
        struct process *process = timer->process;

        timer_queue_remove(&process->kernel->timers, &timer->entry);
        HASH_DEL(process->kernel->timers_by_id, timer);
        DL_DELETE(process->timers, timer);
        process->n_timers--;
        user_charge_deinit(&timer->charge);
        free(timer);
}

struct timer *timer_from_id(const struct process *process, uint64_t id) {
        struct timer *timer;

        HASH_FIND(hh, process->kernel->timers_by_id, &id, sizeof(id), timer);
        return timer && timer->process == process ? timer : NULL;
}

void timers_release(struct process *process) {
        while (process->timers)
                timer_free(process->timers);
}
