/* SPDX-License-Identifier: MIT */
/*
 * Long random sequences of calls on processes, signals, descriptors, pipes, tasks and timers, each
 * compared with a simple model: every result, every handler that runs and its order, and now and
 * then the whole state as /proc and the process list show it.
 *
 * P1-P3, S1-S5, F1-F4 in one. The seed is printed; AXEBERG_SEED sets it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "process_model.h"

enum { STEPS = 120000, LOOK_EVERY = 1000, MAX_HANDLED = 64 };

static const int signals[] = { AX_SIGHUP,  AX_SIGINT,  AX_SIGQUIT, AX_SIGKILL, AX_SIGUSR1, AX_SIGUSR2,
                               AX_SIGPIPE, AX_SIGALRM, AX_SIGTERM, AX_SIGCHLD, AX_SIGCONT, AX_SIGSTOP };

struct world {
        struct model model;
        ax_client *clients[MODEL_PROCESSES]; /* of live processes */
        ax_task_id tasks[MODEL_PROCESSES];
        int handled[MAX_HANDLED], n_handled; /* by the call at hand */
        uint64_t random;
        unsigned step;
        char what[128];
};

static uint32_t below(struct world *world, uint32_t limit) {
        world->random ^= world->random >> 12;
        world->random ^= world->random << 25;
        world->random ^= world->random >> 27;
        return (uint32_t) ((world->random * UINT64_C(2685821657736338717)) >> 33) % limit;
}

static int any_signal(struct world *world) {
        return signals[below(world, sizeof(signals) / sizeof(signals[0]))];
}

#define EXPECT(world, ours, expected)                                                                                  \
        do {                                                                                                           \
                long _ours = (long) (ours), _expected = (long) (expected);                                             \
                ck_assert_msg(_ours == _expected, "step %u, %s: %ld, expected %ld", (world)->step, (world)->what,      \
                              _ours, _expected);                                                                       \
        } while (0)

static void on_signal(ax_client *ax, int signal, void *userdata) {
        struct world *world = userdata;

        (void) ax;
        if (world->n_handled < MAX_HANDLED)
                world->handled[world->n_handled++] = signal;
}

static bool is_alive(const struct world *world, int p) {
        return world->model.processes[p].state == MODEL_RUNNING || world->model.processes[p].state == MODEL_STOPPED;
}

/* Whoever has ended has no connection any more that answers (P2). */
static void bury(struct world *world) {
        for (int p = 0; p < MODEL_PROCESSES; p++) {
                if (!world->clients[p] || is_alive(world, p))
                        continue;
                EXPECT(world, ax_getppid(world->clients[p]), -AX_ESRCH);
                ax_disconnect(world->clients[p]);
                world->clients[p] = NULL;
        }
}

/*
 * At the end of a call, and there may have been none, the library has run the handlers that were
 * due.
 */
static void settle(struct world *world, int actor) {
        int signal, n = 0;

        if (is_alive(world, actor))
                ck_assert_int_gt(ax_getppid(world->clients[actor]), 0);
        while (is_alive(world, actor) && (signal = model_take(&world->model, actor)) > 0) {
                ck_assert_msg(n < world->n_handled, "step %u, %s: %s was not handled", world->step, world->what,
                              ax_signal_name(signal));
                EXPECT(world, world->handled[n++], signal);
        }
        EXPECT(world, world->n_handled, n);
        world->n_handled = 0;
        bury(world);
}

/* ---- operations ------------------------------------------------------------------------------ */

static void do_spawn(struct world *world, int actor) {
        int slot = model_free_slot(&world->model);
        ax_client *child;
        ax_pid pid;

        if (slot < 0)
                return;
        pid = ax_spawn_client(world->clients[actor], NULL, &child);
        ck_assert_msg(pid > 0, "step %u: spawn: %s", world->step, ax_error_name(pid));
        model_spawn(&world->model, actor, slot, pid);
        world->clients[slot] = child;
        EXPECT(world, ax_getpid(child), pid);
        EXPECT(world, ax_getppid(child), world->model.processes[actor].pid);
        EXPECT(world, ax_task_create(child, &world->tasks[slot]), 0);
}

