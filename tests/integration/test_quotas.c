/* SPDX-License-Identifier: MIT */
/*
 * Quotas: whatever a user can take of the kernel, in each way that takes it, ends at a limit with
 * an error, is shown, and is given back in each way in which it can end: by freeing it, by
 * ax_exit(), by the end of the connection, and by SIGKILL. Afterwards the daemon holds what it held
 * before.
 *
 * As root, the one who takes is an ordinary user, and the one who looks is root.
 */
#include "fixture.h"
#include "quota_ways.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- taking it ------------------------------------------------------------------------------- */

static uid_t taking_uid(void) {
        return geteuid() == 0 ? FIXTURE_UID : geteuid();
}

/* What a user has, by resource; zeros if the kernel does not know him. */
static void look(ax_client *ax, uid_t uid, uint64_t used[static AX_RESOURCES], uint64_t *ret_limit,
                 enum ax_resource resource) {
        struct ax_user *users = NULL;
        int n = (int) assert_ok(ax_user_list(ax, &users));

        memset(used, 0, AX_RESOURCES * sizeof(used[0]));
        for (int i = 0; i < n; i++)
                if (users[i].uid == uid)
                        for (int j = 0; j < AX_RESOURCES; j++)
                                used[j] = users[i].resources[j].used;
        if (ret_limit)
                *ret_limit = users[0].resources[resource].limit;
        free(users);
}

enum ending { BY_FREEING, BY_EXIT, BY_DISCONNECT, BY_SIGKILL, N_ENDINGS };

struct round {
        const struct way *way;
        enum ending ending;
        ax_client *watcher;
        int ready[2];
        uint64_t before[AX_RESOURCES];
};

/* The charge is so close to the limit that one more thing did not fit. */
static void assert_charged(const struct round *round, struct taker *taker, uint64_t least_step) {
        uint64_t used[AX_RESOURCES], limit;
        enum ax_resource resource = round->way->resource;

        look(taker->ax, geteuid(), used, &limit, resource);
        ck_assert_msg(used[resource] <= limit && used[resource] + least_step >= limit,
                      "%s: %llu of %llu are charged, a step is %llu", round->way->name,
                      (unsigned long long) used[resource], (unsigned long long) limit, (unsigned long long) least_step);
}

/* In a process of its own. */
static void take_all(void *userdata) {
        static struct taker taker;
        const struct round *round = userdata;
        const struct way *way = round->way;
        uint64_t first[AX_RESOURCES], second[AX_RESOURCES], step;
        int r;

        if (geteuid() == 0 && (setresgid(FIXTURE_UID, FIXTURE_UID, FIXTURE_UID) < 0 ||
                               setresuid(FIXTURE_UID, FIXTURE_UID, FIXTURE_UID) < 0))
                _exit(2);
        taker.ax = fixture_connect();
        if (way->begin)
                way->begin(&taker);
        look(taker.ax, geteuid(), first, NULL, 0);
        assert_ok(way->take(&taker));
        look(taker.ax, geteuid(), second, NULL, 0);
        ck_assert_msg(second[way->resource] > first[way->resource], "%s: nothing is charged", way->name);
        step = second[way->resource] - first[way->resource];
        while ((r = way->take(&taker)) >= 0)
                ck_assert_msg(taker.count < MOST - 2, "%s: no limit", way->name);
        ck_assert_msg(r == -way->error, "%s: %s, not %s", way->name, ax_error_name(r), ax_error_name(-way->error));
        assert_charged(round, &taker, 2 * step + (way->resource == AX_RESOURCE_BUFFERS ? 40000u : 0u));
        r = way->take(&taker);
        ck_assert_msg(r == -way->error, "%s: %s the second time", way->name, ax_error_name(r));

        if (round->ending == BY_FREEING && way->give) {
                way->give(&taker);
                while ((r = way->take(&taker)) == -way->error) /* what was given back can be had again, soon */
                        usleep(10000);
                assert_ok(r);
                way->give(&taker);
        }
        if (round->ending == BY_EXIT)
                ax_exit(taker.ax, 0);
        if (round->ending == BY_SIGKILL) {
                ck_assert_int_eq(write(round->ready[1], "x", 1), 1);
                for (;;)
                        pause();
        }
        ax_disconnect(taker.ax);
}

