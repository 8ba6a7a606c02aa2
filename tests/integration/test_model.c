/* SPDX-License-Identifier: MIT */
/*
 * The host kernel as the judge: thousands of random operations on names, each done twice – through
 * the library, and by the host itself in a directory made its root – must give the same result,
 * down to the error.
 *
 * The store is durable and lies on the same file system as the judge's directory. The seed is
 * printed; AXEBERG_SEED sets it.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPERATIONS = 12000, PATH_SIZE = 256, MAX_COMPLAINTS = 15 };

struct model {
        ax_client *ax;
        uint64_t state;
        char log[PATH_SIZE * 3]; /* the operation, for people */
        int complaints;
};

static uint32_t below(struct model *model, uint32_t limit) {
        model->state ^= model->state >> 12;
        model->state ^= model->state << 25;
        model->state ^= model->state >> 27;
        return (uint32_t) ((model->state * UINT64_C(2685821657736338717)) >> 33) % limit;
}

/* Few names, so that they meet; a few dots and doubled slashes. */
static void random_path(struct model *model, char *path) {
        static const char *const names[] = { "a", "b", "c", "d", "a", "b", "c", "d", "..", "." };
        uint32_t n = 1 + below(model, 4);
        size_t size = 0;

        path[0] = '\0';
        if (below(model, 3) == 0)
                size = (size_t) sprintf(path, "/");
        for (uint32_t i = 0; i < n; i++)
                size += (size_t) sprintf(path + size, "%s%s", names[below(model, 10)],
                                         i + 1 < n          ? (below(model, 10) ? "/" : "//")
                                         : below(model, 12) ? ""
                                                            : "/");
}

static int host_result(int r) {
        return r < 0 ? -errno : r;
}

/*
 * Another error than the host's leaves both worlds alike, so the case goes on and collects; a
 * success on one side only ends it.
 */
static void check(struct model *model, int ours, int expected) {
        if (ours == expected)
                return;
        fprintf(stderr, "%s: %s, the host says %s\n", model->log, ours < 0 ? ax_error_name(ours) : "success",
                expected < 0 ? ax_error_name(expected) : "success");
        ck_assert_msg(ours < 0 && expected < 0, "%s: %d, the host says %d", model->log, ours, expected);
        ck_assert_msg(++model->complaints < MAX_COMPLAINTS, "too many complaints");
}

/* ---- operations ------------------------------------------------------------------------------ */

static void compare_stat(const struct model *model, const struct ax_stat *ours, const struct stat *host) {
        bool directory = S_ISDIR(host->st_mode);

        ck_assert_msg(ours->mode == host->st_mode, "%s: mode %o, the host says %o", model->log, ours->mode,
                      host->st_mode);
        ck_assert_msg(directory || ours->size == (uint64_t) host->st_size, "%s: other sizes", model->log);
        ck_assert_msg(directory || ours->nlink == host->st_nlink, "%s: other link counts", model->log);
}

static void do_stat(struct model *model, const char *path, bool follow) {
        struct ax_stat ours;
        struct stat host;
        int r = host_result(follow ? stat(path, &host) : lstat(path, &host));

        snprintf(model->log, sizeof(model->log), "%s(%s)", follow ? "stat" : "lstat", path);
        check(model, follow ? ax_stat(model->ax, path, &ours) : ax_lstat(model->ax, path, &ours), r);
        if (r == 0)
                compare_stat(model, &ours, &host);
}

static void do_open(struct model *model, const char *path) {
        static const unsigned ours[] = { AX_READ, AX_WRITE, AX_RDWR, AX_APPEND, AX_WRITE | AX_O_EXCLUSIVE, AX_O_WRITE };
        static const int host[] = { O_RDONLY,
                                    O_WRONLY | O_CREAT | O_TRUNC,
                                    O_RDWR,
                                    O_WRONLY | O_CREAT | O_APPEND,
                                    O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
                                    O_WRONLY };
        uint32_t kind = below(model, 6);
        char text[16];
        int a, b, n = snprintf(text, sizeof(text), "%u", below(model, 100000));

        snprintf(model->log, sizeof(model->log), "open(%s, %#x)", path, ours[kind]);
        b = host_result(open(path, host[kind] | O_CLOEXEC, 0666));
        a = ax_open(model->ax, path, ours[kind]);
        check(model, a < 0 ? a : 0, b < 0 ? b : 0);
        if (b < 0)
                return;
        if (kind > 0)
                ck_assert_int_eq(ax_write(model->ax, a, text, (size_t) n), write(b, text, (size_t) n));
        assert_ok(ax_close(model->ax, a));
        close(b);
}

static void do_readlink(struct model *model, const char *path) {
        char ours[PATH_SIZE], host[PATH_SIZE];
        int expected = host_result((int) readlink(path, host, sizeof(host)));

        snprintf(model->log, sizeof(model->log), "readlink(%s)", path);
        check(model, ax_readlink(model->ax, path, ours, sizeof(ours)), expected);
        if (expected > 0)
                ck_assert_mem_eq(ours, host, (size_t) expected);
}