static void do_exit(struct world *world, int actor) {
        int code = (int) below(world, 256);

        if (actor == 0 || below(world, 4))
                return;
        EXPECT(world, ax_exit(world->clients[actor], code), 0);
        model_exit(&world->model, actor, code);
}

static void do_kill(struct world *world, int actor) {
        int target = (int) below(world, MODEL_PROCESSES), signal = any_signal(world);
        const struct model_process *process = &world->model.processes[target];

        if (process->state == MODEL_FREE) {
                EXPECT(world, ax_kill(world->clients[actor], 4000000, signal), -AX_ESRCH);
                return;
        }
        /* process 0 is the driver; and whoever stops itself cannot be asked for its handlers */
        if (target == 0 || (target == actor && signal == AX_SIGSTOP))
                signal = AX_SIGCONT;
        snprintf(world->what, sizeof(world->what), "kill %d -> %d %s", actor, target, ax_signal_name(signal));
        EXPECT(world, ax_kill(world->clients[actor], process->pid, signal), model_kill(&world->model, target, signal));
}

static void do_block(struct world *world, int actor) {
        int signal = any_signal(world);

        EXPECT(world, ax_sigblock(world->clients[actor], signal), model_block(&world->model, actor, signal));
}

static void do_unblock(struct world *world, int actor) {
        int signal = any_signal(world), r;

        if (actor == 0 && signal != AX_SIGCHLD)
                return;
        r = ax_sigunblock(world->clients[actor], signal);
        EXPECT(world, r, model_unblock(&world->model, actor, signal));
}

static void do_action(struct world *world, int actor) {
        int signal = any_signal(world), action = (int) below(world, 4), r;

        if (actor == 0)
                action = AX_SIGNAL_HANDLE;
        if (below(world, 2))
                action = AX_SIGNAL_HANDLE;
        snprintf(world->what, sizeof(world->what), "action %d %s %d", actor, ax_signal_name(signal), action);
        r = action == AX_SIGNAL_HANDLE ? ax_signal_handle(world->clients[actor], signal, on_signal, world)
                                       : ax_signal(world->clients[actor], signal, (enum ax_signal_action) action);
        EXPECT(world, r, model_set_action(&world->model, actor, signal, action));
}

static void do_pending(struct world *world, int actor) {
        EXPECT(world, ax_sigpending(world->clients[actor]), world->model.processes[actor].n_pending > 0);
}

static void do_wait(struct world *world, int actor) {
        struct ax_wait_status status = { 0 };
        int kind = 0, code = 0;
        ax_pid pid = ax_wait(world->clients[actor], -1, &status, AX_WAIT_NOHANG);

        EXPECT(world, pid, model_wait(&world->model, actor, &kind, &code));
        if (pid > 0) {
                EXPECT(world, status.kind, kind);
                EXPECT(world, status.code, code);
        }
}

static void do_dup(struct world *world, int actor) {
        int fd = (int) below(world, MODEL_FDS);

        if (!model_is_full(&world->model, actor))
                EXPECT(world, ax_dup(world->clients[actor], fd), model_dup(&world->model, actor, fd));
}

static void do_dup2(struct world *world, int actor) {
        int fd = (int) below(world, MODEL_FDS), newfd = (int) below(world, MODEL_FDS);

        EXPECT(world, ax_dup2(world->clients[actor], fd, newfd), model_dup2(&world->model, actor, fd, newfd));
}

static void do_close(struct world *world, int actor) {
        int fd = (int) below(world, MODEL_FDS);

        EXPECT(world, ax_close(world->clients[actor], fd), model_close(&world->model, actor, fd));
}

static void do_pipe(struct world *world, int actor) {
        int ours[2], expected[2];

        if (model_is_full(&world->model, actor))
                return;
        EXPECT(world, ax_pipe(world->clients[actor], ours), model_pipe(&world->model, actor, expected));
        EXPECT(world, ours[0], expected[0]);
        EXPECT(world, ours[1], expected[1]);
        EXPECT(world, ax_set_nonblock(world->clients[actor], ours[0], true), 0);
        EXPECT(world, ax_set_nonblock(world->clients[actor], ours[1], true), 0);
}

