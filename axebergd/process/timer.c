/* SPDX-License-Identifier: MIT */
#include "process/timer.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <utlist.h>

#include "axeberg.h"
#include "process/process.h"
#include "process/task.h"
#include "trace/stats.h"
#include "util/clock.h"
#include "util/container.h"

static const double MAX_USEC = 1e15; /* thirty years */

static uint64_t usec_rounded_up(double ms) {
        double usec = ceil(ms * 1e3);

        return (uint64_t) (usec < MAX_USEC ? usec : MAX_USEC);
}

/* One more microsecond: the clock's own rounding down must not make it early. */
uint64_t timer_due_usec(double delay_ms) {
        return clock_usec() + (delay_ms > 0 ? 1 + usec_rounded_up(delay_ms) : 0);
}

/* The next tick lies after now; those between are missed. */
static void timer_rearm(struct timer *timer, uint64_t now_usec) {
        uint64_t missed = (now_usec - timer->entry.due_usec) / timer->interval_usec;
        uint64_t due_usec = timer->entry.due_usec + (missed + 1) * timer->interval_usec;

        assert(due_usec > now_usec); /* T3 */
        timer->overruns += missed;
        /* there is room: the entry has just left it */
        timer_queue_add(&timer->process->user->lane.timers, &timer->entry, due_usec);
}

static void timer_on_time(struct timer_entry *entry, uint64_t now_usec) {
        struct timer *timer = container_of(entry, struct timer, entry);
        struct process *process = timer->process;
        struct task *task = timer->task ? task_from_id(process, timer->task) : NULL;
        void (*raise)(struct process * process, int signal) = timer->raise;

        process->table->figures->timers_fired++;
        trace_process(process, AX_TRACE_TIMER, "fired", "%llu%s, %llu us late", (unsigned long long) timer->id,
                      raise ? " (alarm)" : "", (unsigned long long) (now_usec - entry->due_usec));
        if (task)
                task_wake(task);
        if (timer->interval_usec > 0)
                timer_rearm(timer, now_usec);
        else
                timer_free(timer);
        if (raise)
                raise(process, AX_SIGALRM); /* may end the process, and its timers */
}

int timer_new(struct timer **ret, struct process *process, const struct timer_options *options) {
        double delay_ms = options->delay_ms;
        struct timer *timer;
        int r;

        if (!isfinite(options->delay_ms) || options->delay_ms < 0 || (options->interval && options->delay_ms == 0))
                return -EINVAL;
        if (options->task && !task_from_id(process, options->task))
                return -ENOENT;
        if (options->interval && delay_ms < TIMER_MIN_INTERVAL_USEC / 1e3)
                delay_ms = TIMER_MIN_INTERVAL_USEC / 1e3;
        timer = calloc(1, sizeof(*timer));
        if (!timer)
                return -ENOMEM;
        timer->entry.fire = timer_on_time;
        r = user_charge(process->user, &timer->charge, USER_TIMERS, 1);
        if (r == 0)
                r = timer_queue_add(&process->user->lane.timers, &timer->entry, timer_due_usec(delay_ms));
        if (r < 0) {
                user_charge_deinit(&timer->charge);
                free(timer);
                return r;
        }
        timer->process = process;
        timer->id = ++process->table->last_id;
        timer->task = options->task;
        timer->raise = options->raise;
        if (options->interval)
                timer->interval_usec = usec_rounded_up(delay_ms);
        HASH_ADD(hh, process->table->timers, id, sizeof(timer->id), timer);
        DL_APPEND(process->timers, timer);
        process->n_timers++;
        trace_process(process, AX_TRACE_TIMER, "set", "%llu, %g ms%s", (unsigned long long) timer->id, delay_ms,
                      options->interval ? ", interval" : "");
        *ret = timer;
        return 0;
}

void timer_free(struct timer *timer) {
        struct process *process = timer->process;

        timer_queue_remove(&process->user->lane.timers, &timer->entry);
        HASH_DEL(process->table->timers, timer);
        DL_DELETE(process->timers, timer);
        process->n_timers--;
        user_charge_deinit(&timer->charge);
        free(timer);
}

struct timer *timer_from_id(const struct process *process, uint64_t id) {
        struct timer *timer;

        HASH_FIND(hh, process->table->timers, &id, sizeof(id), timer);
        return timer && timer->process == process ? timer : NULL;
}

bool timers_release(struct process *process, unsigned *budget) {
        for (; process->timers && *budget > 0; (*budget)--)
                timer_free(process->timers);
        return !process->timers;
}
