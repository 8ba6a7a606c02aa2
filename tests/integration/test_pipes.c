/* SPDX-License-Identifier: MIT */
/*
 * Pipes: what they hold, atomic writes, ends that wait and ends that are gone; and, on pipes,
 * what descriptors count (F1 to F4).
 */
#include "children.h"
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CAPACITY = 65536, ATOMIC = 4096 };

static void make_pipe(ax_client *ax, int fds[2]) {
        assert_result(ax_pipe(ax, fds), 0);
        assert_result(ax_set_nonblock(ax, fds[0], true), 0);
        assert_result(ax_set_nonblock(ax, fds[1], true), 0);
}

/* ---- pipes ----------------------------------------------------------------------------------- */

START_TEST(test_a_pipe_holds_64_KiB) {
        static char data[CAPACITY + 1000], back[CAPACITY + 1000];
        _connected_ ax_client *ax = fixture_connect();
        int fds[2];

        make_pipe(ax, fds);
        ck_assert_int_eq(fds[0], 3);
        ck_assert_int_eq(fds[1], 4);
        assert_error(ax_read(ax, fds[0], back, 1), AX_EAGAIN);
        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (char) (i * 7 / 3);
        assert_result(ax_write(ax, fds[1], data, sizeof(data)), CAPACITY);
        assert_error(ax_write(ax, fds[1], data, 1), AX_EAGAIN);
        assert_result(ax_read(ax, fds[0], back, 10000), 10000);
        assert_result(ax_read(ax, fds[0], back + 10000, sizeof(back) - 10000), CAPACITY - 10000);
        ck_assert_mem_eq(data, back, CAPACITY);
        assert_error(ax_read(ax, fds[0], back, 1), AX_EAGAIN);
        assert_result(ax_read(ax, fds[0], back, 0), 0);
}
END_TEST

START_TEST(test_writes_of_4096_bytes_are_whole_or_not_done) {
        static char block[ATOMIC];
        _connected_ ax_client *ax = fixture_connect();
        int fds[2], blocks = 0, r;

        make_pipe(ax, fds);
        assert_result(ax_write(ax, fds[1], block, 100), 100);
        while ((r = (int) ax_write(ax, fds[1], block, ATOMIC)) == ATOMIC)
                blocks++;
        ck_assert_int_eq(r, -AX_EAGAIN);
        ck_assert_int_ge(blocks, CAPACITY / ATOMIC - 1);
}
END_TEST

struct stream {
        ax_client *ax;
        int fd, number;
        size_t size;
        ssize_t result;
};

enum { RECORDS = 150, WRITERS = 4 };

static void *write_records(void *userdata) {
        struct stream *stream = userdata;
        char record[ATOMIC];

        for (int i = 0; i < RECORDS; i++) {
                memset(record, 'a' + stream->number, sizeof(record));
                assert_result(ax_write(stream->ax, stream->fd, record, sizeof(record)), sizeof(record));
        }
        return NULL;
}

START_TEST(test_atomic_writes_of_several_writers_do_not_mix) {
        _connected_ ax_client *ax = fixture_connect();
        struct stream streams[WRITERS];
        pthread_t threads[WRITERS];
        int fds[2], counts[WRITERS] = { 0 };
        ax_pid pid;

        assert_result(ax_pipe(ax, fds), 0);
        for (int i = 0; i < WRITERS; i++) {
                streams[i] = (struct stream){ .ax = i % 2 ? ax : spawn_child(ax, &pid), .fd = fds[1], .number = i };
                assert_result(pthread_create(&threads[i], NULL, write_records, &streams[i]), 0);
        }
        for (int i = 0; i < WRITERS * RECORDS; i++) {
                char record[ATOMIC];
                size_t got = 0;

                while (got < sizeof(record))
                        got += (size_t) assert_ok(ax_read(ax, fds[0], record + got, sizeof(record) - got));
                ck_assert(memcmp(record, record + 1, sizeof(record) - 1) == 0); /* all the same */
                counts[record[0] - 'a']++;
        }
        for (int i = 0; i < WRITERS; i++) {
                assert_result(pthread_join(threads[i], NULL), 0);
                ck_assert_int_eq(counts[i], RECORDS);
                if (streams[i].ax != ax)
                        ax_disconnect(streams[i].ax);
        }
}
END_TEST