/* A descriptor that is a pipe's, if there is one: most numbers are free. */
static int any_fd(struct world *world, int actor, enum model_kind kind) {
        int start = (int) below(world, MODEL_FDS);

        for (int i = 0; i < MODEL_FDS && below(world, 20); i++) {
                int fd = (start + i) % MODEL_FDS, object = world->model.processes[actor].fds[fd];

                if (object != MODEL_NONE && world->model.objects[object].kind == kind)
                        return fd;
        }
        return start;
}

static bool is_console(const struct world *world, int actor, int fd) {
        return world->model.processes[actor].fds[fd] == MODEL_CONSOLE;
}

static void do_read(struct world *world, int actor) {
        int fd = any_fd(world, actor, MODEL_READER), size = 1 + (int) below(world, 200), n;
        uint8_t ours[256], expected[256];

        if (is_console(world, actor, fd))
                return;
        n = (int) ax_read(world->clients[actor], fd, ours, (size_t) size);
        EXPECT(world, n, model_read(&world->model, actor, fd, expected, size));
        ck_assert(n <= 0 || memcmp(ours, expected, (size_t) n) == 0);
}

static void do_write(struct world *world, int actor) {
        int fd = any_fd(world, actor, MODEL_WRITER), size = 1 + (int) below(world, 100);
        uint8_t data[128];
        int n;

        if (is_console(world, actor, fd) || model_is_full(&world->model, actor))
                return;
        for (int i = 0; i < size; i++)
                data[i] = (uint8_t) below(world, 256);
        n = (int) ax_write(world->clients[actor], fd, data, (size_t) size);
        EXPECT(world, n, model_write(&world->model, actor, fd, data, size));
}

static void do_task(struct world *world, int actor) {
        struct model_process *process = &world->model.processes[actor];
        ax_timer_id timer;

        switch (below(world, 4)) {
        case 0:
                EXPECT(world, ax_task_wake(world->clients[actor], world->tasks[actor]), 0);
                process->permit = true;
                break;
        case 1: /* a signal may be due: a wait with a limit of 0 does not wait, and so is not interrupted */
                EXPECT(world, ax_task_wait(world->clients[actor], world->tasks[actor], 0), process->permit);
                process->permit = false;
                break;
        case 2:
                EXPECT(world, ax_timer_set(world->clients[actor], 1e9, world->tasks[actor], &timer), 0);
                EXPECT(world, ax_timer_cancel(world->clients[actor], timer), 1);
                EXPECT(world, ax_timer_cancel(world->clients[actor], timer), 0);
                break;
        default:
                EXPECT(world, ax_timer_set(world->clients[actor], 1e9, 0, NULL), 0); /* ends with the process */
        }
}

static const struct {
        const char *name;
        unsigned weight;
        void (*run)(struct world *world, int actor);
} operations[] = {
        { "spawn", 5, do_spawn },     { "exit", 2, do_exit },       { "kill", 12, do_kill },
        { "block", 5, do_block },     { "unblock", 6, do_unblock }, { "action", 8, do_action },
        { "pending", 4, do_pending }, { "wait", 10, do_wait },      { "dup", 6, do_dup },
        { "dup2", 4, do_dup2 },       { "close", 12, do_close },    { "pipe", 4, do_pipe },
        { "read", 12, do_read },      { "write", 12, do_write },    { "task", 6, do_task },
};

/* ---- the whole state ------------------------------------------------------------------------- */

static uint32_t mask_of(const char *text, const char *field) {
        const char *at = strstr(text, field);

        ck_assert_ptr_nonnull(at);
        return (uint32_t) strtoul(at + strlen(field), NULL, 16);
}

static uint32_t action_mask(const struct model_process *process, int action) {
        uint32_t mask = 0;

        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
                if (process->actions[signals[i]] == action)
                        mask |= UINT32_C(1) << (signals[i] - 1);
        return mask;
}

