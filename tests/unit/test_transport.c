/* SPDX-License-Identifier: MIT */
/*
 * The connection against a server that the case plays itself: replies out of order, the reader's
 * role, a full socket. Bad replies are in test_replies.c, events in test_events.c.
 */
#include "fixture.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "callers.h"

enum { THREADS = 8, CALLS = 2000 };

/* A descriptor number that tells whose call it was comes back as the result. */
static void *run_dup(void *userdata) {
        struct caller *caller = userdata;

        caller->result = ax_dup(caller->ax, caller->number);
        return NULL;
}

static int requested_fd(struct fake *fake) {
        Axeberg__FdRequest *request = fake_unpack(fake, fd_request);
        int fd = request ? request->fd : -1;

        if (!request)
                fake_complain(fake, "an FdRequest does not unpack");
        else
                axeberg__fd_request__free_unpacked(request, NULL);
        return fd;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void serve_hello(struct fake *fake) {
        Axeberg__HelloRequest *request;

        if (!fake_expect(fake, "Hello"))
                return;
        request = fake_unpack(fake, hello_request);
        if (!request || request->version != AX_PROTOCOL_VERSION || fake->request.header.serial != 1)
                fake_complain(fake, "Hello does not say version and serial 1");
        else if (request->n_argv == 0 || !strstr(request->argv[0], "test_transport"))
                fake_complain(fake, "Hello does not tell the program's name");
        axeberg__hello_request__free_unpacked(request, NULL);
        fake_answer(fake, -AX_EDQUOT);
        if (fake_receive(fake))
                fake_complain(fake, "a request after a refusal");
}

START_TEST(test_hello_and_its_refusal) {
        ax_client *ax = (ax_client *) 1;
        struct fake fake;

        assert_error(fake_connect_unanswered(&fake, serve_hello, &ax), AX_EDQUOT);
        ck_assert_ptr_eq(ax, (ax_client *) 1);
        fake_end(&fake);
}
END_TEST

START_TEST(test_an_inherited_descriptor_must_be_a_connection) {
        ax_client *ax = NULL;
        int fds[2];
        char number[16];
        const char *const bad[] = { "0x3", "-1", "nonsense", "99999999999", "1000000" };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                setenv("AXEBERG_FD", bad[i], 1);
                assert_error(ax_connect(&ax, NULL), AX_EINVAL);
                ck_assert_ptr_null(getenv("AXEBERG_FD"));
        }
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        close(fds[1]);
        fds[1] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0); /* connected to nobody */
        for (int i = 0; i < 2; i++) {
                snprintf(number, sizeof(number), "%d", fds[i]);
                setenv("AXEBERG_FD", number, 1);
                assert_error(ax_connect(&ax, NULL), AX_EINVAL);
                ck_assert_ptr_null(ax);
                close(fds[i]);
        }
}
END_TEST

START_TEST(test_an_empty_socket_path_is_no_socket) {
        ax_client *ax = NULL;

        assert_error(ax_connect(&ax, ""), AX_ENOENT);
}
END_TEST

static void serve_exit(struct fake *fake) {
        if (fake_expect(fake, "Exit"))
                fake_answer(fake, 0);
        if (fake_receive(fake))
                fake_complain(fake, "a request after Exit");
}

START_TEST(test_disconnect_says_exit_and_closes) {
        struct fake fake;

        ax_disconnect(connect_ok(&fake, serve_exit));
        fake_end(&fake);
}
END_TEST

/* ---- calls in flight ------------------------------------------------------------------------- */

/* Answers the calls of all threads when all are there, last first. */
static void serve_backwards(struct fake *fake) {
        struct fake_reply replies[THREADS];

        for (int i = 0; i < THREADS; i++) {
                if (!fake_expect(fake, "Dup"))
                        return;
                replies[i] = (struct fake_reply){ .serial = fake->request.header.serial,
                                                  .method = fake->request.header.method,
                                                  .status = requested_fd(fake) };
                for (int j = 0; j < i; j++)
                        if (replies[j].serial == replies[i].serial)
                                fake_complain(fake, "a serial of a call in flight");
        }
        for (int i = THREADS; i-- > 0;)
                fake_send(fake, &replies[i]);
        fake_serve(fake);
}

START_TEST(test_replies_out_of_order) {
        struct caller callers[THREADS];
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_backwards);

        for (int i = 0; i < THREADS; i++) {
                callers[i] = (struct caller){ .ax = ax, .number = 100 + i };
                caller_start(&callers[i], run_dup);
        }
        for (int i = 0; i < THREADS; i++) {
                pthread_join(callers[i].thread, NULL);
                assert_result(callers[i].result, 100 + i);
        }
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/*
 * Keeps some calls waiting while it answers others, in an order that changes all the time, but
 * never holds the last one back.
 */
static void serve_shuffled(struct fake *fake) {
        struct fake_reply held[THREADS];
        struct pollfd poller = { .fd = fake->fd, .events = POLLIN };
        unsigned random = (unsigned) fixture_seed();
        size_t n = 0;

        for (;;) {
                while (n > 0 && poll(&poller, 1, 0) == 0) {
                        size_t pick = (random = random * 1103515245 + 12345) / 65536 % n;

                        fake_send(fake, &held[pick]);
                        held[pick] = held[--n];
                }
                if (!fake_receive(fake))
                        return;
                held[n] = (struct fake_reply){ .serial = fake->request.header.serial,
                                               .method = fake->request.header.method };
                if (held[n].method == wire_method("Dup"))
                        held[n].status = requested_fd(fake);
                n++;
        }
}

