/* SPDX-License-Identifier: MIT */
/*
 * What a user does to a store is bounded, acts as the user, and holds up nobody else.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static void start_with(const char *settings, bool durable) {
        struct daemon_options options = { .settings = settings, .durable = durable };

        fixture_start(&options);
}

/* ---- locks that a client holds --------------------------------------------------------------- */

/* The host's descriptor of a file that is open as `fd`. */
static int donated(int wire, int fd) {
        Axeberg__WriteRequest request = AXEBERG__WRITE_REQUEST__INIT;
        static struct wire_frame reply;

        request.fd = fd;
        request.want_direct = true;
        ck_assert_int_eq(wire_send_trailer(wire, 10, wire_method("Write"), &request.base, "x", 1), 0);
        do
                ck_assert_int_eq(wire_receive(wire, &reply, 10000), 1);
        while (reply.header.serial != 10);
        ck_assert_int_eq(reply.header.status, 1);
        ck_assert_uint_eq(reply.n_fds, 1);
        return reply.fds[0];
}

static int wire_open(int wire, const char *path) {
        Axeberg__OpenRequest request = AXEBERG__OPEN_REQUEST__INIT;
        static struct wire_frame reply;

        request.path = (char *) path;
        request.flags = AX_RDWR | AX_O_CREATE;
        return wire_call(wire, 11, wire_method("Open"), &request.base, &reply);
}

/* Writing from a page that nobody fills holds the file's lock until somebody does. */
struct holder {
        int file, faults;
        void *page;
        pthread_t thread;
};

static void *hold(void *userdata) {
        const struct holder *holder = userdata;

        return (void *) (intptr_t) pwrite(holder->file, holder->page, 1, 0);
}

static bool holder_start(struct holder *holder, int file) {
        struct uffdio_api api = { .api = UFFD_API };
        struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
        struct uffd_msg message;

        holder->file = file;
        holder->faults = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
        if (holder->faults < 0)
                return false;
        holder->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(holder->page, MAP_FAILED);
        area.range.start = (uintptr_t) holder->page;
        area.range.len = 4096;
        ck_assert_int_eq(ioctl(holder->faults, UFFDIO_API, &api), 0);
        ck_assert_int_eq(ioctl(holder->faults, UFFDIO_REGISTER, &area), 0);
        ck_assert_int_eq(pthread_create(&holder->thread, NULL, hold, holder), 0);
        ck_assert_int_eq(read(holder->faults, &message, sizeof(message)), sizeof(message)); /* it waits */
        return true;
}

static void holder_stop(struct holder *holder) {
        struct uffdio_zeropage fill = { .range = { (uintptr_t) holder->page, 4096 } };

        ck_assert_int_eq(ioctl(holder->faults, UFFDIO_ZEROPAGE, &fill), 0);
        ck_assert_int_eq(pthread_join(holder->thread, NULL), 0);
        close(holder->faults);
        munmap(holder->page, 4096);
        close(holder->file);
}

/* Sends a call that needs the lock. */
static void send_waiting(int wire, int fd, int kind) {
        if (kind == 0) {
                Axeberg__WriteRequest write = AXEBERG__WRITE_REQUEST__INIT;

                write.fd = fd;
                ck_assert_int_eq(wire_send_trailer(wire, 20, wire_method("Write"), &write.base, "y", 1), 0);
        } else if (kind == 1) {
                Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;

                open.path = (char *) "/home/user/held";
                open.flags = AX_WRITE;
                ck_assert_int_eq(wire_send(wire, 20, wire_method("Open"), &open.base), 0);
        } else {
                Axeberg__ChmodRequest chmod = AXEBERG__CHMOD_REQUEST__INIT;

                chmod.path = (char *) "/home/user/held";
                chmod.mode = 0600;
                ck_assert_int_eq(wire_send(wire, 20, wire_method("Chmod"), &chmod.base), 0);
        }
}

static void a_held_lock_holds_up_nobody(int kind) {
        _connected_ ax_client *other = fixture_connect();
        _closed_ int wire = fixture_wire();
        static struct wire_frame reply;
        struct holder holder;
        int fd = wire_open(wire, "/home/user/held");

        ck_assert_int_ge(fd, 0);
        if (!holder_start(&holder, donated(wire, fd)))
                return; /* not permitted here */
        send_waiting(wire, fd, kind);
        for (int i = 0; i < 20; i++) {
                assert_result(ax_getppid(other), 1);
                put_text(other, "/home/user/other", "fine");
                assert_text(other, "/home/user/other", "fine");
        }
        assert_result(wire_receive(wire, &reply, 0), -ETIMEDOUT); /* it waits still */
        holder_stop(&holder);
        ck_assert_int_eq(wire_receive(wire, &reply, 10000), 1);
        ck_assert_int_ge(reply.header.status, 0);
}

