/* SPDX-License-Identifier: MIT */
/*
 * Tasks and timers.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "kernel.h"
#include "process/process.h"
#include "process/signal.h"
#include "process/task.h"
#include "process/timer.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/clock.h"

SYSCALL(task_create, Empty, IdReply) {
        struct task *task;
        int r = task_new(&task, call->process);

        (void) request;
        call_reply_id(call, r, r == 0 ? task->id : 0);
}

SYSCALL(task_destroy, TaskRequest, Empty) {
        struct task *task = task_from_id(call->process, request->task);

        if (task)
                task_free(task);
        call_reply(call, task ? 0 : -ENOENT);
}

SYSCALL(task_wake, TaskRequest, Empty) {
        struct task *task = task_from_id(call->process, request->task);

        if (task)
                task_wake(task);
        call_reply(call, task ? 0 : -ENOENT);
}

/* A wait with a limit is a call that two things can wake. */
struct task_wait {
        struct timer_entry timeout; /* first */
        struct user *user;          /* in whose lane that is */
        struct call *call;
        uint64_t task;
        bool timed_out;
};

static void task_wait_free(struct task_wait *wait) {
        timer_queue_remove(&wait->user->lane.timers, &wait->timeout);
        user_unref(wait->user);
        free(wait);
}

static void task_wait_finish(struct task_wait *wait, int status) {
        struct call *call = wait->call;

        task_wait_free(wait);
        call_reply(call, status);
}

/* A permit that was given to a call that ends for another reason goes to the next. */
static int task_wait_drop(struct call *call, int status) {
        struct task_wait *wait = call->data;
        struct task *task = call->process ? task_from_id(call->process, wait->task) : NULL;

        if (call->waiter.granted && task)
                task_wake(task);
        task_wait_free(wait);
        return status;
}

static void task_wait_attempt(struct call *call) {
        struct task_wait *wait = call->data;
        struct task *task = task_from_id(call->process, wait->task);
        int r;

        if (call->waiter.granted || (task && task->permit)) {
                if (!call->waiter.granted)
                        task->permit = false;
                task_wait_finish(wait, 1);
        } else if (!task) {
                task_wait_finish(wait, -ENOENT);
        } else if (wait->timed_out) {
                task_wait_finish(wait, 0);
        } else {
                r = call_park(call, &task->waiters, task_wait_attempt, task_wait_drop);
                if (r < 0)
                        task_wait_finish(wait, r);
        }
}

static void task_wait_on_timeout(struct timer_entry *entry, uint64_t now_usec) {
        struct task_wait *wait = (struct task_wait *) entry;

        (void) now_usec;
        wait->timed_out = true;
        waiter_wake(&wait->call->waiter);
}

SYSCALL(task_wait, TaskWaitRequest, Empty) {
        struct task_wait *wait;
        int r = 0;

        if (isnan(request->timeout_ms)) {
                call_reply(call, -EINVAL);
                return;
        }
        wait = calloc(1, sizeof(*wait));
        if (!wait) {
                call_reply(call, -ENOMEM);
                return;
        }
        wait->user = user_ref(call->process->user);
        wait->call = call;
        wait->task = request->task;
        wait->timeout.fire = task_wait_on_timeout;
        wait->timed_out = request->timeout_ms == 0;
        if (request->timeout_ms > 0 && isfinite(request->timeout_ms))
                r = timer_queue_add(&wait->user->lane.timers, &wait->timeout, timer_due_usec(request->timeout_ms));
        call->data = wait;
        if (r < 0)
                task_wait_finish(wait, r);
        else
                task_wait_attempt(call);
}

static void set_timer(struct call *call, struct timer_options options) {
        struct timer *timer;
        int r = timer_new(&timer, call->process, &options);

        call_reply_id(call, r, r == 0 ? timer->id : 0);
}

SYSCALL(timer_set, TimerSetRequest, IdReply) {
        set_timer(call, (struct timer_options){ .delay_ms = request->delay_ms, .task = request->task });
}

SYSCALL(timer_interval, TimerSetRequest, IdReply) {
        set_timer(call,
                  (struct timer_options){ .delay_ms = request->delay_ms, .interval = true, .task = request->task });
}

SYSCALL(alarm, AlarmRequest, IdReply) {
        set_timer(call, (struct timer_options){ .delay_ms = request->delay_ms, .raise = signal_send });
}

SYSCALL(timer_cancel, TimerRequest, Empty) {
        struct timer *timer = timer_from_id(call->process, request->timer);

        if (timer)
                timer_free(timer);
        call_reply(call, timer != NULL);
}

SYSCALL(timer_overruns, TimerRequest, CountReply) {
        Axeberg__CountReply reply = AXEBERG__COUNT_REPLY__INIT;
        const struct timer *timer = timer_from_id(call->process, request->timer);

        reply.count = timer ? timer->overruns : 0;
        call_reply_message(call, timer ? 0 : -ENOENT, &reply.base);
}

SYSCALL(timer_remaining, TimerRequest, DurationReply) {
        Axeberg__DurationReply reply = AXEBERG__DURATION_REPLY__INIT;
        const struct timer *timer = timer_from_id(call->process, request->timer);
        uint64_t now_usec = clock_usec();

        if (timer && timer->entry.due_usec > now_usec)
                reply.usec = timer->entry.due_usec - now_usec;
        call_reply_message(call, timer ? 0 : -ENOENT, &reply.base);
}
