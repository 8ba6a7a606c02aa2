/* SPDX-License-Identifier: MIT */
/*
 * Neither side waits for the other (N4), whatever a host program does to the mount, and a host
 * program that holds a directory holds up nobody else.
 *
 * Each of these tests would hang if it failed; the limit of the case ends it.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 200, MOST_OPEN = 4000, PATH_SIZE = 256, MANY_NAMES = 300 };

static const char *on_mount(const char *path) {
        static char text[PATH_SIZE];

        snprintf(text, sizeof(text), "%s%s", the_daemon.mount, path);
        return text;
}

/* A child that says when it is where it should be. */
struct helper {
        int ready[2];
        atomic_bool *over;
};

static void helper_init(struct helper *helper) {
        ck_assert_int_eq(pipe2(helper->ready, O_CLOEXEC), 0);
        helper->over = mmap(NULL, sizeof(*helper->over), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(helper->over, MAP_FAILED);
}

static void say_ready(const struct helper *helper) {
        ck_assert_int_eq(write(helper->ready[1], "", 1), 1);
}

static void wait_ready(const struct helper *helper) {
        char byte;

        ck_assert_int_eq(read(helper->ready[0], &byte, 1), 1);
}

static void helper_end(struct helper *helper) {
        munmap(helper->over, sizeof(*helper->over));
        close(helper->ready[0]);
        close(helper->ready[1]);
}

/* Every kind of request, on names of its own. */
static void use_the_mount(void *userdata) {
        char made[PATH_SIZE], renamed[PATH_SIZE], text[16];
        struct stat st;
        DIR *dir;
        int fd;

        (void) userdata;
        snprintf(made, sizeof(made), "%s", on_mount("/home/user/made"));
        snprintf(renamed, sizeof(renamed), "%s", on_mount("/home/user/renamed"));
        for (int i = 0; i < ROUNDS; i++) {
                ck_assert_int_lt(stat(made, &st), 0);
                fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                ck_assert_msg(fd >= 0, "open: %s", strerror(errno));
                ck_assert_int_eq(write(fd, "text", 4), 4);
                ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 4);
                ck_assert_int_eq(ftruncate(fd, 2), 0);
                ck_assert_int_eq(close(fd), 0);
                ck_assert_int_eq(chmod(made, 0600), 0);
                ck_assert_int_eq(rename(made, renamed), 0);
                ck_assert_int_eq(stat(renamed, &st), 0);
                ck_assert_int_eq(st.st_size, 2);
                ck_assert_int_eq(symlink("renamed", made), 0);
                ck_assert_int_eq(readlink(made, text, sizeof(text)), 7);
                dir = opendir(on_mount("/home/user"));
                ck_assert_ptr_nonnull(dir);
                while (readdir(dir))
                        ;
                closedir(dir);
                ck_assert_int_eq(unlink(made), 0);
                ck_assert_int_eq(unlink(renamed), 0);
        }
}

START_TEST(test_N4_no_request_waits_for_the_daemon) {
        pid_t pid;

        ck_assert_int_eq(kill(the_daemon.pid, SIGSTOP), 0);
        pid = fixture_fork(use_the_mount, NULL);
        fixture_reap(pid);
        ck_assert_int_eq(kill(the_daemon.pid, SIGCONT), 0);
}
END_TEST

/* The process that serves the mount. */
static pid_t find_axfs(void) {
        char path[64], name[32] = "";
        int child, found = 0;
        FILE *children, *comm;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", the_daemon.pid, the_daemon.pid);
        children = fopen(path, "re");
        ck_assert_ptr_nonnull(children);
        while (!found && fscanf(children, "%d", &child) == 1) {
                snprintf(path, sizeof(path), "/proc/%d/comm", child);
                comm = fopen(path, "re");
                if (comm && fscanf(comm, "%31s", name) == 1 && strncmp(name, "axfs", 4) == 0)
                        found = child;
                if (comm)
                        fclose(comm);
        }
        fclose(children);
        ck_assert_int_gt(found, 0);
        return found;
}

