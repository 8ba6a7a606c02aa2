/* SPDX-License-Identifier: MIT */
/*
 * Cases, their daemons, and the sweeping behind them.
 *
 * fixture_main() runs the suite in a child and stays behind as its subreaper, in a mount namespace
 * of its own if it may: when the child is gone, whatever a failed or killed case left –
 * processes, mounts, files – is ended, detached and removed, and the daemon's log of such a case is
 * shown.
 */
#include "fixture.h"
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77, CASE_LIMIT_S = 40, WAIT_LIMIT_MS = 10000, LOG_LINES_SHOWN = 60 };

struct daemon the_daemon;
static struct daemon_state state_before;

uint64_t fixture_seed(void) {
        const char *given = getenv("AXEBERG_SEED");
        uint64_t seed = given ? strtoull(given, NULL, 0) : 0;

        if (seed == 0)
                ck_assert_int_eq(getrandom(&seed, 4, 0), 4); /* short enough to be typed */
        seed += seed == 0;
        printf("AXEBERG_SEED=%llu\n", (unsigned long long) seed);
        fflush(stdout);
        return seed;
}

/* ---- setup and teardown ---------------------------------------------------------------------- */

static bool poll_until(bool (*condition)(void *userdata), void *userdata) {
        double deadline = now_ms() + WAIT_LIMIT_MS * slowness();

        while (!condition(userdata)) {
                if (now_ms() > deadline)
                        return false;
                usleep(2000);
        }
        return true;
}

/*
 * What the daemon holds without any client. The moment of READY=1 is too early, its notification
 * may still be open, and what a client held is closed some time after it has left; so take what it
 * holds with one client, less what a second one takes.
 */
static void observe_idle(void) {
        struct daemon_state with_two, with_one;
        _closed_ int first = fixture_wire();
        int second;

        ck_assert_int_eq(daemon_observe(&the_daemon, &with_one), 0);
        second = fixture_wire();
        ck_assert_int_eq(daemon_observe(&the_daemon, &with_two), 0);
        close(second);
        state_before = with_one;
        state_before.descriptors -= with_two.descriptors - with_one.descriptors;
}

void fixture_start(const struct daemon_options *options) {
        int r = daemon_start(&the_daemon, options);

        ck_assert_msg(r == 0, "axebergd does not start: %s", strerror(-r));
        if (options->uid == 0)
                observe_idle();
}

static void setup(unsigned flags) {
        struct daemon_options options = {
                .durable = flags & FIXTURE_DURABLE,
                .mount = flags & FIXTURE_MOUNT,
                .uid = flags & FIXTURE_USER ? FIXTURE_UID : 0,
        };

        fixture_start(&options);
}

static void setup_ephemeral(void) {
        setup(0);
}

static void setup_durable(void) {
        setup(FIXTURE_DURABLE);
}

static void setup_mount(void) {
        setup(FIXTURE_MOUNT);
}

static void setup_durable_mount(void) {
        setup(FIXTURE_DURABLE | FIXTURE_MOUNT);
}

static void setup_user(void) {
        setup(FIXTURE_USER);
}

static void setup_nothing(void) {
        the_daemon.pid = -1;
}

static bool is_as_before(void *userdata) {
        struct daemon_state *now = userdata;

        return daemon_observe(&the_daemon, now) == 0 && now->descriptors == state_before.descriptors &&
               now->children == state_before.children && now->mounts == state_before.mounts;
}

static void check_state(void) {
        struct daemon_state now = { 0 };

        if (the_daemon.options.uid != 0 || poll_until(is_as_before, &now))
                return;
        daemon_print_descriptors(&the_daemon);
        ck_abort_msg("axebergd has %zu descriptors, %zu children, %zu mounts; before the case it had %zu, %zu, %zu",
                     now.descriptors, now.children, now.mounts, state_before.descriptors, state_before.children,
                     state_before.mounts);
}

static void teardown(void) {
        size_t mounts;
        int r;

        if (the_daemon.pid <= 0) {
                if (the_daemon.directory[0])
                        daemon_remove(&the_daemon);
                return;
        }
        check_state();
        r = daemon_stop(&the_daemon);
        ck_assert_msg(r >= 0, "axebergd does not end: %s", strerror(-r));
        ck_assert_msg(r == 0, "axebergd ended with exit status %d", r);
        ck_assert_msg(!daemon_has_sanitizer_report(&the_daemon), "a sanitizer wrote to %s", the_daemon.directory);
        mounts = count_mounts_below(the_daemon.directory);
        ck_assert_msg(mounts == 0, "axebergd left %zu mounts", mounts);
        ck_assert_msg(!daemon_left_files(&the_daemon), "axebergd left its socket or a temporary store in %s",
                      the_daemon.directory);
        daemon_remove(&the_daemon);
}

