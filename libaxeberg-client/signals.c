/*
 * Signals: sending them, and running the program's handlers.
 *
 * The daemon keeps the signals. It says once that there are some to handle; a thread that is in a library call takes them one by one, runs the handler of
 * each, and tells when that is done, until there are no more.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "local.h"
#include "transport.h"

static const char *const names[SIGNAL_LIMIT] = {
        [AX_SIGHUP] = "SIGHUP",   [AX_SIGINT] = "SIGINT",   [AX_SIGQUIT] = "SIGQUIT", [AX_SIGKILL] = "SIGKILL",
        [AX_SIGUSR1] = "SIGUSR1", [AX_SIGUSR2] = "SIGUSR2", [AX_SIGPIPE] = "SIGPIPE", [AX_SIGALRM] = "SIGALRM",
        [AX_SIGTERM] = "SIGTERM", [AX_SIGCHLD] = "SIGCHLD", [AX_SIGCONT] = "SIGCONT", [AX_SIGSTOP] = "SIGSTOP",
};

const char *ax_signal_name(int signal) {
        return signal > 0 && signal < SIGNAL_LIMIT ? names[signal] : NULL;
}

int ax_signal_number(const char *text) {
        char *end;
        long number;

        if (!text || !*text)
                return -AX_ESIG_INVALID;
        if (isdigit((unsigned char) text[0])) {
                number = strtol(text, &end, 10);
                return !*end && number < SIGNAL_LIMIT && ax_signal_name((int) number) ? (int) number : -AX_ESIG_INVALID;
        }
        for (int signal = 1; signal < SIGNAL_LIMIT; signal++)
                if (names[signal] && (strcasecmp(text, names[signal]) == 0 || strcasecmp(text, names[signal] + 3) == 0))
                        return signal;
        return -AX_ESIG_INVALID;
}

/* The calls whose request is a process and a signal. */
typedef void (*signal_stub)(ProtobufCService *, const Axeberg__SignalRequest *, Axeberg__Empty_Closure, void *);

static int signal_call(ax_client *ax, signal_stub stub, ax_pid pid, int signal) {
        Axeberg__SignalRequest request = AXEBERG__SIGNAL_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.pid = pid;
        request.signal = signal;
        stub(&ax->service.base, &request, rpc_ignore, &rpc);
        return rpc.status;
}

int ax_kill(ax_client *ax, ax_pid pid, int signal) {
        return signal_call(ax, axeberg__kernel__kill, pid, signal);
}

int ax_sigblock(ax_client *ax, int signal) {
        return signal_call(ax, axeberg__kernel__signal_block, 0, signal);
}

int ax_sigunblock(ax_client *ax, int signal) {
        return signal_call(ax, axeberg__kernel__signal_unblock, 0, signal);
}

int ax_sigpending(ax_client *ax) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct ax_process_page page;
        struct local_call call;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        call = local_begin(ax, AX_LOCAL_SIGPENDING);
        r = client_read_page(ax, &page);
        if (r <= 0) {
                r = r < 0 ? r : page.pending != 0;
                local_end(ax, &call, 0, 0, 0, r);
                return r;
        }
        return RPC(ax, signal_pending, &request, rpc_ignore, &rpc);
}

int ax_signal(ax_client *ax, int signal, enum ax_signal_action action) {
        Axeberg__SignalActionRequest request = AXEBERG__SIGNAL_ACTION_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.signal = signal;
        request.action = (uint32_t) action;
        return RPC(ax, signal_action, &request, rpc_ignore, &rpc);
}

static struct signal_handler set_handler(ax_client *ax, int signal, struct signal_handler handler) {
        struct signal_handler old;

        pthread_mutex_lock(&ax->lock);
        old = ax->handlers[signal];
        ax->handlers[signal] = handler;
        pthread_mutex_unlock(&ax->lock);
        return old;
}

/* The handler is set first: the signal may be pending. */
int ax_signal_handle(ax_client *ax, int signal, ax_signal_handler handler, void *userdata) {
        struct signal_handler old;
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ax_signal_name(signal))
                return -AX_ESIG_INVALID;
        if (!handler)
                return -AX_EINVAL;
        old = set_handler(ax, signal, (struct signal_handler){ handler, userdata });
        r = ax_signal(ax, signal, AX_SIGNAL_HANDLE);
        if (r < 0)
                set_handler(ax, signal, old);
        return r;
}

/* Return: the next signal, 0 there is none, negative error. */
static int take_signal(ax_client *ax, int done) {
        Axeberg__SignalTakeRequest request = AXEBERG__SIGNAL_TAKE_REQUEST__INIT;
        struct rpc rpc = { .quiet = true };

        request.done = done;
        return RPC(ax, signal_take, &request, rpc_ignore, &rpc);
}

static void run_handler(ax_client *ax, int signal) {
        struct signal_handler handler;

        pthread_mutex_lock(&ax->lock);
        handler = ax->handlers[signal];
        pthread_mutex_unlock(&ax->lock);
        if (handler.function)
                handler.function(ax, signal, handler.userdata);
}

int client_run_handlers(ax_client *ax) {
        int count = 0, signal = 0;
        unsigned doorbells;

        do {
                pthread_mutex_lock(&ax->lock);
                doorbells = ax->doorbells;
                pthread_mutex_unlock(&ax->lock);
                signal = take_signal(ax, signal);
                if (signal > 0 && signal < SIGNAL_LIMIT) {
                        run_handler(ax, signal);
                        count++;
                }
        } while (signal > 0);
        client_settle_handlers(ax, doorbells);
        return signal < 0 && count == 0 ? signal : count;
}