/* A client's changes, those of names that the mount has shown included. */
static void change_names(ax_client *ax, const char *directory, int rounds) {
        char name[PATH_SIZE], other[PATH_SIZE];

        snprintf(name, sizeof(name), "%s/name", directory);
        snprintf(other, sizeof(other), "%s/other", directory);
        for (int i = 0; i < rounds; i++) {
                put_text(ax, name, "text");
                assert_ok(ax_chmod(ax, name, i % 2 ? 0600 : 0644));
                assert_ok(ax_rename(ax, name, other));
                assert_ok(ax_unlink(ax, other));
        }
}

static bool shows_the_new_name(void *userdata) {
        struct stat st;

        (void) userdata;
        return stat(on_mount("/tmp/seen"), &st) < 0 && stat(on_mount("/tmp/new"), &st) == 0;
}

START_TEST(test_N4_the_daemon_waits_for_no_request) {
        _connected_ ax_client *ax = fixture_connect();
        struct stat st;
        pid_t axfs;

        put_text(ax, "/tmp/seen", "text");
        ck_assert_int_eq(stat(on_mount("/tmp/seen"), &st), 0);
        ck_assert_int_lt(stat(on_mount("/tmp/new"), &st), 0);
        axfs = find_axfs();
        ck_assert_int_eq(kill(axfs, SIGSTOP), 0);
        assert_ok(ax_rename(ax, "/tmp/seen", "/tmp/new"));
        change_names(ax, "/tmp", 10);
        ck_assert_int_eq(kill(axfs, SIGCONT), 0);
        fixture_wait(shows_the_new_name, NULL, "the mount to show what changed while axfs was stopped");
}
END_TEST

/* ---- programs that hold what others need ----------------------------------------------------- */

/* Memory whose first use waits until somebody fills it, which nobody does. */
static char *memory_that_waits(size_t size) {
        struct uffdio_api api = { .api = UFFD_API };
        struct uffdio_register range;
        int fd = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (fd < 0 || memory == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0)
                return NULL;
        range = (struct uffdio_register){ .range = { .start = (uintptr_t) memory, .len = size },
                                          .mode = UFFDIO_REGISTER_MODE_MISSING };
        return ioctl(fd, UFFDIO_REGISTER, &range) < 0 ? NULL : memory;
}