static SFun setup_for(unsigned flags) {
        switch (flags & ~(unsigned) FIXTURE_ROOT) {
        case FIXTURE_DURABLE:
                return setup_durable;
        case FIXTURE_MOUNT:
                return setup_mount;
        case FIXTURE_MOUNT | FIXTURE_DURABLE:
                return setup_durable_mount;
        case FIXTURE_USER:
                return setup_user;
        case FIXTURE_NO_DAEMON:
                return setup_nothing;
        default:
                return setup_ephemeral;
        }
}

void fixture_add(Suite *suite, const TTest *test, unsigned flags) {
        fixture_add_loop(suite, test, flags, 1);
}

void fixture_add_loop(Suite *suite, const TTest *test, unsigned flags, int count) {
        TCase *tcase;

        if (flags & (FIXTURE_ROOT | FIXTURE_USER) && geteuid() != 0)
                return;
        if (flags & FIXTURE_MOUNT && (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) < 0))
                return;
        tcase = tcase_create(test->name);
        tcase_set_timeout(tcase, CASE_LIMIT_S * slowness());
        tcase_add_checked_fixture(tcase, setup_for(flags), teardown);
        tcase_add_loop_test(tcase, test, 0, count);
        suite_add_tcase(suite, tcase);
}

/* ---- running and sweeping -------------------------------------------------------------------- */

static void show_log(const char *directory) {
        char path[4096], lines[LOG_LINES_SHOWN][256];
        size_t n = 0;
        FILE *file;

        snprintf(path, sizeof(path), "%.4000s/log", directory);
        file = fopen(path, "re");
        if (!file)
                return;
        while (fgets(lines[n % LOG_LINES_SHOWN], sizeof(lines[0]), file))
                n++;
        fclose(file);
        fprintf(stderr, "---- log of axebergd in %s\n", directory);
        for (size_t i = n > LOG_LINES_SHOWN ? n - LOG_LINES_SHOWN : 0; i < n; i++)
                fprintf(stderr, "%s", lines[i % LOG_LINES_SHOWN]);
}

static void show_leftovers(const char *base) {
        const struct dirent *entry;
        char path[4096];
        DIR *directory = opendir(base);

        if (!directory)
                return;
        while ((entry = readdir(directory))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%.100s/%s", base, entry->d_name);
                show_log(path);
        }
        closedir(directory);
}

/* Orphans of a dead case have become our children. */
static void end_orphans(void) {
        char path[64];
        FILE *file;
        int pid;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
        for (;;) {
                int n = 0;

                file = fopen(path, "re");
                if (!file)
                        return;
                while (fscanf(file, "%d", &pid) == 1) {
                        kill(pid, SIGKILL);
                        n++;
                }
                fclose(file);
                if (n == 0)
                        return;
                while (waitpid(-1, NULL, 0) > 0)
                        ;
        }
}