static void do_chdir(struct model *model, const char *path) {
        char ours[4096], host[4096];
        int expected;

        snprintf(model->log, sizeof(model->log), "chdir(%s)", path);
        check(model, ax_chdir(model->ax, path), host_result(chdir(path)));
        expected = getcwd(host, sizeof(host)) ? (int) strlen(host) : -errno;
        snprintf(model->log, sizeof(model->log), "getcwd after chdir(%s)", path);
        check(model, ax_getcwd(model->ax, ours, sizeof(ours)), expected);
        if (expected > 0)
                ck_assert_str_eq(ours, host);
}

static int host_count(const char *path) {
        DIR *directory = opendir(path);
        const struct dirent *entry;
        int n = 0;

        if (!directory)
                return -errno;
        while ((entry = readdir(directory)))
                n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        closedir(directory);
        return n;
}

/* At the root ours also has its mount points. */
static void do_readdir(struct model *model, const char *path) {
        char **names;
        int expected = host_count(path), ours = ax_readdir(model->ax, path, &names);

        snprintf(model->log, sizeof(model->log), "readdir(%s)", path);
        check(model, ours, expected);
        if (ours >= 0)
                ax_names_free(names);
}

static void do_two_paths(struct model *model, const char *from, const char *to) {
        switch (below(model, 4)) {
        case 0:
                snprintf(model->log, sizeof(model->log), "link(%s, %s)", from, to);
                check(model, ax_link(model->ax, from, to), host_result(link(from, to)));
                break;
        case 1:
                snprintf(model->log, sizeof(model->log), "symlink(%s, %s)", from, to);
                check(model, ax_symlink(model->ax, from, to), host_result(symlink(from, to)));
                break;
        default:
                snprintf(model->log, sizeof(model->log), "rename(%s, %s)", from, to);
                check(model, ax_rename(model->ax, from, to), host_result(rename(from, to)));
                break;
        }
}

static void do_one_path(struct model *model, const char *path) {
        uint32_t mode;

        switch (below(model, 5)) {
        case 0:
        case 1:
                snprintf(model->log, sizeof(model->log), "mkdir(%s)", path);
                check(model, ax_mkdir(model->ax, path), host_result(mkdir(path, 0777)));
                break;
        case 2:
                snprintf(model->log, sizeof(model->log), "rmdir(%s)", path);
                check(model, ax_rmdir(model->ax, path), host_result(rmdir(path)));
                break;
        case 3:
                snprintf(model->log, sizeof(model->log), "unlink(%s)", path);
                check(model, ax_unlink(model->ax, path), host_result(unlink(path)));
                break;
        default:
                mode = below(model, 4) ? 0755 : below(model, 0777);
                snprintf(model->log, sizeof(model->log), "chmod(%s, %o)", path, mode);
                check(model, ax_chmod(model->ax, path, mode), host_result(chmod(path, mode)));
                break;
        }
}

static void do_random(struct model *model) {
        char from[PATH_SIZE], to[PATH_SIZE];

        random_path(model, from);
        random_path(model, to);
        switch (below(model, 10)) {
        case 0:
        case 1:
                do_stat(model, from, below(model, 2));
                break;
        case 2:
        case 3:
                do_open(model, from);
                break;
        case 4:
                do_readlink(model, from);
                break;
        case 5:
                do_chdir(model, from);
                break;
        case 6:
                do_readdir(model, from);
                break;
        case 7:
                do_one_path(model, from);
                break;
        default:
                do_two_paths(model, from, to);
                if (below(model, 2))
                        do_one_path(model, to);
                break;
        }
}

/* ---- the case -------------------------------------------------------------------------------- */

/* Both worlds get the same directories, and a working directory below the root. */
static void enter_worlds(struct model *model) {
        static const char *const points[] = { "/tmp", "/home", "/dev", "/proc" };
        char root[160];

        snprintf(root, sizeof(root), "%s/judge", the_daemon.directory);
        ck_assert_int_eq(mkdir(root, 0755), 0);
        ck_assert_int_eq(chroot(root), 0);
        ck_assert_int_eq(chdir("/"), 0);
        for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
                ck_assert_int_eq(mkdir(points[i], 0755), 0);
        ck_assert_int_eq(mkdir("/below", 0755), 0);
        assert_ok(ax_mkdir(model->ax, "/below"));
        ck_assert_int_eq(chdir("/below"), 0);
        assert_ok(ax_chdir(model->ax, "/below"));
        umask(022);
}

static void run_model(void *userdata) {
        struct model *model = userdata;

        model->ax = fixture_connect();
        enter_worlds(model);
        for (int i = 0; i < OPERATIONS; i++)
                do_random(model);
        ax_disconnect(model->ax);
        ck_assert_msg(model->complaints == 0, "%d complaints", model->complaints);
}

START_TEST(test_names_behave_as_on_the_host) {
        struct model model = { .state = fixture_seed() * 2 + 1 };

        fixture_reap(fixture_fork(run_model, &model));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("model");

        fixture_add(suite, test_names_behave_as_on_the_host, FIXTURE_DURABLE | FIXTURE_ROOT);
        return fixture_main(suite);
}