static bool is_given_back(void *userdata) {
        const struct round *round = userdata;
        uint64_t now[AX_RESOURCES];

        look(round->watcher, taking_uid(), now, NULL, 0);
        return memcmp(now, round->before, sizeof(now)) == 0;
}

static void print_charges(const struct round *round) {
        uint64_t now[AX_RESOURCES];

        look(round->watcher, taking_uid(), now, NULL, 0);
        for (int i = 0; i < AX_RESOURCES; i++)
                if (now[i] != round->before[i])
                        fprintf(stderr, "%s: %llu %s, not %llu\n", round->way->name, (unsigned long long) now[i],
                                ax_resource_name((enum ax_resource) i), (unsigned long long) round->before[i]);
}

static void run_round(struct round *round) {
        pid_t pid;
        char byte;

        ck_assert_int_eq(pipe2(round->ready, O_CLOEXEC), 0);
        pid = fixture_fork(take_all, round);
        close(round->ready[1]);
        if (round->ending == BY_SIGKILL) {
                ck_assert_int_eq(read(round->ready[0], &byte, 1), 1);
                fixture_kill(pid);
        } else
                fixture_reap(pid);
        close(round->ready[0]);
        fixture_wait_sessions(round->watcher, 1);
        for (int i = 0; i < 50 && !is_given_back(round); i++)
                usleep(20000);
        if (!is_given_back(round))
                print_charges(round);
        fixture_wait(is_given_back, round, "the charges to be given back");
}

struct growth {
        long before, now;
        size_t n_threads;
};

static size_t count_threads(void) {
        char path[40];
        size_t n = 0;
        DIR *directory;

        snprintf(path, sizeof(path), "/proc/%d/task", (int) the_daemon.pid);
        directory = opendir(path);
        ck_assert_ptr_nonnull(directory);
        while (readdir(directory))
                n++;
        closedir(directory);
        return n;
}

/*
 * Within a tenth of where it was, and what a few pages more or less of an allocator's are. A worker
 * that has been started since then keeps its stack and its allocator.
 */
static bool has_shrunk(void *userdata) {
        struct growth *growth = userdata;
        size_t n = count_threads(), n_new = n > growth->n_threads ? n - growth->n_threads : 0;

        growth->now = daemon_memory(&the_daemon);
        return growth->now <= growth->before + growth->before / 10 + (long) (n_new + 1) * (256 << 10);
}

START_TEST(test_a_limit_is_reached_and_everything_given_back) {
        struct daemon_options options = { .settings = quota_ways[_i].settings };
        struct round round = { .way = &quota_ways[_i] };
        struct growth growth;

        fixture_start(&options);
        round.watcher = fixture_connect();
        look(round.watcher, taking_uid(), round.before, NULL, 0);
        round.ending = BY_DISCONNECT;
        run_round(&round); /* workers and what else the first use makes for good */
        growth.before = daemon_memory(&the_daemon);
        growth.n_threads = count_threads();
        for (round.ending = BY_FREEING; round.ending < N_ENDINGS; round.ending++)
                run_round(&round);
        if (slowness() == 1)
                fixture_wait(has_shrunk, &growth, "the daemon's memory to be given back");
        ax_disconnect(round.watcher);
}
END_TEST

/* ---- the reserve ----------------------------------------------------------------------------- */