static void compare_process(struct world *world, int p, const struct ax_process *shown) {
        static const char *const states[] = { "", "Running", "Stopped", "Zombie" };
        const struct model_process *process = &world->model.processes[p];
        char path[64], text[2048];
        uint32_t pending = 0;

        ck_assert_msg(strcmp(shown->state, states[process->state]) == 0, "step %u: process %d is %s, expected %s",
                      world->step, p, shown->state, states[process->state]);
        EXPECT(world, shown->ppid, process->parent < 0 ? 1 : world->model.processes[process->parent].pid);
        EXPECT(world, shown->open_files, model_count_fds(&world->model, p));
        if (process->state == MODEL_ZOMBIE)
                return;
        for (int i = 0; i < process->n_pending; i++)
                pending |= UINT32_C(1) << (process->pending[i] - 1);
        snprintf(path, sizeof(path), "/proc/%d/status", process->pid);
        get_text(world->clients[0], path, text, sizeof(text));
        snprintf(world->what, sizeof(world->what), "status of %d", p);
        EXPECT(world, mask_of(text, "SigPnd:\t"), pending);
        EXPECT(world, mask_of(text, "SigBlk:\t"), process->blocked >> 1);
        EXPECT(world, mask_of(text, "SigIgn:\t"), action_mask(process, AX_SIGNAL_IGNORE));
        EXPECT(world, mask_of(text, "SigCgt:\t"), action_mask(process, AX_SIGNAL_HANDLE));
}

static void compare_world(struct world *world) {
        struct ax_process *list;
        int n = ax_process_list(world->clients[0], &list), found = 1;

        ck_assert_int_ge(n, 0);
        settle(world, 0);
        for (int p = 0; p < MODEL_PROCESSES; p++)
                for (int i = 0; world->model.processes[p].state != MODEL_FREE && i < n; i++)
                        if (list[i].pid == world->model.processes[p].pid) {
                                compare_process(world, p, &list[i]);
                                found++;
                        }
        EXPECT(world, found, n);
        free(list);
}

static int choose_actor(struct world *world) {
        int start = (int) below(world, MODEL_PROCESSES);

        for (int i = 0; i < MODEL_PROCESSES; i++) {
                int p = (start + i) % MODEL_PROCESSES;

                if (world->model.processes[p].state == MODEL_RUNNING)
                        return p;
        }
        return 0;
}

static void step(struct world *world) {
        unsigned total = 0, choice;
        int actor = choose_actor(world);

        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
                total += operations[i].weight;
        choice = below(world, total);
        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
                if (choice >= operations[i].weight) {
                        choice -= operations[i].weight;
                        continue;
                }
                snprintf(world->what, sizeof(world->what), "%s by %d", operations[i].name, actor);
                operations[i].run(world, actor);
                break;
        }
        settle(world, actor);
}

START_TEST(test_long_sequences_do_what_the_model_does) {
        static struct world world;
        struct ax_status status;

        world.random = fixture_seed() * 2 + 1;
        world.clients[0] = fixture_connect();
        model_init(&world.model, ax_getpid(world.clients[0]));
        assert_result(ax_task_create(world.clients[0], &world.tasks[0]), 0);
        /* a broken pipe must not end the driver */
        assert_result(ax_signal(world.clients[0], AX_SIGPIPE, AX_SIGNAL_IGNORE), 0);
        model_set_action(&world.model, 0, AX_SIGPIPE, AX_SIGNAL_IGNORE);

        for (world.step = 0; world.step < STEPS; world.step++) {
                step(&world);
                if (world.step % LOOK_EVERY == 0)
                        compare_world(&world);
        }
        for (int p = 1; p < MODEL_PROCESSES; p++)
                if (is_alive(&world, p))
                        model_kill(&world.model, p, AX_SIGKILL),
                                ax_kill(world.clients[0], world.model.processes[p].pid, AX_SIGKILL);
        world.n_handled = 0;
        bury(&world);
        while (ax_wait(world.clients[0], -1, NULL, 0) > 0)
                ;
        fixture_wait_sessions(world.clients[0], 1);
        assert_result(ax_status(world.clients[0], &status), 0);
        ck_assert_uint_eq(status.processes, 2);
        ax_disconnect(world.clients[0]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("process_model");

        fixture_add(suite, test_long_sequences_do_what_the_model_does, 0);
        return fixture_main(suite);
}