static void *write_pattern(void *userdata) {
        struct stream *stream = userdata;
        uint32_t *data = malloc(stream->size);

        for (size_t i = 0; i < stream->size / 4; i++)
                data[i] = (uint32_t) i * 2654435761u;
        stream->result = ax_write(stream->ax, stream->fd, data, stream->size);
        free(data);
        return NULL;
}

START_TEST(test_large_writes_wait_and_arrive_whole) {
        enum { SIZE = 5 << 20 };
        _connected_ ax_client *ax = fixture_connect();
        uint32_t *back = malloc(SIZE);
        struct stream stream = { .ax = ax, .size = SIZE };
        size_t got = 0, wrong = 0;
        pthread_t thread;
        int fds[2];

        assert_result(ax_pipe(ax, fds), 0);
        stream.fd = fds[1];
        assert_result(pthread_create(&thread, NULL, write_pattern, &stream), 0);
        while (got < SIZE)
                got += (size_t) assert_ok(ax_read(ax, fds[0], (char *) back + got, SIZE - got));
        assert_result(pthread_join(thread, NULL), 0);
        assert_result(stream.result, SIZE);
        for (size_t i = 0; i < SIZE / 4; i++)
                wrong += back[i] != (uint32_t) i * 2654435761u;
        ck_assert_uint_eq(wrong, 0);
        free(back);
}
END_TEST

static void *read_one(void *userdata) {
        struct stream *stream = userdata;
        char byte;

        stream->result = ax_read(stream->ax, stream->fd, &byte, 1);
        return NULL;
}

START_TEST(test_a_reader_that_waits_learns_of_the_last_writers_end) {
        _connected_ ax_client *ax = fixture_connect();

        for (int how = 0; how < 3; how++) {
                struct stream stream;
                ax_client *child;
                pthread_t thread;
                int fds[2], copy;
                ax_pid pid;

                assert_result(ax_pipe(ax, fds), 0);
                child = spawn_child(ax, &pid);
                copy = (int) assert_ok(ax_dup(ax, fds[1]));
                stream = (struct stream){ .ax = ax, .fd = fds[0] };
                assert_result(pthread_create(&thread, NULL, read_one, &stream), 0);
                wait_sleeping(child, ax);
                assert_result(ax_close(ax, fds[1]), 0);
                assert_result(ax_close(ax, copy), 0);
                wait_sleeping(child, ax);
                if (how == 0)
                        assert_result(ax_close(child, fds[1]), 0);
                else if (how == 1)
                        assert_result(ax_exit(child, 0), 0);
                else
                        assert_result(ax_kill(child, pid, AX_SIGKILL), 0);
                assert_result(pthread_join(thread, NULL), 0);
                assert_result(stream.result, 0);
                assert_result(ax_close(ax, fds[0]), 0);
                ax_disconnect(child);
                assert_result(ax_wait(ax, pid, NULL, 0), pid);
        }
}
END_TEST

static void count_signal(ax_client *ax, int signal, void *userdata) {
        (void) ax;
        ck_assert_int_eq(signal, AX_SIGPIPE);
        ++*(int *) userdata;
}