static void take_all_descriptors(void *userdata) {
        const uid_t *uid = ((void **) userdata)[0];
        const int *ready = ((void **) userdata)[1];
        ax_client *ax = NULL;
        int r;

        if (setresgid(*uid, *uid, *uid) < 0 || setresuid(*uid, *uid, *uid) < 0)
                _exit(2);
        r = ax_connect(&ax, the_daemon.socket);
        while (r >= 0) {
                ax_client *more = NULL;

                while ((r = ax_open(ax, "/tmp/everybodys", AX_READ)) >= 0)
                        ;
                ck_assert_msg(r == -AX_ENFILE || r == -AX_EMFILE, "%s", ax_error_name(r));
                if (r == -AX_ENFILE)
                        break;
                r = ax_connect(&more, the_daemon.socket);
                if (r >= 0)
                        ax = more;
        }
        ck_assert_int_eq(write(*ready, "x", 1), 1);
        for (;;)
                pause();
}

/*
 * Several ordinary users take all that they get, far below their own limits. Root still connects
 * and works.
 */
START_TEST(test_the_reserve_is_for_administrators) {
        struct daemon_options options = { .descriptors = 512, .settings = "HostDescriptorsPerUser = 500" };
        static uid_t uids[] = { FIXTURE_UID, FIXTURE_OTHER_UID };
        ax_client *ax, *more[5];
        struct ax_user *users;
        pid_t pids[2];
        int ready[2], fds[2], n;
        char byte;

        fixture_start(&options);
        ax = fixture_connect();
        put_text(ax, "/tmp/everybodys", "text");
        ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
        for (int i = 0; i < 2; i++) {
                pids[i] = fixture_fork(take_all_descriptors, (void *[]){ &uids[i], &ready[1] });
                ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        }
        n = (int) assert_ok(ax_user_list(ax, &users));
        for (int i = 0; i < n; i++)
                ck_assert_msg(users[i].resources[AX_RESOURCE_HOST_DESCRIPTORS].used < 440, "uid %u has %llu",
                              users[i].uid, (unsigned long long) users[i].resources[AX_RESOURCE_HOST_DESCRIPTORS].used);
        free(users);
        for (int i = 0; i < 5; i++) {
                more[i] = fixture_connect();
                assert_text(more[i], "/tmp/everybodys", "text");
                put_text(more[i], "/tmp/of-root", "fine");
                assert_ok(ax_pipe(more[i], fds));
        }
        for (int i = 0; i < 5; i++)
                ax_disconnect(more[i]);
        for (int i = 0; i < 2; i++)
                fixture_kill(pids[i]);
        close(ready[0]);
        close(ready[1]);
        fixture_wait_sessions(ax, 1);
        ax_disconnect(ax);
}
END_TEST

static void work(ax_client *ax, void *userdata) {
        (void) userdata;
        assert_text(ax, "/tmp/everybodys", "text");
        put_text(ax, "/tmp/of-the-other", "fine");
}

/* With the defaults, what one ordinary user takes leaves enough for another. */
START_TEST(test_one_users_limit_leaves_enough_for_another) {
        struct daemon_options options = { .descriptors = 512 };
        static uid_t uid = FIXTURE_UID;
        pid_t pid;
        int ready[2];
        char byte;

        fixture_start(&options);
        _connected_ ax_client *ax = fixture_connect();
        put_text(ax, "/tmp/everybodys", "text");
        ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
        pid = fixture_fork(take_all_descriptors, (void *[]){ &uid, &ready[1] });
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        fixture_as_uid(FIXTURE_OTHER_UID, work, NULL);
        fixture_kill(pid);
        close(ready[0]);
        close(ready[1]);
        fixture_wait_sessions(ax, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("quotas");

        fixture_add_loop(suite, test_a_limit_is_reached_and_everything_given_back, FIXTURE_NO_DAEMON,
                         (int) n_quota_ways);
        fixture_add(suite, test_the_reserve_is_for_administrators, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        fixture_add(suite, test_one_users_limit_leaves_enough_for_another, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        return fixture_main(suite);
}
