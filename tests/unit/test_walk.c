/* SPDX-License-Identifier: MIT */
/*
 * Walks are bounded, can be abandoned, and stay in their store.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/remove_tree.h"
#include "vfs/directory.h"
#include "vfs/store.h"
#include "vfs/vfs.h"
#include "vfs/walk.h"

static char directory[64], store_path[80];
static struct vfs vfs;
static struct walk walk;

static void setup(void) {
        const struct store_options options = { .exec = true };

        strcpy(directory, "/tmp/axeberg-walk-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(store_path, sizeof(store_path), "%s/store", directory);
        vfs = (struct vfs){ .n_mounts = 1, .mounts = { { .path = "/", .backend = "store" } } };
        ck_assert_int_eq(store_open_durable(&vfs.mounts[0].store, store_path, &options), 0);
}

static void teardown(void) {
        _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        vfs.mounts[0].store = store_free(vfs.mounts[0].store);
        ck_assert_int_eq(remove_tree(fd), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}

static int root(void) {
        return vfs.mounts[0].store->root_fd;
}

static int walk_to(const char *path) {
        const struct vfs_directory cwd = { .mount = &vfs.mounts[0], .fd = root(), .is_mount_root = true };
        int r = walk_init(&walk, &vfs, &cwd, path, false);

        return r < 0 ? r : walk_run(&walk);
}

/* "a/../a/../…", so many times, and then `end`. */
static char *detours(unsigned count, const char *end) {
        char *text = malloc(count * 5 + strlen(end) + 1), *at = text;

        ck_assert_ptr_nonnull(text);
        for (unsigned i = 0; i < count; i++)
                at = stpcpy(at, "a/../");
        strcpy(at, end);
        return text;
}

START_TEST(test_the_longest_path_can_be_walked) {
        _cleanup_free_ char *path = detours(PATH_MAX / 5 - 1, "a");

        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        ck_assert_int_eq(walk_to(path), 0);
        ck_assert_str_eq(walk.name, "a");
        walk_deinit(&walk);
}
END_TEST

START_TEST(test_links_do_not_multiply_steps) {
        char name[16], target[16];

        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        for (int i = 0; i < 10; i++) {
                _cleanup_free_ char *text = NULL;

                snprintf(name, sizeof(name), "l%d", i);
                snprintf(target, sizeof(target), "l%d", i + 1);
                text = detours(700, i < 9 ? target : "a");
                ck_assert_int_eq(symlinkat(text, root(), name), 0);
        }
        ck_assert_int_eq(walk_to("l8/a"), 0);
        walk_deinit(&walk);
        ck_assert_int_eq(walk_to("l0/a"), -ELOOP);
        ck_assert_uint_le(walk.steps, WALK_MAX_STEPS + WALK_MAX_RUN);
        walk_deinit(&walk);
}
END_TEST

