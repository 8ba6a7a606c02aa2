/* SPDX-License-Identifier: MIT */
/*
 * Limits are answers: each one is reached, refused with its own error, and harms nobody else; and
 * what was given back can be had again.
 */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void start_with(const char *settings) {
        struct daemon_options options = { .settings = settings };

        fixture_start(&options);
}

static void check_alive(ax_client *ax, void *userdata) {
        (void) userdata;
        assert_result(ax_getppid(ax), 1);
        put_text(ax, "/tmp/of-another-user", "fine");
}

START_TEST(test_connections_per_user) {
        enum { LIMIT = 5 };
        ax_client *clients[LIMIT], *ax = NULL;

        start_with("ConnectionsPerUser = 5");
        for (int i = 0; i < LIMIT; i++)
                clients[i] = fixture_connect();
        for (int i = 0; i < 20; i++)
                assert_error(ax_connect(&ax, the_daemon.socket), AX_EDQUOT);
        ck_assert_ptr_null(ax);
        assert_result(ax_getppid(clients[0]), 1);
        ax_disconnect(clients[0]);
        fixture_wait_sessions(clients[1], LIMIT - 1);
        clients[0] = fixture_connect();
        for (int i = 0; i < LIMIT; i++)
                ax_disconnect(clients[i]);
}
END_TEST

START_TEST(test_connections_of_one_user_are_not_those_of_another) {
        ax_client *clients[3], *ax = NULL;

        start_with("ConnectionsPerUser = 3");
        for (int i = 0; i < 3; i++)
                clients[i] = fixture_connect();
        assert_error(ax_connect(&ax, the_daemon.socket), AX_EDQUOT);
        fixture_as_uid(FIXTURE_UID, check_alive, NULL);
        for (int i = 0; i < 3; i++)
                ax_disconnect(clients[i]);
}
END_TEST

/* A connection that never says Hello counts too, else it would be a way around the limit. */
START_TEST(test_silent_connections_count) {
        ax_client *ax = NULL;
        int fds[4];

        start_with("ConnectionsPerUser = 4");
        for (int i = 0; i < 4; i++) {
                fds[i] = wire_connect(the_daemon.socket);
                ck_assert_int_ge(fds[i], 0);
        }
        assert_error(ax_connect(&ax, the_daemon.socket), AX_EDQUOT);
        for (int i = 0; i < 4; i++)
                close(fds[i]);
}
END_TEST

/*
 * Whether init counts among root's processes is the daemon's affair: the last of the limit may be
 * refused.
 */
START_TEST(test_processes_per_user) {
        enum { LIMIT = 6 };
        ax_client *clients[LIMIT + 1] = { 0 };
        int n = 0, r;

        start_with("ProcessesPerUser = 6");
        while ((r = ax_connect(&clients[n], the_daemon.socket)) == 0)
                ck_assert_int_le(++n, LIMIT);
        assert_error(r, AX_EDQUOT);
        ck_assert_int_ge(n, LIMIT - 1);
        assert_result(ax_getppid(clients[0]), 1);
        for (int i = 0; i < n; i++)
                ax_disconnect(clients[i]);
}
END_TEST

START_TEST(test_descriptors_per_process) {
        start_with("DescriptorsPerProcess = 6");
        _connected_ ax_client *ax = fixture_connect();

        for (int fd = 3; fd < 6; fd++)
                ck_assert_int_eq(open_ok(ax, "/dev/null", AX_READ), fd);
        assert_error(ax_open(ax, "/dev/null", AX_READ), AX_EMFILE);
        assert_error(ax_dup(ax, 0), AX_EMFILE);
        assert_error(ax_dup2(ax, 0, 6), AX_EBADF);
        assert_ok(ax_close(ax, 4));
        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_READ), 4);
}
END_TEST

START_TEST(test_descriptors_per_user) {
        start_with("DescriptorsPerUser = 20");
        _connected_ ax_client *a = fixture_connect(), *b = fixture_connect();
        int n = 0;

        while (ax_open(n % 2 ? a : b, "/dev/null", AX_READ) >= 0)
                ck_assert_int_lt(++n, 20);
        ck_assert_int_ge(n, 10);
        assert_error(ax_open(a, "/dev/null", AX_READ), AX_ENFILE);
        assert_error(ax_open(b, "/tmp/new", AX_WRITE), AX_ENFILE);
        assert_result(ax_exists(a, "/tmp/new"), 0);
        assert_error(ax_dup(a, 0), AX_ENFILE);
        assert_error(ax_dup2(a, 0, 100), AX_ENFILE);
        assert_result(ax_dup2(a, 0, 1), 1);
        assert_ok(ax_close(a, 3));
        ck_assert_int_eq(open_ok(a, "/dev/null", AX_READ), 3);
        assert_error(ax_open(a, "/dev/null", AX_READ), AX_ENFILE);
}
END_TEST