START_TEST(test_a_broken_pipe_is_an_error_and_a_signal) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_wait_status status;
        int fds[2], count = 0;
        ax_client *child;
        ax_pid pid;

        make_pipe(ax, fds);
        child = spawn_child(ax, &pid);
        assert_result(ax_close(ax, fds[0]), 0);
        assert_result(ax_signal(ax, AX_SIGPIPE, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        assert_result(ax_write(ax, fds[1], "x", 1), 1); /* the child reads, still */
        assert_result(ax_close(child, fds[0]), 0);
        assert_error(ax_write(ax, fds[1], "x", 1), AX_EPIPE);
        assert_result(ax_signal_handle(ax, AX_SIGPIPE, count_signal, &count), AX_SIGNAL_IGNORE);
        assert_error(ax_write(ax, fds[1], "x", 1), AX_EPIPE);
        ck_assert_int_eq(count, 1);
        assert_error(ax_write(child, fds[1], "x", 1), AX_EPIPE);
        assert_result(ax_wait(ax, pid, &status, 0), pid);
        ck_assert_int_eq(status.kind, AX_SIGNALED);
        ck_assert_int_eq(status.code, AX_SIGPIPE);
        ax_disconnect(child);
}
END_TEST

static void *write_much(void *userdata) {
        struct stream *stream = userdata;
        static char data[CAPACITY * 2];

        stream->result = ax_write(stream->ax, stream->fd, data, sizeof(data));
        return NULL;
}

START_TEST(test_a_writer_that_waits_learns_of_the_last_readers_end) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *watcher = fixture_connect();
        struct stream stream = { .ax = ax };
        pthread_t thread;
        int fds[2];

        assert_result(ax_signal(ax, AX_SIGPIPE, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        assert_result(ax_pipe(ax, fds), 0);
        stream.fd = fds[1];
        assert_result(pthread_create(&thread, NULL, write_much, &stream), 0);
        wait_sleeping(watcher, ax);
        assert_result(ax_close(ax, fds[0]), 0);
        assert_result(pthread_join(thread, NULL), 0);
        assert_result(stream.result, CAPACITY);
        assert_error(ax_write(ax, fds[1], "x", 1), AX_EPIPE);
        ax_disconnect(watcher);
}
END_TEST

START_TEST(test_what_pipes_cannot) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat status;
        char byte, path[64], text[64];
        int fds[2], n;

        make_pipe(ax, fds);
        assert_error(ax_read(ax, fds[1], &byte, 1), AX_EBADF);
        assert_error(ax_write(ax, fds[0], &byte, 1), AX_EBADF);
        assert_error(ax_seek(ax, fds[0], 0, SEEK_CUR), AX_ESPIPE);
        assert_error(ax_pread(ax, fds[0], &byte, 1, 0), AX_ESPIPE);
        assert_error(ax_pwrite(ax, fds[1], &byte, 1, 0), AX_ESPIPE);
        assert_error(ax_ftruncate(ax, fds[1], 0), AX_EINVAL);
        assert_result(ax_fstat(ax, fds[0], &status), 0);
        ck_assert(S_ISFIFO(status.mode));
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", ax_getpid(ax), fds[0]);
        n = (int) assert_ok(ax_readlink(ax, path, text, sizeof(text) - 1));
        text[n] = '\0';
        ck_assert_msg(strncmp(text, "pipe:[", 6) == 0, "%s", text);
        assert_error(ax_pipe(ax, NULL), AX_EINVAL);
}
END_TEST

START_TEST(test_limits_leave_nothing_half_done) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status before, after;
        int fds[2], n = 0, r;

        assert_result(ax_status(ax, &before), 0);
        while ((r = ax_pipe(ax, fds)) == 0)
                n++;
        ck_assert_int_eq(r, -AX_EMFILE);
        ck_assert_int_eq(n, (1024 - 3) / 2);
        assert_result(ax_dup(ax, 0), 1023); /* the one that was left over */
        assert_result(ax_status(ax, &after), 0);
        ck_assert_uint_eq(after.open_files, before.open_files + (unsigned) n * 2 + 1);
        for (int fd = 3; fd < 1024; fd++)
                assert_result(ax_close(ax, fd), 0);
        assert_result(ax_status(ax, &after), 0);
        ck_assert_uint_eq(after.open_files, before.open_files);
}
END_TEST

START_TEST(test_a_users_pipes_are_limited) {
        struct daemon_options options = { .settings = "PipesPerUser = 5" };
        int fds[2];
        ax_client *ax;

        fixture_start(&options);
        ax = fixture_connect();
        assert_result(ax_pipe(ax, fds), 0);
        assert_result(ax_pipe(ax, fds), 0);
        assert_error(ax_pipe(ax, fds), AX_EDQUOT);
        assert_result(ax_close(ax, fds[0]), 0);
        assert_result(ax_pipe(ax, fds), 0);
        ax_disconnect(ax);
}
END_TEST

/* ---- what is counted ------------------------------------------------------------------------- */

