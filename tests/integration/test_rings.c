/* SPDX-License-Identifier: MIT */
/*
 * Rings: calls in shared memory keep what calls over the socket keep, and what a program writes
 * into its rings hurts nobody but itself. All other suites use rings, too; some run without as
 * well.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "ring.h"

/* ---- rings by hand --------------------------------------------------------------------------- */

struct stranger {
        struct ax_rings *map;
        struct ax_ring_sender requests;
        struct ax_ring_receiver replies;
        int fd;
        uint32_t serial;
};

static int say_hello(int fd, struct wire_frame *frame) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;

        request.version = AX_PROTOCOL_VERSION;
        request.rings = true;
        return wire_call(fd, 1, AX_METHOD(hello), &request.base, frame);
}

static void stranger_connect(struct stranger *stranger, bool seals) {
        static struct wire_frame frame;
        int fd = wire_connect(the_daemon.socket);

        assert_result(say_hello(fd, &frame), 0);
        ck_assert_uint_eq(frame.n_fds, 4);
        *stranger = (struct stranger){ .fd = fd, .serial = 1 };
        stranger->map = mmap(NULL, sizeof(*stranger->map), PROT_READ | PROT_WRITE, MAP_SHARED, frame.fds[3], 0);
        ck_assert_ptr_ne(stranger->map, MAP_FAILED);
        if (seals)
                ck_assert_int_eq(fcntl(frame.fds[3], F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
        wire_frame_close_fds(&frame);
        stranger->requests =
                (struct ax_ring_sender){ .ring = &stranger->map->requests, .data = stranger->map->request_data };
        stranger->replies =
                (struct ax_ring_receiver){ .ring = &stranger->map->replies, .data = stranger->map->reply_data };
}

static void stranger_leave(struct stranger *stranger) {
        close(stranger->fd);
        munmap(stranger->map, sizeof(*stranger->map));
}

static void ring_the_bell(const struct stranger *stranger) {
        (void) !send(stranger->fd, "", AX_BELL_SIZE, MSG_NOSIGNAL);
}

/* Returns false if the ring is full. */
static bool try_request(struct stranger *stranger, uint32_t method) {
        const struct ax_frame_header header = { .length = AX_FRAME_HEADER_SIZE,
                                                .serial = stranger->serial + 1,
                                                .method = method };
        uint8_t bytes[AX_FRAME_HEADER_SIZE];

        ax_frame_header_encode(&header, bytes);
        if (ax_ring_push(&stranger->requests, bytes, sizeof(bytes), NULL, 0) == 0)
                return false;
        stranger->serial++;
        if (ax_ring_takes_bell(&stranger->requests))
                ring_the_bell(stranger);
        return true;
}

/* Waits for a reply, in the ring or on the socket; returns its serial. */
static uint32_t take_reply(struct stranger *stranger) {
        static struct wire_frame frame;
        uint8_t bytes[AX_RING_MAX_FRAME];
        struct ax_frame_header header;

        while (ax_ring_next(&stranger->replies) != AX_RING_FRAME) {
                bool is_due = ax_ring_next(&stranger->replies) == AX_RING_SOCKET;
                char bell;

                if (!is_due && !ax_ring_rest(&stranger->replies))
                        continue;
                if (recv(stranger->fd, &bell, sizeof(bell), MSG_PEEK | MSG_TRUNC) == AX_BELL_SIZE) {
                        recv(stranger->fd, &bell, sizeof(bell), 0);
                        continue;
                }
                ck_assert_int_eq(wire_receive(stranger->fd, &frame, 20000), 1);
                stranger->replies.socket_received++;
                return frame.header.serial;
        }
        ck_assert_uint_ge(ax_ring_pop(&stranger->replies, bytes), AX_FRAME_HEADER_SIZE);
        ax_frame_header_decode(&header, bytes);
        return header.serial;
}

static void assert_disconnected(const struct stranger *stranger) {
        char bytes[64];
        ssize_t n;

        do
                n = recv(stranger->fd, bytes, sizeof(bytes), 0);
        while (n > 0);
        ck_assert_int_le(n, 0);
}

/* Does something to rings that have worked; the daemon ends this session and no other. */
static void assert_ends(void (*attack)(struct stranger *stranger)) {
        _connected_ ax_client *ax = fixture_connect();
        struct stranger stranger;

        stranger_connect(&stranger, true);
        ck_assert(try_request(&stranger, AX_METHOD(getppid)));
        ck_assert_uint_eq(take_reply(&stranger), stranger.serial);
        attack(&stranger);
        ring_the_bell(&stranger);
        assert_disconnected(&stranger);
        assert_result(ax_getppid(ax), 1);
        stranger_leave(&stranger);
}

START_TEST(test_a_frame_in_the_ring_is_answered) {
        struct stranger stranger;

        stranger_connect(&stranger, true);
        for (int i = 0; i < 1000; i++) {
                ck_assert(try_request(&stranger, AX_METHOD(getppid)));
                ck_assert_uint_eq(take_reply(&stranger), stranger.serial);
        }
        stranger_leave(&stranger);
}
END_TEST

START_TEST(test_rings_that_are_not_sealed_are_not_touched) {
        _connected_ ax_client *ax = fixture_connect();
        struct stranger stranger;

        stranger_connect(&stranger, false);
        ring_the_bell(&stranger);
        assert_disconnected(&stranger);
        assert_result(ax_getppid(ax), 1);
        stranger_leave(&stranger);
}
END_TEST

static void fill_too_much(struct stranger *stranger) {
        atomic_store(&stranger->map->requests.head, stranger->requests.head + AX_RING_SIZE + 8);
}

static void fill_too_little(struct stranger *stranger) {
        atomic_store(&stranger->map->requests.head, stranger->requests.head + 4);
}

static void go_back(struct stranger *stranger) {
        atomic_store(&stranger->map->requests.head, stranger->requests.head - 8);
}

static void write_record(struct stranger *stranger, uint32_t length, uint32_t count) {
        const uint32_t record[2] = { length, count };

        ax_ring_write(&stranger->requests, stranger->requests.head, record, sizeof(record));
        atomic_store(&stranger->map->requests.head, stranger->requests.head + 64);
}

static void claim_a_long_frame(struct stranger *stranger) {
        write_record(stranger, AX_RING_SIZE, 0);
}

static void claim_an_endless_frame(struct stranger *stranger) {
        write_record(stranger, UINT32_MAX, 0);
}

static void claim_a_short_frame(struct stranger *stranger) {
        write_record(stranger, 3, 0);
}

static void claim_more_than_there_is(struct stranger *stranger) {
        write_record(stranger, 128, 0);
}

static void claim_a_frame_on_the_socket(struct stranger *stranger) {
        write_record(stranger, 32, 7);
}

static void count_frames_that_were_not_sent(struct stranger *stranger) {
        atomic_store(&stranger->map->requests.socket_sent, 5);
}

static void take_what_is_not_there(struct stranger *stranger) {
        atomic_store(&stranger->map->replies.tail, stranger->replies.tail + 8);
        ck_assert(try_request(stranger, AX_METHOD(getppid)));
}

static void write_a_frame_that_lies(struct stranger *stranger) {
        const struct ax_frame_header header = { .length = 500, .serial = 99, .method = AX_METHOD(getppid) };
        uint8_t bytes[AX_FRAME_HEADER_SIZE];

        ax_frame_header_encode(&header, bytes);
        ck_assert_int_eq(ax_ring_push(&stranger->requests, bytes, sizeof(bytes), NULL, 0), 1);
}

static void (*const attacks[])(struct stranger *stranger) = {
        fill_too_much,
        fill_too_little,
        go_back,
        claim_a_long_frame,
        claim_an_endless_frame,
        claim_a_short_frame,
        claim_more_than_there_is,
        claim_a_frame_on_the_socket,
        count_frames_that_were_not_sent,
        take_what_is_not_there,
        write_a_frame_that_lies,
};

START_TEST(test_nonsense_in_the_rings_ends_the_session) {
        assert_ends(attacks[_i]);
}
END_TEST

enum { FLOOD = 20000 };

/* Whoever reads no replies is answered all the same, once each, and keeps nobody. */
START_TEST(test_a_flood_that_reads_nothing) {
        _connected_ ax_client *ax = fixture_connect();
        static bool answered[FLOOD];
        struct stranger stranger;
        uint32_t sent = 0;

        stranger_connect(&stranger, true);
        for (int full = 0; full < 200 && sent < FLOOD;) {
                if (try_request(&stranger, AX_METHOD(getppid))) {
                        sent++;
                        full = 0;
                } else {
                        assert_result(ax_getppid(ax), 1);
                        full++;
                }
        }
        for (uint32_t i = 0; i < sent; i++) {
                uint32_t serial = take_reply(&stranger);

                ck_assert_uint_gt(serial, 1);
                ck_assert_uint_lt(serial - 2, sent);
                ck_assert(!answered[serial - 2]);
                answered[serial - 2] = true;
        }
        stranger_leave(&stranger);
}
END_TEST

enum { STRANGERS = 40, REQUESTS_EACH = 30 };

/* More than the daemon looks at, all with requests at once. */
START_TEST(test_many_rings_are_served) {
        static struct stranger strangers[STRANGERS];

        for (int i = 0; i < STRANGERS; i++)
                stranger_connect(&strangers[i], true);
        for (int i = 0; i < REQUESTS_EACH; i++)
                for (int j = 0; j < STRANGERS; j++)
                        ck_assert(try_request(&strangers[j], AX_METHOD(getppid)));
        for (int j = 0; j < STRANGERS; j++)
                for (uint32_t i = 0; i < REQUESTS_EACH; i++)
                        ck_assert_uint_eq(take_reply(&strangers[j]), i + 2);
        for (int j = 0; j < STRANGERS; j++)
                stranger_leave(&strangers[j]);
}
END_TEST

/* ---- the library ----------------------------------------------------------------------------- */

START_TEST(test_frames_of_all_sizes) {
        _connected_ ax_client *ax = fixture_connect();
        char data[9000], back[9000];
        int64_t fd;

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (char) (i * 7);
        fd = assert_ok(ax_open(ax, "/tmp/sizes", AX_O_READ | AX_O_WRITE | AX_O_CREATE));
        for (size_t size = 1; size < sizeof(data); size += size < 1200 ? 1 : 977) {
                assert_result(ax_pwrite(ax, (int) fd, data, size, 0), (int64_t) size);
                memset(back, 0, sizeof(back));
                assert_result(ax_pread(ax, (int) fd, back, size, 0), (int64_t) size);
                ck_assert_mem_eq(back, data, size);
        }
        ax_close(ax, (int) fd);
}
END_TEST

enum { THREADS = 8, CALLS = 1500 };

static void *call_often(void *userdata) {
        ax_client *ax = userdata;
        char data[3000], back[3000];

        for (int i = 0; i < CALLS; i++) {
                int fds[2];

                assert_result(ax_getppid(ax), 1);
                if (i % 16 != 0)
                        continue;
                assert_ok(ax_pipe(ax, fds));
                memset(data, i, sizeof(data));
                assert_result(ax_write(ax, fds[1], data, sizeof(data)), sizeof(data));
                assert_result(ax_read(ax, fds[0], back, sizeof(back)), sizeof(back));
                ck_assert_mem_eq(back, data, sizeof(data));
                assert_ok(ax_close(ax, fds[0]));
                assert_ok(ax_close(ax, fds[1]));
        }
        return NULL;
}

START_TEST(test_threads_share_a_ring) {
        _connected_ ax_client *ax = fixture_connect();
        pthread_t threads[THREADS];

        for (int i = 0; i < THREADS; i++)
                assert_result(pthread_create(&threads[i], NULL, call_often, ax), 0);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
}
END_TEST

struct reading {
        ax_client *ax;
        ax_cancel *cancel;
        int fd;
        int64_t result;
        pthread_t thread;
};

static void *read_a_byte(void *userdata) {
        struct reading *reading = userdata;
        char byte;

        ax_cancel_use(reading->cancel);
        reading->result = ax_read(reading->ax, reading->fd, &byte, 1);
        return NULL;
}

START_TEST(test_a_call_is_cancelled) {
        _connected_ ax_client *ax = fixture_connect();
        struct reading reading = { .ax = ax };
        int fds[2];

        assert_ok(ax_pipe(ax, fds));
        assert_ok(ax_cancel_new(&reading.cancel));
        reading.fd = fds[0];
        assert_result(pthread_create(&reading.thread, NULL, read_a_byte, &reading), 0);
        assert_result(ax_getppid(ax), 1);
        ax_cancel_fire(reading.cancel);
        pthread_join(reading.thread, NULL);
        assert_result(reading.result, -AX_EINTR);
        ax_cancel_free(reading.cancel);
}
END_TEST

START_TEST(test_the_daemon_dies_while_a_client_waits) {
        ax_client *ax = fixture_connect();
        struct reading reading = { .ax = ax };
        int fds[2];

        assert_ok(ax_pipe(ax, fds));
        reading.fd = fds[0];
        assert_result(pthread_create(&reading.thread, NULL, read_a_byte, &reading), 0);
        assert_result(ax_getppid(ax), 1);
        daemon_kill(&the_daemon);
        pthread_join(reading.thread, NULL);
        assert_result(reading.result, -AX_ESRCH);
        assert_result(ax_getppid(ax), -AX_ESRCH);
        ax_disconnect(ax);
        ck_assert_int_eq(daemon_restart(&the_daemon), 0);
}
END_TEST

START_TEST(test_a_forked_child_leaves_the_rings_alone) {
        _connected_ ax_client *ax = fixture_connect();
        int status;
        pid_t pid;

        assert_result(ax_getppid(ax), 1);
        pid = fork();
        if (pid == 0) {
                bool is_dead = ax_getppid(ax) == -AX_ESRCH;

                ax_disconnect(ax);
                _exit(is_dead ? 0 : 1);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        for (int i = 0; i < 100; i++)
                assert_result(ax_getppid(ax), 1);
}
END_TEST

static void *ask_for_the_parent(void *userdata) {
        struct reading *reading = userdata;

        reading->result = ax_getppid(reading->ax);
        return NULL;
}

START_TEST(test_requests_of_a_stopped_process_stay_in_the_ring) {
        _connected_ ax_client *ax = fixture_connect(), *other = fixture_connect();
        struct reading reading = { .ax = other };
        ax_pid pid = ax_getpid(other);

        assert_result(ax_getppid(other), 1);
        assert_ok(ax_kill(ax, pid, AX_SIGSTOP));
        assert_result(pthread_create(&reading.thread, NULL, ask_for_the_parent, &reading), 0);
        for (int i = 0; i < 200; i++)
                assert_result(ax_getppid(ax), 1);
        ck_assert_int_eq(pthread_tryjoin_np(reading.thread, NULL), EBUSY);
        assert_ok(ax_kill(ax, pid, AX_SIGCONT));
        pthread_join(reading.thread, NULL);
        assert_result(reading.result, 1);
}
END_TEST

START_TEST(test_a_program_may_do_without) {
        setenv("AXEBERG_RINGS", "no", 1);
        _connected_ ax_client *ax = fixture_connect();

        unsetenv("AXEBERG_RINGS");
        assert_result(ax_getppid(ax), 1);
}
END_TEST

START_TEST(test_the_daemon_may_do_without) {
        static const struct daemon_options options = { .settings = "Rings=no\n" };
        static struct wire_frame frame;
        ax_client *ax;
        int fd;

        fixture_start(&options);
        fd = wire_connect(the_daemon.socket);
        assert_result(say_hello(fd, &frame), 0);
        ck_assert_uint_eq(frame.n_fds, 3);
        wire_frame_close_fds(&frame);
        close(fd);
        ax = fixture_connect();
        assert_result(ax_getppid(ax), 1);
        ax_disconnect(ax);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rings");

        fixture_add(suite, test_a_frame_in_the_ring_is_answered, 0);
        fixture_add(suite, test_rings_that_are_not_sealed_are_not_touched, 0);
        fixture_add_loop(suite, test_nonsense_in_the_rings_ends_the_session, 0, sizeof(attacks) / sizeof(attacks[0]));
        fixture_add(suite, test_a_flood_that_reads_nothing, 0);
        fixture_add(suite, test_many_rings_are_served, 0);
        fixture_add(suite, test_frames_of_all_sizes, 0);
        fixture_add(suite, test_threads_share_a_ring, 0);
        fixture_add(suite, test_a_call_is_cancelled, 0);
        fixture_add(suite, test_the_daemon_dies_while_a_client_waits, 0);
        fixture_add(suite, test_a_forked_child_leaves_the_rings_alone, 0);
        fixture_add(suite, test_requests_of_a_stopped_process_stay_in_the_ring, 0);
        fixture_add(suite, test_a_program_may_do_without, 0);
        fixture_add(suite, test_the_daemon_may_do_without, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