/* Mounts made in our own namespace go with it; without the right to one, sweeping has to do. */
static void enter_own_mounts(void) {
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
                return;
        (void) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int run_suite(SRunner *runner) {
        int failed, run;

        srunner_set_fork_status(runner, CK_FORK);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        run = srunner_ntests_run(runner);
        srunner_free(runner);
        if (run == 0)
                return EXIT_SKIPPED;
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * The suite as long as nobody has waited for it. Check ends the running case when it gets the
 * signal; the rest is swept.
 */
static volatile pid_t running_suite;

static void on_signal(int signal) {
        if (running_suite > 0)
                kill(running_suite, signal);
}

/* The suite has ended, and still has its number. */
static int wait_for_suite(pid_t pid) {
        siginfo_t info;
        int status = 1;

        while (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
                ;
        running_suite = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return status;
}

int fixture_main(Suite *suite) {
        const char *temporary = getenv("TMPDIR");
        char base[64];
        int status = 1;
        SRunner *runner;
        pid_t pid;

        snprintf(base, sizeof(base), "%.40s/axeberg-test-XXXXXX", temporary && *temporary ? temporary : "/tmp");
        if (!mkdtemp(base) || chmod(base, 0755) < 0) {
                fprintf(stderr, "cannot make %s: %m\n", base);
                return EXIT_FAILURE;
        }
        setenv("AXEBERG_TEST_DIRECTORY", base, 1);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        enter_own_mounts();
        runner = srunner_create(suite);
        (void) signal(SIGINT, on_signal);
        (void) signal(SIGTERM, on_signal);
        pid = fork();
        if (pid == 0) {
                (void) signal(SIGINT, SIG_DFL);
                (void) signal(SIGTERM, SIG_DFL);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) setsid(); /* when Check has to end, it signals the group that it is in */
                exit(run_suite(runner));
        }
        srunner_free(runner);
        running_suite = pid;
        if (pid > 0)
                status = wait_for_suite(pid);
        end_orphans();
        if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED))
                show_leftovers(base);
        sweep_tree(base);
        return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* ---- for cases ------------------------------------------------------------------------------- */

ax_client *fixture_connect(void) {
        ax_client *ax = NULL;
        int r = ax_connect(&ax, the_daemon.socket);

        ck_assert_msg(r == 0, "ax_connect: %s", ax_error_name(r));
        ck_assert_ptr_nonnull(ax);
        ck_assert_int_eq(ax_getppid(ax), 1); /* see settle_wire() */
        return ax;
}

/* A second call: when it is answered, the daemon has closed its copies of what came with Hello. */
static void settle_wire(int fd) {
        static struct wire_frame reply;
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;

        assert_result(wire_call(fd, 1, wire_method("Getppid"), &request.base, &reply), 1);
}

int fixture_wire(void) {
        int fd = wire_connect(the_daemon.socket);
        int r;

        ck_assert_msg(fd >= 0, "connect: %s", strerror(-fd));
        r = wire_hello(fd);
        ck_assert_msg(r > 1, "Hello: %d", r);
        settle_wire(fd);
        return fd;
}

void disconnect_at(ax_client **ax) {
        ax_disconnect(*ax);
}

void close_at(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

void fixture_wait(bool (*condition)(void *userdata), void *userdata, const char *what) {
        ck_assert_msg(poll_until(condition, userdata), "this never came: %s", what);
}

struct session_wait {
        ax_client *ax;
        uint32_t sessions;
        uint32_t seen;
};

static bool has_sessions(void *userdata) {
        struct session_wait *wait = userdata;
        struct ax_status status;

        if (ax_status(wait->ax, &status) < 0)
                return false;
        wait->seen = status.sessions;
        return status.sessions == wait->sessions;
}

void fixture_wait_sessions(ax_client *ax, uint32_t sessions) {
        struct session_wait wait = { .ax = ax, .sessions = sessions };

        ck_assert_msg(poll_until(has_sessions, &wait), "axebergd has %u sessions, not %u", wait.seen, sessions);
}

/* ---- other processes and users --------------------------------------------------------------- */

pid_t fixture_fork(void (*body)(void *userdata), void *userdata) {
        pid_t parent = getpid(), pid;

        fflush(NULL);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _exit(1);
                body(userdata);
                _exit(0);
        }
        return pid;
}

/*
 * A failed assertion in the child has already reported itself with its place; only its end is to be
 * passed on.
 */
void fixture_reap(pid_t pid) {
        int status = 0;
        pid_t r;

        do
                r = waitpid(pid, &status, 0);
        while (r < 0 && errno == EINTR);
        ck_assert_int_eq(r, pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE)
                _exit(EXIT_FAILURE);
        ck_assert_msg(status == 0, "child process ended with wait status %#x", (unsigned) status);
}

void fixture_kill(pid_t pid) {
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

struct user_body {
        const struct fixture_user *user;
        void (*body)(ax_client *ax, void *userdata);
        void *userdata;
};

static void run_as(void *userdata) {
        const struct user_body *call = userdata;
        const struct fixture_user *user = call->user;
        ax_client *ax;

        ck_assert_int_eq(setgroups(user->n_groups, user->groups), 0);
        ck_assert_int_eq(setresgid(user->gid, user->gid, user->gid), 0);
        ck_assert_int_eq(setresuid(user->uid, user->uid, user->uid), 0);
        ax = fixture_connect();
        call->body(ax, call->userdata);
        ax_disconnect(ax);
}

void fixture_as(const struct fixture_user *user, void (*body)(ax_client *ax, void *userdata), void *userdata) {
        struct user_body call = { .user = user, .body = body, .userdata = userdata };

        fixture_reap(fixture_fork(run_as, &call));
}

void fixture_as_uid(uid_t uid, void (*body)(ax_client *ax, void *userdata), void *userdata) {
        struct fixture_user user = { .uid = uid, .gid = uid };

        fixture_as(&user, body, userdata);
}