START_TEST(test_F1_F2_an_object_lives_as_long_as_there_are_references) {
        _connected_ ax_client *ax = fixture_connect();
        struct daemon_state before, after;
        int fds[2], copies[50];
        ax_client *child;
        char byte;
        ax_pid pid;

        ck_assert_int_eq(ax_getppid(ax), 1); /* what came with the reply before has been closed */
        assert_result(daemon_observe(&the_daemon, &before), 0);
        make_pipe(ax, fds);
        for (int i = 0; i < 50; i++)
                copies[i] = (int) assert_ok(ax_dup(ax, fds[1]));
        child = spawn_child(ax, &pid); /* 51 more */
        assert_result(ax_close(ax, fds[1]), 0);
        for (int i = 0; i < 50; i++) {
                assert_error(ax_read(ax, fds[0], &byte, 1), AX_EAGAIN);
                assert_result(ax_close(ax, copies[i]), 0);
        }
        assert_error(ax_read(ax, fds[0], &byte, 1), AX_EAGAIN);
        ax_disconnect(child);
        assert_result(ax_wait(ax, pid, NULL, 0), pid);
        assert_result(ax_read(ax, fds[0], &byte, 1), 0);
        assert_result(ax_close(ax, fds[0]), 0);
        assert_result(daemon_observe(&the_daemon, &after), 0);
        ck_assert_uint_eq(after.descriptors, before.descriptors);
}
END_TEST

START_TEST(test_F3_use_after_close_is_BadFd) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat status;
        char byte;
        int fds[2];

        make_pipe(ax, fds);
        for (int i = 0; i < 2; i++) {
                assert_result(ax_close(ax, fds[i]), 0);
                assert_error(ax_close(ax, fds[i]), AX_EBADF);
                assert_error(ax_read(ax, fds[i], &byte, 1), AX_EBADF);
                assert_error(ax_write(ax, fds[i], &byte, 1), AX_EBADF);
                assert_error(ax_dup(ax, fds[i]), AX_EBADF);
                assert_error(ax_dup2(ax, fds[i], 9), AX_EBADF);
                assert_error(ax_fstat(ax, fds[i], &status), AX_EBADF);
                assert_error(ax_set_nonblock(ax, fds[i], true), AX_EBADF);
        }
}
END_TEST

START_TEST(test_F4_duplicates_and_inherited_descriptors_share) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/tmp/f", AX_WRITE), fds[2], copy;
        ax_client *child;
        char byte;
        ax_pid pid;

        make_pipe(ax, fds);
        copy = (int) assert_ok(ax_dup(ax, fd));
        child = spawn_child(ax, &pid);
        assert_result(ax_write(ax, fd, "0123456789", 10), 10);
        assert_result(ax_seek(child, copy, 0, SEEK_CUR), 10);
        assert_result(ax_seek(child, fd, 4, SEEK_SET), 4);
        assert_result(ax_seek(ax, copy, 0, SEEK_CUR), 4);
        assert_error(ax_read(child, fds[0], &byte, 1), AX_EAGAIN); /* the flag, too */
        ax_disconnect(child);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("pipes");

        fixture_add(suite, test_a_pipe_holds_64_KiB, 0);
        fixture_add(suite, test_writes_of_4096_bytes_are_whole_or_not_done, 0);
        fixture_add(suite, test_atomic_writes_of_several_writers_do_not_mix, 0);
        fixture_add(suite, test_large_writes_wait_and_arrive_whole, 0);
        fixture_add(suite, test_a_reader_that_waits_learns_of_the_last_writers_end, 0);
        fixture_add(suite, test_a_broken_pipe_is_an_error_and_a_signal, 0);
        fixture_add(suite, test_a_writer_that_waits_learns_of_the_last_readers_end, 0);
        fixture_add(suite, test_what_pipes_cannot, 0);
        fixture_add(suite, test_limits_leave_nothing_half_done, 0);
        fixture_add(suite, test_a_users_pipes_are_limited, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_F1_F2_an_object_lives_as_long_as_there_are_references, 0);
        fixture_add(suite, test_F3_use_after_close_is_BadFd, 0);
        fixture_add(suite, test_F4_duplicates_and_inherited_descriptors_share, 0);
        return fixture_main(suite);
}