START_TEST(test_a_held_lock_and_a_write) {
        a_held_lock_holds_up_nobody(0);
}
END_TEST

START_TEST(test_a_held_lock_and_a_truncation) {
        a_held_lock_holds_up_nobody(1);
}
END_TEST

START_TEST(test_a_held_lock_and_a_change_of_mode) {
        a_held_lock_holds_up_nobody(2);
}
END_TEST

/* ---- lists ----------------------------------------------------------------------------------- */

enum { NAMES = 1200, NAME_SIZE = 200 };

static void make_names(ax_client *ax, const char *directory) {
        char path[512];

        assert_ok(ax_mkdir(ax, directory));
        for (int i = 0; i < NAMES; i++) {
                snprintf(path, sizeof(path), "%s/%0*d", directory, NAME_SIZE, i);
                assert_ok(ax_symlink(ax, "x", path));
        }
}

static int wire_list(int wire, const char *path, struct wire_frame *reply) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;

        request.path = (char *) path;
        return wire_call(wire, 12, wire_method("Readdir"), &request.base, reply);
}

struct listing {
        int wire;
        struct wire_frame *reply;
};

static bool list_succeeds(void *userdata) {
        const struct listing *listing = userdata;

        return wire_list(listing->wire, "/home/user/many", listing->reply) == NAMES;
}

/*
 * A list is the user's until the last who holds its file closes it, and nobody can change it or
 * open it again.
 */
START_TEST(test_lists_are_charged_until_they_are_closed) {
        ax_client *ax;
        static struct wire_frame first, second;
        struct listing listing = { .reply = &second };
        char **names;
        _closed_ int wire = -1;
        int copy;

        start_with("BuffersPerUser = 500K", false);
        ax = fixture_connect();
        make_names(ax, "/home/user/many");
        assert_result(ax_readdir(ax, "/home/user/many", &names), NAMES);
        for (int i = 0; i < NAMES; i++)
                ck_assert_int_eq(atoi(names[i]), i);
        ax_names_free(names);

        listing.wire = wire = fixture_wire();
        fixture_wait(list_succeeds, &listing, "the charge for the first list back");
        first = second;
        ck_assert_uint_eq(first.n_fds, 1);
        if (geteuid() == 0) {
                ck_assert_int_eq(fcntl(first.fds[0], F_GETFL) & O_ACCMODE, O_RDONLY);
                copy = dup(first.fds[0]);
                close(first.fds[0]);
                assert_result(wire_list(wire, "/home/user/many", &second), -AX_EDQUOT);
                ck_assert_ptr_ne(mmap(NULL, 4096, PROT_READ, MAP_SHARED, copy, 0), MAP_FAILED);
                close(copy);
                assert_result(wire_list(wire, "/home/user/many", &second), -AX_EDQUOT); /* the mapping holds it */
        }
        ax_disconnect(ax);
}
END_TEST

START_TEST(test_unread_lists_are_given_back_with_their_connection) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;
        static struct wire_frame reply;
        struct listing listing = { .reply = &reply };
        _connected_ ax_client *ax = NULL;
        _closed_ int other = -1;
        int wire;

        start_with("BuffersPerUser = 500K", false);
        ax = fixture_connect();
        make_names(ax, "/home/user/many");
        wire = fixture_wire();
        listing.wire = other = fixture_wire(); /* before, because a connection needs buffers, too */
        request.path = (char *) "/home/user/many";
        for (uint32_t i = 0; i < 20; i++)
                ck_assert_int_eq(wire_send(wire, 100 + i, wire_method("Readdir"), &request.base), 0);
        close(wire);
        fixture_wait(list_succeeds, &listing, "the charges of unread lists back");
        wire_frame_close_fds(&reply);
}
END_TEST

/* ---- sizes ----------------------------------------------------------------------------------- */

START_TEST(test_tmp_has_a_size) {
        static char data[65536];
        _connected_ ax_client *ax = NULL;
        int fd, r = 0;

        start_with("TmpSize = 1M\nEphemeralSize = 1M", false);
        ax = fixture_connect();
        for (int i = 0; i < 2; i++) {
                const char *path = i == 0 ? "/tmp/f" : "/home/user/f";

                fd = open_ok(ax, path, AX_WRITE);
                for (int n = 0; n < 100 && r >= 0; n++)
                        r = (int) ax_write(ax, fd, data, sizeof(data));
                assert_error(r, AX_ENOSPC);
                assert_ok(ax_close(ax, fd));
                assert_ok(ax_unlink(ax, path));
                r = 0;
        }
        put_file(ax, "/tmp/g", data, sizeof(data)); /* what was removed is free */
}
END_TEST

