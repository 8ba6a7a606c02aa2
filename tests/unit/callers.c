/* SPDX-License-Identifier: MIT */
#include "callers.h"

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

ax_client *connect_ok(struct fake *fake, void (*body)(struct fake *fake)) {
        ax_client *ax = NULL;

        assert_result(fake_connect(fake, body, &ax), 0);
        return ax;
}

void caller_start(struct caller *caller, void *(*body)(void *userdata)) {
        ck_assert_int_eq(pthread_create(&caller->thread, NULL, body, caller), 0);
}

void *run_getppid(void *userdata) {
        struct caller *caller = userdata;

        ax_cancel_use(caller->cancel);
        atomic_store(&caller->tid, gettid());
        caller->result = ax_getppid(caller->ax);
        return NULL;
}

bool sleeps_in_poll(void *userdata) {
        const struct caller *caller = userdata;
        char path[64], line[256] = "";
        FILE *file;
        long number = -1;

        snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", atomic_load(&caller->tid));
        file = atomic_load(&caller->tid) > 0 ? fopen(path, "re") : NULL;
        if (!file)
                return false;
        if (fgets(line, sizeof(line), file))
                number = strtol(line, NULL, 10);
        fclose(file);
#ifdef SYS_poll
        if (number == SYS_poll)
                return true;
#endif
        return number == SYS_ppoll;
}
