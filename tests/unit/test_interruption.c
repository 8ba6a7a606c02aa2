/* SPDX-License-Identifier: MIT */
/*
 * Cancel switches and fork against a server that the case plays itself: no fire is lost, a Cancel
 * names a call in flight and comes after it, and a forked child leaves its parent's connection
 * alone.
 */
#include "fixture.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callers.h"

enum { THREADS = 8 };

/* ---- cancel switches ------------------------------------------------------------------------- */

static uint32_t cancelled_serial(struct fake *fake) {
        Axeberg__CancelRequest *request = fake_unpack(fake, cancel_request);
        uint32_t serial = request ? request->serial : 0;

        axeberg__cancel_request__free_unpacked(request, NULL);
        return serial;
}

/*
 * Parks every Getppid; answers it with Interrupted when its Cancel comes, which must come after
 * it.
 */
static void serve_parking(struct fake *fake) {
        struct fake_reply parked[THREADS] = { 0 };
        size_t n = 0;

        while (fake_receive(fake)) {
                uint32_t serial = fake->request.header.serial, method = fake->request.header.method;
                bool found = false;

                if (method == wire_method("Getppid") && n < THREADS) {
                        parked[n++] = (struct fake_reply){ .serial = serial, .method = method, .status = -AX_EINTR };
                        continue;
                }
                if (method == wire_method("Cancel")) {
                        for (size_t i = 0; i < n && !found; i++) {
                                if (parked[i].serial != cancelled_serial(fake))
                                        continue;
                                fake_send(fake, &parked[i]);
                                parked[i] = parked[--n];
                                found = true;
                        }
                        if (!found)
                                fake_complain(fake, "a Cancel of no call in flight");
                }
                fake_answer(fake, 0);
        }
        if (n > 0)
                fake_complain(fake, "%zu calls were not cancelled", n);
}

START_TEST(test_no_fire_is_lost) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_parking);

        for (int round = 0; round < 300; round++) {
                struct caller callers[3];

                for (int i = 0; i < 3; i++) {
                        callers[i] = (struct caller){ .ax = ax };
                        assert_ok(ax_cancel_new(&callers[i].cancel));
                        caller_start(&callers[i], run_getppid);
                }
                for (int i = 0; i < 3; i++)
                        ax_cancel_fire(callers[i].cancel);
                for (int i = 0; i < 3; i++) {
                        pthread_join(callers[i].thread, NULL);
                        assert_error(callers[i].result, AX_EINTR);
                        ax_cancel_free(callers[i].cancel);
                }
        }
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

START_TEST(test_one_switch_for_many_threads) {
        struct caller callers[THREADS];
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_parking);
        ax_cancel *cancel;

        assert_ok(ax_cancel_new(&cancel));
        for (int i = 0; i < THREADS; i++) {
                callers[i] = (struct caller){ .ax = ax, .cancel = cancel };
                caller_start(&callers[i], run_getppid);
        }
        ax_cancel_fire(cancel);
        for (int i = 0; i < THREADS; i++) {
                pthread_join(callers[i].thread, NULL);
                assert_error(callers[i].result, AX_EINTR);
        }
        ax_cancel_free(cancel);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/* ---- fork ------------------------------------------------------------------------------------ */

/* The child's end by SIGPIPE, abort or a sanitizer would show in its status. */
static void child_uses_the_handle(ax_client *ax, ax_cancel *cancel) {
        bool dead = ax_getppid(ax) == -AX_ESRCH && ax_getpid(ax) == -AX_ESRCH && ax_fileno(ax) == -AX_ESRCH &&
                    ax_dispatch(ax, 0) == -AX_ESRCH && ax_exit(ax, 0) == -AX_ESRCH;

        ax_cancel_fire(cancel);
        ax_disconnect(ax);
        ax_cancel_free(cancel);
        _exit(dead ? 0 : 3);
}

/* Nothing of the child's may reach the daemon: the parked call must be the parent's to cancel. */
static void serve_parent_only(struct fake *fake) {
        atomic_bool *parked = fake->userdata;
        uint32_t serial;

        if (!fake_expect(fake, "Getppid"))
                return;
        serial = fake->request.header.serial;
        atomic_store(parked, true);
        if (!fake_expect(fake, "Umask"))
                return;
        fake_answer(fake, 18);
        fake_send(fake, &(struct fake_reply){ .serial = serial, .method = wire_method("Getppid"), .status = 1 });
        fake_serve(fake);
}

START_TEST(test_a_forked_child_does_not_touch_the_connection) {
        atomic_bool parked = false;
        struct fake fake = { .userdata = &parked };
        ax_client *ax = connect_ok(&fake, serve_parent_only);
        struct caller caller = { .ax = ax };
        int status;
        pid_t pid;

        assert_ok(ax_cancel_new(&caller.cancel));
        caller_start(&caller, run_getppid);
        while (!atomic_load(&parked))
                sched_yield();
        pid = fork();
        if (pid == 0) {
                alarm(20);
                child_uses_the_handle(ax, caller.cancel);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        assert_result(ax_umask(ax, 022), 18);
        pthread_join(caller.thread, NULL);
        assert_result(caller.result, 1);
        ax_disconnect(ax);
        ax_cancel_free(caller.cancel);
        fake_end(&fake);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("interruption");

        fixture_add(suite, test_no_fire_is_lost, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_one_switch_for_many_threads, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_forked_child_does_not_touch_the_connection, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