static void *run_many_dups(void *userdata) {
        struct caller *caller = userdata;

        for (int i = 0; i < CALLS; i++) {
                int fd = caller->number * CALLS + i;

                if (ax_dup(caller->ax, fd) != fd)
                        caller->result++;
        }
        return NULL;
}

START_TEST(test_many_threads_many_calls) {
        struct caller callers[THREADS];
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_shuffled);

        for (int i = 0; i < THREADS; i++) {
                callers[i] = (struct caller){ .ax = ax, .number = i };
                caller_start(&callers[i], run_many_dups);
        }
        for (int i = 0; i < THREADS; i++) {
                pthread_join(callers[i].thread, NULL);
                assert_result(callers[i].result, 0);
        }
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

static void serve_end_in_the_middle(struct fake *fake) {
        for (int i = 0; i < THREADS; i++)
                fake_expect(fake, "Dup");
        shutdown(fake->fd, SHUT_RDWR);
}

START_TEST(test_end_of_the_stream_ends_every_call) {
        struct caller callers[THREADS];
        struct fake fake;
        ax_client *ax = connect_ok(&fake, serve_end_in_the_middle);

        for (int i = 0; i < THREADS; i++) {
                callers[i] = (struct caller){ .ax = ax, .number = i };
                caller_start(&callers[i], run_dup);
        }
        for (int i = 0; i < THREADS; i++) {
                pthread_join(callers[i].thread, NULL);
                assert_error(callers[i].result, AX_ESRCH);
        }
        fake_end(&fake);
        assert_error(ax_getppid(ax), AX_ESRCH);
        assert_error(ax_dispatch(ax, 0), AX_ESRCH);
        ax_disconnect(ax);
}
END_TEST

/* ---- a full socket --------------------------------------------------------------------------- */

enum { EVENTS = 600 };

struct full {
        struct caller first, second;
        atomic_bool filled, first_waits;
        size_t n_filled;
};

/*
 * A daemon that does not read while its own queue to us is full. It answers the first call when the
 * second cannot be sent; then it sends more events than the socket holds, and only after them takes
 * requests in.
 */
static void serve_when_events_are_read(struct fake *fake) {
        struct full *full = fake->userdata;
        uint32_t serial, method;

        if (!fake_expect(fake, "Getppid"))
                return;
        serial = fake->request.header.serial;
        method = fake->request.header.method;
        atomic_store(&full->first_waits, true);
        while (!atomic_load(&full->filled))
                sched_yield();
        while (!sleeps_in_poll(&full->second))
                usleep(1000);
        fake_send(fake, &(struct fake_reply){ .serial = serial, .method = method, .status = 1 });
        pthread_join(full->first.thread, NULL);
        for (int i = 0; i < EVENTS; i++)
                fake_send_event(fake);
        while (full->n_filled-- > 0)
                fake_receive(fake);
        while (fake_receive(fake))
                fake_answer(fake, 2);
}

/* Puts requests of our own into the library's queue until nothing more fits. */
static size_t fill(struct fake *fake) {
        Axeberg__Empty empty = AXEBERG__EMPTY__INIT;
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        size_t size = wire_pack(bytes, 1, wire_method("Getppid"), &empty.base, NULL, 0), n = 0;

        while (send(fake->client_fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                n++;
        ck_assert_int_eq(errno, EAGAIN);
        return n;
}

START_TEST(test_a_full_socket_is_read_while_sending) {
        struct full full = { 0 };
        struct fake fake = { .userdata = &full };
        ax_client *ax = connect_ok(&fake, serve_when_events_are_read);

        full.first.ax = full.second.ax = ax;
        caller_start(&full.first, run_getppid);
        while (!atomic_load(&full.first_waits))
                sched_yield();
        full.n_filled = fill(&fake);
        caller_start(&full.second, run_getppid);
        atomic_store(&full.filled, true);
        pthread_join(full.second.thread, NULL);
        assert_result(full.first.result, 1);
        assert_result(full.second.result, 2);
        ax_disconnect(ax);
        fake_end(&fake);
}
END_TEST

/* A peer that breaks the protocol wakes also the thread that waits for room. */
static void serve_garbage_when_full(struct fake *fake) {
        struct full *full = fake->userdata;

        if (!fake_expect(fake, "Getppid"))
                return;
        atomic_store(&full->first_waits, true);
        while (!atomic_load(&full->filled))
                sched_yield();
        while (!sleeps_in_poll(&full->second))
                usleep(1000);
        wire_send_bytes(fake->fd, "garbage", 7, NULL, 0);
}

START_TEST(test_a_broken_connection_wakes_who_waits_for_room) {
        struct full full = { 0 };
        struct fake fake = { .userdata = &full };
        ax_client *ax = connect_ok(&fake, serve_garbage_when_full);

        full.first.ax = full.second.ax = ax;
        caller_start(&full.first, run_getppid);
        while (!atomic_load(&full.first_waits))
                sched_yield();
        fill(&fake);
        caller_start(&full.second, run_getppid);
        atomic_store(&full.filled, true);
        pthread_join(full.first.thread, NULL);
        pthread_join(full.second.thread, NULL);
        assert_error(full.first.result, AX_EPROTO);
        assert_error(full.second.result, AX_EPROTO);
        fake_join(&fake);
        ax_disconnect(ax);
        close(fake.fd);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("transport");

        fixture_add(suite, test_hello_and_its_refusal, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_an_inherited_descriptor_must_be_a_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_an_empty_socket_path_is_no_socket, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_disconnect_says_exit_and_closes, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_replies_out_of_order, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_many_threads_many_calls, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_end_of_the_stream_ends_every_call, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_full_socket_is_read_while_sending, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_broken_connection_wakes_who_waits_for_room, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
