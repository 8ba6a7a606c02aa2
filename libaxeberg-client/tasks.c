/*
 * Tasks and timers.
 */
#include "transport.h"

int ax_task_create(ax_client *ax, ax_task_id *ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, task_create, &request, rpc_take_id, &rpc);
}

typedef void (*task_stub)(ProtobufCService *, const Axeberg__TaskRequest *, Axeberg__Empty_Closure, void *);

static int task_call(ax_client *ax, task_stub stub, ax_task_id task) {
        Axeberg__TaskRequest request = AXEBERG__TASK_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.task = task;
        stub(&ax->service.base, &request, rpc_ignore, &rpc);
        return rpc.status;
}

int ax_task_destroy(ax_client *ax, ax_task_id task) {
        return task_call(ax, axeberg__kernel__task_destroy, task);
}

int ax_task_wake(ax_client *ax, ax_task_id task) {
        return task_call(ax, axeberg__kernel__task_wake, task);
}

int ax_task_wait(ax_client *ax, ax_task_id task, double timeout_ms) {
        Axeberg__TaskWaitRequest request = AXEBERG__TASK_WAIT_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.task = task;
        request.timeout_ms = timeout_ms;
        return RPC(ax, task_wait, &request, rpc_ignore, &rpc);
}

static int timer_set(ax_client *ax, const Axeberg__TimerRequest *request, ax_timer_id *ret) {
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        return r < 0 ? r : RPC(ax, timer_set, request, rpc_take_id, &rpc);
}

int ax_timer_set(ax_client *ax, double delay_ms, ax_task_id wake_task, ax_timer_id *ret) {
        Axeberg__TimerRequest request = AXEBERG__TIMER_REQUEST__INIT;

        request.delay_ms = delay_ms;
        request.task = wake_task;
        return timer_set(ax, &request, ret);
}

int ax_timer_interval(ax_client *ax, double interval_ms, ax_task_id wake_task, ax_timer_id *ret) {
        Axeberg__TimerRequest request = AXEBERG__TIMER_REQUEST__INIT;

        request.delay_ms = interval_ms;
        request.interval = true;
        request.task = wake_task;
        return timer_set(ax, &request, ret);
}

int ax_alarm(ax_client *ax, double delay_ms, ax_timer_id *ret) {
        Axeberg__TimerRequest request = AXEBERG__TIMER_REQUEST__INIT;

        request.delay_ms = delay_ms;
        request.alarm = true;
        return timer_set(ax, &request, ret);
}

int ax_timer_cancel(ax_client *ax, ax_timer_id timer) {
        Axeberg__TimerIdRequest request = AXEBERG__TIMER_ID_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.timer = timer;
        return RPC(ax, timer_cancel, &request, rpc_ignore, &rpc);
}

static void count_on_reply(const Axeberg__CountReply *reply, void *data) {
        *(uint64_t *) ((struct rpc *) data)->context = reply->count;
}

int64_t ax_timer_overruns(ax_client *ax, ax_timer_id timer) {
        Axeberg__TimerIdRequest request = AXEBERG__TIMER_ID_REQUEST__INIT;
        uint64_t count = 0;
        struct rpc rpc = { .context = &count };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.timer = timer;
        r = RPC(ax, timer_overruns, &request, count_on_reply, &rpc);
        return r < 0 ? r : (int64_t) count;
}
