/* SPDX-License-Identifier: MIT */
/*
 * Tasks and timers.
 */
#include "call.h"

int ax_task_create(ax_client *ax, ax_task_id *ret) {
        return ret ? RPC(ax, task_create, REQUEST(Empty), rpc_take_id, &(struct rpc){ .context = ret }) : -AX_EINVAL;
}

int ax_task_destroy(ax_client *ax, ax_task_id task) {
        return CALL(ax, task_destroy, TaskRequest, .task = task);
}

int ax_task_wake(ax_client *ax, ax_task_id task) {
        return CALL(ax, task_wake, TaskRequest, .task = task);
}

int ax_task_wait(ax_client *ax, ax_task_id task, double timeout_ms) {
        return CALL(ax, task_wait, TaskWaitRequest, .task = task, .timeout_ms = timeout_ms);
}

int ax_timer_set(ax_client *ax, double delay_ms, ax_task_id wake_task, ax_timer_id *ret) {
        return RPC(ax, timer_set, REQUEST(TimerSetRequest, .delay_ms = delay_ms, .task = wake_task), rpc_take_id,
                   &(struct rpc){ .context = ret });
}

int ax_timer_interval(ax_client *ax, double interval_ms, ax_task_id wake_task, ax_timer_id *ret) {
        return RPC(ax, timer_interval, REQUEST(TimerSetRequest, .delay_ms = interval_ms, .task = wake_task),
                   rpc_take_id, &(struct rpc){ .context = ret });
}

int ax_alarm(ax_client *ax, double delay_ms, ax_timer_id *ret) {
        return RPC(ax, alarm, REQUEST(AlarmRequest, .delay_ms = delay_ms), rpc_take_id,
                   &(struct rpc){ .context = ret });
}

int ax_timer_cancel(ax_client *ax, ax_timer_id timer) {
        return CALL(ax, timer_cancel, TimerRequest, .timer = timer);
}

static void count_on_reply(const Axeberg__CountReply *reply, void *data) {
        *(uint64_t *) ((struct rpc *) data)->context = reply->count;
}

int64_t ax_timer_overruns(ax_client *ax, ax_timer_id timer) {
        uint64_t count = 0;
        int r = RPC(ax, timer_overruns, REQUEST(TimerRequest, .timer = timer), count_on_reply,
                    &(struct rpc){ .context = &count });

        return r < 0 ? r : (int64_t) count;
}

static void duration_on_reply(const Axeberg__DurationReply *reply, void *data) {
        *(uint64_t *) ((struct rpc *) data)->context = reply->usec;
}

double ax_timer_remaining(ax_client *ax, ax_timer_id timer) {
        uint64_t usec = 0;
        int r = RPC(ax, timer_remaining, REQUEST(TimerRequest, .timer = timer), duration_on_reply,
                    &(struct rpc){ .context = &usec });

        return r < 0 ? r : (double) usec / 1e3;
}