START_TEST(test_descriptors_of_the_dead_are_given_back) {
        start_with("DescriptorsPerUser = 40");
        _connected_ ax_client *watcher = fixture_connect();

        for (int round = 0; round < 10; round++) {
                ax_client *ax = fixture_connect();

                for (int i = 0; i < 30; i++)
                        open_ok(ax, "/dev/null", AX_READ);
                ax_disconnect(ax);
                fixture_wait_sessions(watcher, 1);
        }
}
END_TEST

static void send_read(int fd, uint32_t serial, uint32_t size) {
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;

        request.fd = AX_STDIN;
        request.size = size;
        ck_assert_int_eq(wire_send(fd, serial, wire_method("Read"), &request.base), 0);
}

START_TEST(test_parked_calls_per_connection) {
        struct wire_frame reply;

        start_with("ParkedCallsPerConnection = 4");
        _closed_ int fd = fixture_wire();

        for (uint32_t serial = 10; serial < 15; serial++)
                send_read(fd, serial, 1);
        ck_assert_int_eq(wire_receive(fd, &reply, 10000), 1);
        ck_assert_uint_eq(reply.header.serial, 14);
        ck_assert_int_eq(reply.header.status, -AX_EAGAIN);
        assert_result(wire_call(fd, 20, wire_method("Getppid"), NULL, &reply), 1);
}
END_TEST

START_TEST(test_console_input_is_bounded) {
        char data[300] = { 0 };

        start_with("ConsoleInput = 256");
        _connected_ ax_client *ax = fixture_connect();

        assert_result(ax_console_push_input(ax, data, 300), 256);
        assert_error(ax_console_push_input(ax, data, 1), AX_EAGAIN);
        assert_result(ax_read(ax, 0, data, 100), 100);
        assert_result(ax_console_push_input(ax, data, 300), 100);
}
END_TEST

START_TEST(test_console_output_drops_the_oldest_and_counts) {
        char data[400], buf[512];
        uint64_t lost = 77;

        start_with("ConsoleOutput = 256");
        _connected_ ax_client *ax = fixture_connect();

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (char) ('a' + i % 26);
        for (size_t i = 0; i < sizeof(data); i += 40)
                assert_result(ax_write(ax, 1, data + i, 40), 40);
        assert_result(ax_console_wait_output(ax, buf, sizeof(buf), &lost), 256);
        ck_assert_mem_eq(buf, data + 144, 256);
        ck_assert_uint_eq(lost, 144);
        assert_result(ax_write(ax, 1, "more", 4), 4);
        assert_result(ax_console_wait_output(ax, buf, sizeof(buf), &lost), 4);
        ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(test_one_write_larger_than_the_console_output) {
        char data[1000], buf[1024];
        uint64_t lost = 0;

        start_with("ConsoleOutput = 256");
        _connected_ ax_client *ax = fixture_connect();

        for (size_t i = 0; i < sizeof(data); i++)
                data[i] = (char) ('A' + i % 23);
        assert_result(ax_write(ax, 1, data, sizeof(data)), (int64_t) sizeof(data));
        assert_result(ax_console_wait_output(ax, buf, sizeof(buf), &lost), 256);
        ck_assert_mem_eq(buf, data + 744, 256);
        ck_assert_uint_eq(lost, 744);
}
END_TEST

/*
 * The daemon's own descriptors run out: whoever comes then is refused, the others go on, and later
 * everybody is welcome again.
 */
START_TEST(test_the_daemon_out_of_descriptors) {
        struct daemon_options options = { .descriptors = 64 };
        ax_client *clients[100] = { 0 };
        int n = 0;

        fixture_start(&options);
        while (n < 100 && ax_connect(&clients[n], the_daemon.socket) == 0)
                n++;
        ck_assert_msg(n >= 5 && n < 64, "%d clients", n);
        for (int i = 0; i < 20; i++)
                ck_assert_int_lt(ax_connect(&clients[n], the_daemon.socket), 0);
        for (int i = 0; i < n; i++) {
                char buf[8];
                int fd = ax_open(clients[i], "/proc/uptime", AX_READ);

                assert_result(ax_getppid(clients[i]), 1);
                ck_assert_msg(fd >= 0 || fd == -AX_EMFILE || fd == -AX_ENFILE, "ax_open: %s", ax_error_name(fd));
                if (fd >= 0)
                        ck_assert_int_gt(ax_read(clients[i], fd, buf, sizeof(buf)), 0);
                fd = ax_open(clients[i], "/tmp/f", AX_WRITE);
                ck_assert_msg(fd >= 0 || fd == -AX_EMFILE || fd == -AX_ENFILE, "ax_open: %s", ax_error_name(fd));
        }
        for (int i = 1; i < n; i++)
                ax_disconnect(clients[i]);
        fixture_wait_sessions(clients[0], 1);
        put_text(clients[0], "/tmp/f", "again");
        ax_disconnect(fixture_connect());
        ax_disconnect(clients[0]);
}
END_TEST

/* Ask for more than a socket and the daemon's queue hold, and take none of it. */
static void ask_for_much(int fd) {
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        struct wire_frame reply;

        open.path = (char *) "/dev/zero";
        open.flags = AX_READ;
        request.fd = wire_call(fd, 2, wire_method("Open"), &open.base, &reply);
        ck_assert_int_ge(request.fd, 3);
        request.size = AX_FRAME_MAX_DATA;
        ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        for (uint32_t serial = 3; serial < 100; serial++)
                (void) wire_send(fd, serial, wire_method("Read"), &request.base);
}

/* Clients that wait, say nothing, or do not read cost no time. */
START_TEST(test_idle_clients_cost_no_time) {
        int silent = -1, parked = -1, refused = -1;
        double begin, cpu;

        start_with("ConnectionsPerUser = 6");
        _connected_ ax_client *ax = fixture_connect();
        silent = wire_connect(the_daemon.socket);
        parked = fixture_wire();
        refused = fixture_wire();
        send_read(parked, 2, 1);
        ask_for_much(refused);
        assert_result(ax_getppid(ax), 1);
        cpu = daemon_cpu_ms(&the_daemon);
        begin = now_ms();
        while (now_ms() - begin < 200)
                usleep(20000);
        cpu = daemon_cpu_ms(&the_daemon) - cpu;
        ck_assert_msg(cpu < 40, "axebergd used %.0f ms of 200 for clients that do nothing", cpu);
        close(silent);
        close(parked);
        close(refused);
}
END_TEST

static void assert_refused(const char *settings) {
        struct daemon_options options = { .settings = settings };
        struct daemon daemon;

        ck_assert_msg(daemon_start(&daemon, &options) == -ECHILD, "axebergd takes the setting %s", settings);
}

START_TEST(test_bad_settings_are_refused) {
        assert_refused("ConnectionsPerUser = 0");
        assert_refused("ConnectionsPerUser = many");
        assert_refused("NoSuchSetting = 1");
        assert_refused("Debug = perhaps");
        assert_refused("DescriptorsPerProcess = -1");
        assert_refused("DescriptorsPerProcess = 99999999999999999999");
        assert_refused("no setting at all");
}
END_TEST

static bool is_in_log(void *text) {
        char log[65536];
        FILE *file = fopen(the_daemon.log, "re");
        size_t n;

        ck_assert_ptr_nonnull(file);
        n = fread(log, 1, sizeof(log) - 1, file);
        fclose(file);
        log[n] = '\0';
        return strstr(log, text);
}

static void find_in_log(char *text) {
        fixture_wait(is_in_log, text, text);
}

static void check_sees_itself_only(ax_client *ax, void *userdata) {
        struct ax_user *users;

        (void) userdata;
        assert_result(ax_user_list(ax, &users), 1);
        ck_assert_uint_eq(users[0].uid, FIXTURE_UID);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_CONNECTIONS].used, 1);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_DESCRIPTORS].limit, 20);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_DESCRIPTORS].refused, 0);
        free(users);
}