static void list_for_ever(void *userdata) {
        const struct helper *helper = userdata;
        char *memory;
        int fd;

        /* The connection of the case would otherwise live on in here. */
        (void) close_range(STDERR_FILENO + 1, (unsigned) helper->ready[1] - 1, 0);
        (void) close_range((unsigned) helper->ready[1] + 1, ~0U, 0);
        fd = open(on_mount("/tmp/held"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        memory = memory_that_waits(65536);
        say_ready(helper);
        if (memory)
                (void) syscall(SYS_getdents64, fd, memory, 65536);
}

static bool is_in_fault(void *userdata) {
        char path[64], text[64] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/wchan", *(pid_t *) userdata);
        file = fopen(path, "re");
        if (file) {
                (void) !fgets(text, sizeof(text), file);
                fclose(file);
        }
        return strstr(text, "userfault") != NULL;
}

/* The daemon and axfs end while the directory is still held; teardown looks that they do. */
START_TEST(test_a_listing_that_never_ends_holds_up_no_client) {
        _connected_ ax_client *ax = fixture_connect();
        struct helper helper;
        char path[64];
        struct stat st;
        pid_t pid;

        if (!memory_that_waits(4096))
                return;
        assert_ok(ax_mkdir(ax, "/tmp/held"));
        for (int i = 0; i < MANY_NAMES; i++) {
                snprintf(path, sizeof(path), "/tmp/held/%d", i);
                put_text(ax, path, "");
        }
        ck_assert_int_eq(stat(on_mount("/tmp/held/1"), &st), 0);
        ck_assert_int_lt(stat(on_mount("/tmp/held/name"), &st), 0);
        helper_init(&helper);
        pid = fixture_fork(list_for_ever, &helper);
        wait_ready(&helper);
        fixture_wait(is_in_fault, &pid, "a listing that waits");
        change_names(ax, "/tmp/held", ROUNDS);
        assert_ok(ax_unlink(ax, "/tmp/held/1"));
        change_names(ax, "/tmp", ROUNDS);
        fixture_reap(fixture_fork(use_the_mount, NULL));
        helper_end(&helper);
}
END_TEST

static void open_thousands(void *userdata) {
        const struct helper *helper = userdata;
        const struct rlimit limit = { MOST_OPEN + 50, MOST_OPEN + 50 };
        char path[PATH_SIZE];

        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                _exit(1);
        for (int i = 0; i < MOST_OPEN; i++) {
                snprintf(path, sizeof(path), "%s/tmp/many/%d", the_daemon.mount, i);
                if (open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) < 0)
                        break;
        }
        say_ready(helper);
        for (;;)
                pause();
}

START_TEST(test_thousands_of_files_open_for_writing_hold_up_nobody) {
        _connected_ ax_client *ax = fixture_connect();
        struct helper helper;
        pid_t pid;

        helper_init(&helper);
        assert_ok(ax_mkdir(ax, "/tmp/many"));
        pid = fixture_fork(open_thousands, &helper);
        wait_ready(&helper);
        change_names(ax, "/tmp", ROUNDS);
        fixture_reap(fixture_fork(use_the_mount, NULL));
        fixture_kill(pid);
        helper_end(&helper);
}
END_TEST

static void look_all_the_time(void *userdata) {
        const struct helper *helper = userdata;
        char path[PATH_SIZE];
        struct stat st;

        snprintf(path, sizeof(path), "%s/tmp/loop/name", the_daemon.mount);
        say_ready(helper);
        while (!atomic_load(helper->over))
                (void) stat(path, &st);
}

static void change_all_the_time(void *userdata) {
        const struct helper *helper = userdata;
        ax_client *ax;

        if (ax_connect(&ax, the_daemon.socket) < 0)
                _exit(1);
        say_ready(helper);
        while (!atomic_load(helper->over))
                change_names(ax, "/tmp/loop", 1);
        ax_disconnect(ax);
}

START_TEST(test_a_name_changed_in_a_loop_holds_up_nobody) {
        _connected_ ax_client *ax = fixture_connect();
        struct helper helper;
        pid_t looker, changer;

        helper_init(&helper);
        assert_ok(ax_mkdir(ax, "/tmp/loop"));
        looker = fixture_fork(look_all_the_time, &helper);
        changer = fixture_fork(change_all_the_time, &helper);
        wait_ready(&helper);
        wait_ready(&helper);
        change_names(ax, "/tmp", ROUNDS);
        fixture_reap(fixture_fork(use_the_mount, NULL));
        atomic_store(helper.over, true);
        fixture_reap(looker);
        fixture_reap(changer);
        helper_end(&helper);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("exact_stops");

        fixture_add(suite, test_N4_no_request_waits_for_the_daemon, FIXTURE_MOUNT);
        fixture_add(suite, test_N4_no_request_waits_for_the_daemon, FIXTURE_MOUNT | FIXTURE_DURABLE);
        fixture_add(suite, test_N4_the_daemon_waits_for_no_request, FIXTURE_MOUNT);
        fixture_add(suite, test_a_listing_that_never_ends_holds_up_no_client, FIXTURE_MOUNT);
        fixture_add(suite, test_thousands_of_files_open_for_writing_hold_up_nobody, FIXTURE_MOUNT);
        fixture_add(suite, test_a_name_changed_in_a_loop_holds_up_nobody, FIXTURE_MOUNT);
        return fixture_main(suite);
}
