/* SPDX-License-Identifier: MIT */
/*
 * Signals: their names and numbers, sending and blocking them, and what they do.
 */
#include <ctype.h>
#include <stdlib.h>

#include "call.h"
#include "host_signals.h"
#include "local.h"
#include "names.h"

const char *ax_signal_name(int signal) {
        return signal_name(signal);
}

int ax_signal_number(const char *text) {
        char *end;
        long number;

        if (!text || !*text)
                return -AX_ESIG_INVALID;
        if (isdigit((unsigned char) text[0])) {
                number = strtol(text, &end, 10);
                return !*end && number < AX_SIGNAL_LIMIT && ax_signal_name((int) number) ? (int) number
                                                                                         : -AX_ESIG_INVALID;
        }
        return signal_from_name(text);
}

int ax_kill(ax_client *ax, ax_pid pid, int signal) {
        return CALL(ax, kill, KillRequest, .pid = pid, .signal = signal);
}

int ax_sigblock(ax_client *ax, int signal) {
        return CALL(ax, sigblock, SigblockRequest, .signal = signal);
}

int ax_sigunblock(ax_client *ax, int signal) {
        return CALL(ax, sigunblock, SigblockRequest, .signal = signal);
}

int ax_sigpending(ax_client *ax) {
        struct ax_process_page page;
        struct local_call call;
        int r = client_check(ax);

        if (r < 0)
                return r;
        call = local_begin(ax, AX_LOCAL_SIGPENDING);
        r = published_read(&ax->published, &page);
        if (r > 0)
                return CALL(ax, sigpending, Empty);
        if (r == 0)
                r = page.pending != 0;
        local_end(ax, &call, 0, 0, 0, r);
        return r;
}

int ax_signal(ax_client *ax, int signal, enum ax_signal_action action) {
        int r = CALL(ax, signal, SignalRequest, .signal = signal, .action = (uint32_t) action);

        if (r >= 0)
                host_signals_bind(ax, signal, action == AX_SIGNAL_HANDLE || action == AX_SIGNAL_IGNORE);
        return r;
}