START_TEST(test_use_and_refusals_are_told) {
        ax_client *a, *b;
        struct ax_user *users;
        char text[128];

        start_with("DescriptorsPerUser = 20");
        a = fixture_connect();
        b = fixture_connect();
        for (int i = 0; i < 10; i++)
                open_ok(a, "/dev/null", AX_READ);
        for (int i = 0; i < 4; i++)
                open_ok(b, "/dev/null", AX_READ);
        for (int i = 0; i < 3; i++)
                assert_error(ax_open(b, "/dev/null", AX_READ), AX_ENFILE);
        snprintf(text, sizeof(text), "20 descriptors; refused 1 times; largest holders: %d test_limits: 13, %d test",
                 ax_getpid(a), ax_getpid(b));
        find_in_log(text);
        assert_result(ax_user_list(a, &users), 1);
        ck_assert_uint_eq(users[0].uid, geteuid());
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_DESCRIPTORS].used, 20);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_DESCRIPTORS].limit, 20);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_DESCRIPTORS].refused, 3);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_PROCESSES].used, 2);
        ck_assert_uint_eq(users[0].resources[AX_RESOURCE_MEMORY].used, 0);
        free(users);
        ck_assert_str_eq(ax_resource_name(AX_RESOURCE_MEMORY), "memory");
        ck_assert_ptr_null(ax_resource_name(AX_RESOURCES));
        assert_error(ax_user_list(a, NULL), AX_EINVAL);
        if (geteuid() == 0)
                fixture_as_uid(FIXTURE_UID, check_sees_itself_only, NULL);
        ax_disconnect(a);
        ax_disconnect(b);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("limits");

        fixture_add(suite, test_connections_per_user, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_connections_of_one_user_are_not_those_of_another, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_silent_connections_count, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_processes_per_user, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_descriptors_per_process, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_descriptors_per_user, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_descriptors_of_the_dead_are_given_back, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_parked_calls_per_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_console_input_is_bounded, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_console_output_drops_the_oldest_and_counts, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_one_write_larger_than_the_console_output, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_the_daemon_out_of_descriptors, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_idle_clients_cost_no_time, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_use_and_refusals_are_told, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_bad_settings_are_refused, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
