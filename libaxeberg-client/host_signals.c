/* SPDX-License-Identifier: MIT */
#include "host_signals.h"

#include <signal.h>
#include <sys/socket.h>

#include "in_flight.h"
#include "transport.h"

/* For each signal, the request that sends it on: a handler of the host must not allocate. */
static uint8_t requests[AX_SIGNAL_LIMIT][AX_FRAME_HEADER_SIZE + 32];
static size_t request_sizes[AX_SIGNAL_LIMIT];
static _Atomic(ax_client *) spawned;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void host_signals_adopt(ax_client *ax) {
        atomic_store(&spawned, ax);
}

void host_signals_release(ax_client *ax) {
        atomic_compare_exchange_strong(&spawned, &ax, NULL);
}

/*
 * A forked child is not a process of axeberg: the signal has its default effect there, as soon as
 * it is not blocked any more.
 */
static void on_host_signal(int signal_number) {
        const ax_client *ax = atomic_load(&spawned);
        int error = errno;

        if (ax && !client_is_gone(ax)) {
                send(ax->fd, requests[signal_number], request_sizes[signal_number], MSG_NOSIGNAL | MSG_DONTWAIT);
        } else {
                signal(signal_number, SIG_DFL);
                raise(signal_number);
        }
        errno = error;
}

static void prepare_request(const ax_client *ax, int signal) {
        Axeberg__KillRequest request = AXEBERG__KILL_REQUEST__INIT;

        request.pid = atomic_load(&ax->pid);
        request.signal = signal;
        request_sizes[signal] = frame_encode(requests[signal], HOST_SIGNAL_SERIAL | (uint32_t) signal, AX_METHOD(kill),
                                             &request.base, 0);
}

/* Returns true for signals that end a program by default and mean the same on both sides. */
static bool has_host_twin(int signal) {
        return signal == AX_SIGHUP || signal == AX_SIGINT || signal == AX_SIGQUIT || signal == AX_SIGTERM ||
               signal == AX_SIGUSR1 || signal == AX_SIGUSR2;
}

void host_signals_bind(const ax_client *ax, int signal, bool on) {
        struct sigaction action = { .sa_flags = SA_RESTART }, old;

        if (ax != atomic_load(&spawned) || !has_host_twin(signal))
                return;
        pthread_mutex_lock(&lock);
        if (sigaction(signal, NULL, &old) == 0 && old.sa_handler == (on ? SIG_DFL : on_host_signal)) {
                if (on)
                        prepare_request(ax, signal);
                action.sa_handler = on ? on_host_signal : SIG_DFL;
                sigaction(signal, &action, NULL);
        }
        pthread_mutex_unlock(&lock);
}