START_TEST(test_tmp_has_so_many_files) {
        _connected_ ax_client *ax = NULL;
        char path[64];
        int r = 0, n;

        start_with("TmpSize = 1M", false);
        ax = fixture_connect();
        for (n = 0; n < 5000 && r >= 0; n++) {
                snprintf(path, sizeof(path), "/tmp/d%d", n);
                r = ax_mkdir(ax, path);
        }
        assert_error(r, AX_ENOSPC);
        assert_ok(ax_rmdir(ax, "/tmp/d0"));
        assert_ok(ax_mkdir(ax, "/tmp/d0"));
}
END_TEST

static bool tmpfs_has_quotas(void) {
        _closed_ int context = fsopen("tmpfs", FSOPEN_CLOEXEC);

        return context >= 0 && fsconfig(context, FSCONFIG_SET_FLAG, "usrquota", NULL, 0) == 0;
}

static void fills_its_share(ax_client *ax, void *userdata) {
        static char data[65536];
        int fd = open_ok(ax, "/tmp/full", AX_WRITE), r = 0;

        (void) userdata;
        for (int n = 0; n < 100 && r >= 0; n++)
                r = (int) ax_write(ax, fd, data, sizeof(data));
        assert_error(r, AX_EDQUOT);
}

static void writes_a_little(ax_client *ax, void *userdata) {
        (void) userdata;
        put_text(ax, "/tmp/of-another", "fine");
}

START_TEST(test_a_user_has_a_share_of_tmp) {
        if (!tmpfs_has_quotas())
                return;
        start_with("TmpSize = 4M\nTmpSizePerUser = 2M", false);
        fixture_as_uid(FIXTURE_UID, fills_its_share, NULL);
        fixture_as_uid(FIXTURE_OTHER_UID, writes_a_little, NULL);
}
END_TEST

/* ---- who acts -------------------------------------------------------------------------------- */

static unsigned long root_mount_flags(void) {
        _connected_ ax_client *ax = fixture_connect();
        struct statvfs status;
        struct ax_mount *mounts;
        int n = ax_mount_list(ax, &mounts);

        ck_assert_int_ge(n, 2);
        ck_assert_int_eq(fstatvfs(mounts[0].fd, &status), 0);
        for (int i = 0; i < n; i++)
                if (mounts[i].fd >= 0)
                        close(mounts[i].fd);
        free(mounts);
        return status.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC);
}

START_TEST(test_a_store_honours_no_suid_bits_and_devices) {
        start_with("", true);
        ck_assert_uint_eq(root_mount_flags(), ST_NOSUID | ST_NODEV);
}
END_TEST

START_TEST(test_no_exec) {
        start_with("Exec = no", true);
        ck_assert_uint_eq(root_mount_flags(), ST_NOSUID | ST_NODEV | ST_NOEXEC);
}
END_TEST

START_TEST(test_the_daemon_does_not_override_quotas) {
        unsigned long long effective = 0;
        char path[64], line[256];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", the_daemon.pid);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, "CapEff: %llx", &effective) == 1)
                        break;
        fclose(file);
        ck_assert_uint_ne(effective, 0);
        ck_assert_uint_eq(effective & (1ULL << CAP_SYS_RESOURCE), 0);
}
END_TEST

static void loses_the_suid_bit(ax_client *ax, void *userdata) {
        int fd;

        (void) userdata;
        put_text(ax, "/tmp/mine", "x");
        assert_ok(ax_chmod(ax, "/tmp/mine", 04755));
        fd = open_ok(ax, "/tmp/mine", AX_RDWR);
        assert_result(ax_write(ax, fd, "y", 1), 1);
        assert_ok(ax_close(ax, fd));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/mine").mode & 07777, 0755);
}

START_TEST(test_the_daemon_writes_as_the_user) {
        start_with("Direct = no", false);
        fixture_as_uid(FIXTURE_UID, loses_the_suid_bit, NULL);
}
END_TEST

static Suite *store_suite(void) {
        Suite *suite = suite_create("store");

        for (unsigned flags = 0; flags <= FIXTURE_DURABLE; flags++) {
                fixture_add(suite, test_a_held_lock_and_a_write, flags);
                fixture_add(suite, test_a_held_lock_and_a_truncation, flags);
                fixture_add(suite, test_a_held_lock_and_a_change_of_mode, flags);
        }
        fixture_add(suite, test_lists_are_charged_until_they_are_closed, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_unread_lists_are_given_back_with_their_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_tmp_has_a_size, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_tmp_has_so_many_files, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_a_user_has_a_share_of_tmp, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_a_store_honours_no_suid_bits_and_devices, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_no_exec, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_the_daemon_does_not_override_quotas, FIXTURE_ROOT);
        fixture_add(suite, test_the_daemon_writes_as_the_user, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        return suite;
}

int main(void) {
        return fixture_main(store_suite());
}