/* Symlinks at every place of a long run are found, and cost a few tries each. */
START_TEST(test_a_link_is_found_wherever_it_stands_in_a_run) {
        enum { DEPTH = 200 };
        _cleanup_close_ int at = openat(root(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat expected, found;

        for (int i = 0; i < DEPTH; i++) {
                int down;

                ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
                ck_assert_int_eq(symlinkat("d", at, "l"), 0);
                down = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                close(at);
                at = down;
        }
        ck_assert_int_eq(fstat(at, &expected), 0);
        for (int link = 0; link < DEPTH; link++) {
                char path[2 * DEPTH + 2], *end = path;

                for (int i = 0; i < DEPTH; i++)
                        end = stpcpy(end, i == link ? "l/" : "d/");
                strcpy(end, ".");
                ck_assert_int_eq(walk_to(path), 0);
                ck_assert_int_eq(fstat(walk.dir, &found), 0);
                ck_assert_uint_eq(found.st_ino, expected.st_ino);
                ck_assert_uint_eq(walk.links, 1);
                walk_deinit(&walk);
        }
}
END_TEST

START_TEST(test_an_abandoned_walk_ends) {
        atomic_bool abandoned = false;

        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        ck_assert_int_eq(walk_init(&walk, &vfs, NULL, "/a/a", false), 0);
        walk.abandoned = &abandoned;
        ck_assert_int_eq(walk_run(&walk), 0);
        walk_deinit(&walk);
        abandoned = true;
        ck_assert_int_eq(walk_init(&walk, &vfs, NULL, "/a/a", false), 0);
        walk.abandoned = &abandoned;
        ck_assert_int_eq(walk_run(&walk), -EINTR);
        walk_deinit(&walk);
}
END_TEST

static int walk_from(struct vfs_directory *cwd, const char *path) {
        int r = walk_init(&walk, &vfs, cwd, path, false);

        r = r < 0 ? r : walk_run(&walk);
        walk_deinit(&walk);
        return r;
}

/* With the check of the host's kernel, and with our own. */
START_TEST(test_a_directory_that_left_the_store_leads_nowhere) {
        struct store *store = vfs.mounts[0].store;
        struct vfs_directory cwd = { .mount = &vfs.mounts[0] };
        char inside[96], outside[96];

        snprintf(inside, sizeof(inside), "%s/a", store_path);
        snprintf(outside, sizeof(outside), "%s/outside", directory);
        if (_i == 1)
                store->confined = false;
        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        ck_assert_int_eq(mkdirat(root(), "a/b", 0755), 0);
        cwd.fd = openat(root(), "a/b", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(cwd.fd, 0);
        ck_assert_int_eq(walk_from(&cwd, "../b"), 0);
        ck_assert_int_eq(walk_from(&cwd, "../../a"), 0);
        ck_assert_int_eq(walk_from(&cwd, "../../../../a"), 0);
        ck_assert_int_eq(rename(inside, outside), 0);
        if (store->confined || geteuid() != 0) /* else the mount tells its own kernel's path, which lies inside */
                ck_assert_int_eq(walk_from(&cwd, "../../outside"), -ENOENT);
        close(cwd.fd);
}
END_TEST

/* ---- what a path leads to -------------------------------------------------------------------- */

static void assert_walk(const char *path, int result, const char *name, enum walk_last last) {
        ck_assert_msg(walk_to(path) == result, "%s", path);
        if (result == 0) {
                ck_assert_str_eq(walk.name, name);
                ck_assert_int_eq(walk.last, last);
        }
        walk_deinit(&walk);
}

START_TEST(test_a_walk_ends_at_the_last_name) {
        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        ck_assert_int_eq(mkdirat(root(), "a/b", 0755), 0);
        assert_walk("a/b", 0, "b", WALK_LAST_NAME);
        assert_walk("/a//b", 0, "b", WALK_LAST_NAME);
        assert_walk("a/./none", 0, "none", WALK_LAST_NAME); /* it need not be there */
        assert_walk("a/b/../b", 0, "b", WALK_LAST_NAME);
        assert_walk("a/none/x", -ENOENT, NULL, 0);
        ck_assert_int_eq(walk_to("a/b/"), 0);
        ck_assert(walk.trailing_slash);
        walk_deinit(&walk);
}
END_TEST

START_TEST(test_what_is_no_path_is_refused) {
        char name[NAME_MAX + 2];

        memset(name, 'n', sizeof(name) - 1);
        name[NAME_MAX + 1] = '\0';
        ck_assert_int_eq(walk_init(&walk, &vfs, NULL, "", false), -ENOENT);
        ck_assert_int_eq(walk_init(&walk, &vfs, NULL, "/\xff", false), -EINVAL);
        ck_assert_int_eq(walk_to(name), -ENAMETOOLONG);
        walk_deinit(&walk);
        name[NAME_MAX] = '\0';
        assert_walk(name, 0, name, WALK_LAST_NAME);
}
END_TEST

START_TEST(test_a_path_has_at_most_4095_bytes) {
        char path[PATH_MAX + 2] = "";

        for (size_t i = 0; i < PATH_MAX - 1; i++)
                path[i] = i % 2 ? '/' : '.';
        ck_assert_int_eq(walk_to(path), 0);
        walk_deinit(&walk);
        path[PATH_MAX - 1] = '.';
        ck_assert_int_eq(walk_init(&walk, &vfs, NULL, path, false), -ENAMETOOLONG);
}
END_TEST

/* A chain of symlinks, of which the last one leads to a directory. */
static void make_chain(unsigned links) {
        char name[16], target[16];

        ck_assert_int_eq(mkdirat(root(), "end", 0755), 0);
        for (unsigned i = 1; i <= links; i++) {
                snprintf(name, sizeof(name), "c%u", i);
                snprintf(target, sizeof(target), "c%u", i - 1);
                ck_assert_int_eq(symlinkat(i == 1 ? "end" : target, root(), name), 0);
        }
}

START_TEST(test_forty_symlinks_are_followed) {
        make_chain(WALK_MAX_LINKS + 1);
        assert_walk("c40/x", 0, "x", WALK_LAST_NAME);
        assert_walk("c41/x", -ELOOP, NULL, 0);
}
END_TEST

START_TEST(test_the_last_symlink_is_followed_when_that_is_asked_for) {
        make_chain(2);
        ck_assert_int_eq(walk_to("c2"), 0);
        ck_assert_str_eq(walk.name, "c2");
        ck_assert_int_eq(walk_follow(&walk), 0);
        ck_assert_int_eq(walk_run(&walk), 0);
        ck_assert_str_eq(walk.name, "c1");
        ck_assert_int_eq(walk_follow(&walk), 0);
        ck_assert_int_eq(walk_run(&walk), 0);
        ck_assert_str_eq(walk.name, "end");
        ck_assert_int_eq(walk_follow(&walk), -EINVAL); /* it is none */
        walk_deinit(&walk);
}
END_TEST

/* An absolute target begins at the root of the namespace, and ".." ends there. */
START_TEST(test_symlinks_stay_in_the_namespace) {
        struct stat found, expected;

        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        ck_assert_int_eq(symlinkat("/../../../..", root(), "a/up"), 0);
        ck_assert_int_eq(fstat(root(), &expected), 0);
        ck_assert_int_eq(walk_to("a/up/x"), 0);
        ck_assert_int_eq(fstat(walk.dir, &found), 0);
        ck_assert_uint_eq(found.st_ino, expected.st_ino);
        walk_deinit(&walk);
}
END_TEST

START_TEST(test_a_directory_can_be_taken_out_of_a_walk) {
        int fd;

        ck_assert_int_eq(mkdirat(root(), "a", 0755), 0);
        ck_assert_int_eq(walk_to("a/x"), 0);
        fd = walk_take_dir(&walk);
        ck_assert_int_ge(fd, 0);
        walk_deinit(&walk);
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
        close(fd);
        ck_assert_int_eq(walk_to("x"), 0); /* in the store's own root */
        ck_assert_int_eq(walk_take_dir(&walk), -1);
        walk_deinit(&walk);
}
END_TEST

static Suite *walk_suite(void) {
        Suite *suite = suite_create("walk");
        TCase *tcase = tcase_create("walk");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_the_longest_path_can_be_walked);
        tcase_add_test(tcase, test_links_do_not_multiply_steps);
        tcase_add_test(tcase, test_a_link_is_found_wherever_it_stands_in_a_run);
        tcase_add_test(tcase, test_an_abandoned_walk_ends);
        tcase_add_loop_test(tcase, test_a_directory_that_left_the_store_leads_nowhere, 0, 2);
        tcase_add_test(tcase, test_a_walk_ends_at_the_last_name);
        tcase_add_test(tcase, test_what_is_no_path_is_refused);
        tcase_add_test(tcase, test_a_path_has_at_most_4095_bytes);
        tcase_add_test(tcase, test_forty_symlinks_are_followed);
        tcase_add_test(tcase, test_the_last_symlink_is_followed_when_that_is_asked_for);
        tcase_add_test(tcase, test_symlinks_stay_in_the_namespace);
        tcase_add_test(tcase, test_a_directory_can_be_taken_out_of_a_walk);
        tcase_set_timeout(tcase, 120);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void) {
        return fixture_main(walk_suite());
}
