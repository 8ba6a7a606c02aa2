/* SPDX-License-Identifier: MIT */
/*
 * What an event loop uses, against a server that the case plays itself: ax_fileno() and
 * ax_dispatch().
 */
#include "fixture.h"

#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callers.h"

static bool is_readable(int fd, int timeout_ms) {
        struct pollfd poller = { .fd = fd, .events = POLLIN };

        return poll(&poller, 1, timeout_ms) == 1 && poller.revents == POLLIN;
}

static void serve_an_event_then_calls(struct fake *fake) {
        fake_send_event(fake);
        fake_serve(fake);
}

START_TEST(test_fileno_tells_of_events) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_an_event_then_calls);
        int fd = ax_fileno(ax);

        ck_assert_int_ge(fd, 0);
        assert_result(ax_fileno(ax), fd);
        ck_assert(is_readable(fd, FAKE_LIMIT_MS));
        assert_result(ax_dispatch(ax, 0), 0);
        ck_assert(!is_readable(fd, 0));
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

static void serve_end_after_umask(struct fake *fake) {
        struct fake_reply reply;

        if (!fake_expect(fake, "Getppid"))
                return;
        reply = (struct fake_reply){ .serial = fake->request.header.serial,
                                     .method = fake->request.header.method,
                                     .status = 1 };
        fake_send_event(fake);
        fake_send(fake, &reply);
        fake_expect(fake, "Umask");
        shutdown(fake->fd, SHUT_RDWR);
}

static void *run_dispatch(void *userdata) {
        struct caller *caller = userdata;

        atomic_store(&caller->tid, gettid());
        caller->result = ax_dispatch(caller->ax, -1);
        return NULL;
}

START_TEST(test_dispatch_reads_for_the_callers) {
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_end_after_umask);
        struct caller dispatcher = { .ax = ax };

        assert_error(ax_dispatch(ax, NAN), AX_EINVAL);
        caller_start(&dispatcher, run_dispatch);
        fixture_wait(sleeps_in_poll, &dispatcher, "the dispatcher waits");
        assert_result(ax_getppid(ax), 1);
        assert_error(ax_umask(ax, 0), AX_ESRCH);
        pthread_join(dispatcher.thread, NULL);
        assert_error(dispatcher.result, AX_ESRCH);
        fake_end(&fake);
        ax_disconnect(ax);
}
END_TEST

/* A call that waits beside the dispatcher. */
struct beside {
        struct caller caller;
        atomic_bool waits;
};

/* Answers the first call after the second. */
static void serve_second_first(struct fake *fake) {
        struct beside *beside = fake->userdata;
        uint32_t serial;

        if (!fake_expect(fake, "Getppid"))
                return;
        serial = fake->request.header.serial;
        atomic_store(&beside->waits, true);
        if (!fake_expect(fake, "Umask"))
                return;
        fake_answer(fake, 18);
        fake_send(fake, &(struct fake_reply){ .serial = serial, .method = wire_method("Getppid"), .status = 1 });
        fake_serve(fake);
}

START_TEST(test_dispatch_keeps_its_time_beside_a_reader) {
        struct beside beside = { 0 };
        struct fake fake = { .userdata = &beside };
        ax_client *ax = connect_ok(&fake, serve_second_first);
        double begin;

        beside.caller.ax = ax;
        caller_start(&beside.caller, run_getppid);
        while (!atomic_load(&beside.waits))
                sched_yield();
        begin = now_ms();
        assert_result(ax_dispatch(ax, 0), 0);
        assert_result(ax_dispatch(ax, 50), 0);
        ck_assert(now_ms() - begin >= 50);
        assert_result(ax_umask(ax, 022), 18);
        pthread_join(beside.caller.thread, NULL);
        assert_result(beside.caller.result, 1);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("events");

        fixture_add(suite, test_fileno_tells_of_events, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_dispatch_reads_for_the_callers, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_dispatch_keeps_its_time_beside_a_reader, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
