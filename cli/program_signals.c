/* SPDX-License-Identifier: MIT */
#include "program_signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descendants.h"

enum { NSEC_PER_SEC = 1000000000 };

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
/* Those that are taken: what is passed on, then job control. */
static const int taken[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                             SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD };

enum { N_PASSED_ON = sizeof(passed_on) / sizeof(passed_on[0]), N_TAKEN = sizeof(taken) / sizeof(taken[0]) };

/* ---- sending --------------------------------------------------------------------------------- */

static void send_to_program(const struct program *program, int signal) {
        if (program->pidfd >= 0)
                syscall(SYS_pidfd_send_signal, program->pidfd, signal, NULL, 0);
        else
                ax_kill(program->axctl->ax, program->pid, signal); /* axeberg has Linux's numbers */
}

/* Sends to what descends from the program, too. All are found before one can end. */
static void send_to_all(const struct program *program, int signal) {
        pid_t *pids = NULL;
        size_t n = program->host_pid > 0 ? descendants_of(program->host_pid, &pids) : 0;

        send_to_program(program, signal);
        for (size_t i = 0; i < n; i++)
                kill(pids[i], signal);
        free(pids);
}

/* The daemon may be in a different pid namespace; then it passes the signals on for us. */
static void find_host_process(struct program *program) {
        struct ax_process *processes;
        int n = ax_process_list(program->axctl->ax, &processes);

        for (int i = 0; i < n; i++)
                if (processes[i].pid == program->pid)
                        program->host_pid = processes[i].host_pid;
        if (n >= 0)
                free(processes);
        if (program->host_pid > 0 && parent_of(program->host_pid) != getpid())
                program->host_pid = 0;
        if (program->host_pid > 0)
                program->pidfd = (int) syscall(SYS_pidfd_open, program->host_pid, 0);
}

/* ---- before the program is there ------------------------------------------------------------- */

/* Who sent those that came before the program was known; 0: none came. */
enum { EARLY_FROM_KERNEL = -1 };
static volatile sig_atomic_t early[NSIG];

static void note_early(int signal, siginfo_t *info, void *context) {
        (void) context;
        early[signal] = info->si_code <= 0 && info->si_pid > 0 ? info->si_pid : EARLY_FROM_KERNEL;
}

/*
 * The program ignores what we ignore (nohup(1), "&" of a script). The other signals must be at
 * their defaults in the program, and not blocked; so until it is there they have a handler, which
 * it does not inherit. If SIGCHLD were ignored, its exit status would be lost.
 */
void program_signals_prepare(struct program *program) {
        const struct sigaction action = { .sa_sigaction = note_early, .sa_flags = SA_RESTART | SA_SIGINFO };

        signal(SIGCHLD, SIG_DFL);
        signal_thread_init(&program->thread, taken, N_TAKEN);
        for (size_t i = 0; i < N_PASSED_ON; i++)
                if (!signal_is_ignored(passed_on[i]))
                        sigaction(passed_on[i], &action, NULL);
}

static void pass_early_on(struct program *program) {
        program->interrupted = early[SIGINT] == EARLY_FROM_KERNEL;
        for (size_t i = 0; i < N_PASSED_ON; i++)
                if (early[passed_on[i]] && early[passed_on[i]] != program->host_pid)
                        send_to_program(program, passed_on[i]);
}

/* ---- job control ----------------------------------------------------------------------------- */

/* Whether axeberg's kernel has stopped it. Then the kernel will continue it, but nobody us. */
static bool is_stopped_process(const struct program *program) {
        struct ax_process *processes;
        int n = ax_process_list(program->axctl->ax, &processes);
        bool stopped = false;

        for (int i = 0; i < n; i++)
                if (processes[i].pid == program->pid)
                        stopped = strcmp(processes[i].state, "Stopped") == 0;
        if (n >= 0)
                free(processes);
        return stopped;
}

/* SIGSTOP is followed only in the foreground of a terminal, where a shell waits for us. */
static void follow_stop(const struct program *program, int signal) {
        if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
                signal_take_effect(signal);
        else if (signal == SIGSTOP && foreground_is_ours(&program->foreground) && !is_stopped_process(program))
                kill(getpid(), SIGSTOP);
}

static bool is_continued(void) {
        const struct timespec now = { 0 };
        sigset_t one;

        sigemptyset(&one);
        sigaddset(&one, SIGCONT);
        return sigtimedwait(&one, NULL, &now) == SIGCONT;
}

/*
 * The program may have stopped or gone on, or we may have been continued. Somebody who continues us
 * means the program, too, but a shell has continued it already, and it may even have stopped again
 * since. The host reports that as a change; if it reports none, the program was not continued.
 */
static void look_at_program(const struct program *program, bool continued) {
        siginfo_t info = { 0 };

        continued = is_continued() || continued;
        if (program->pidfd >= 0 && waitid(P_PIDFD, (id_t) program->pidfd, &info, WSTOPPED | WCONTINUED | WNOHANG) < 0)
                return;
        if (info.si_pid > 0 && info.si_code == CLD_STOPPED)
                follow_stop(program, info.si_status);
        else if (info.si_pid == 0 && continued)
                send_to_program(program, SIGCONT);
}

/* The terminal sends to a whole group. The program may do the same, and must not get it back. */
static bool has_it_already(const struct program *program, const siginfo_t *info) {
        if (info->si_code == SI_KERNEL)
                return getpgid(program->host_pid) == getpgrp();
        return info->si_pid == program->host_pid && program->host_pid > 0;
}

static void on_signal(struct program *program, const siginfo_t *info) {
        if (info->si_signo == SIGCHLD || info->si_signo == SIGCONT) {
                look_at_program(program, info->si_signo == SIGCONT);
                return;
        }
        if (info->si_signo == SIGINT && info->si_code == SI_KERNEL)
                program->interrupted = true;
        if (!has_it_already(program, info))
                send_to_program(program, info->si_signo);
}

/* ---- time ------------------------------------------------------------------------------------ */

static struct timespec time_after(double seconds) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        if (seconds > 1e9) /* thirty years: as good as never */
                seconds = 1e9;
        time.tv_sec += (time_t) seconds;
        time.tv_nsec += (long) ((seconds - floor(seconds)) * NSEC_PER_SEC);
        if (time.tv_nsec >= NSEC_PER_SEC) {
                time.tv_sec++;
                time.tv_nsec -= NSEC_PER_SEC;
        }
        return time;
}

/* Returns 0 if the deadline has passed. */
static struct timespec time_until(const struct timespec *deadline) {
        struct timespec now, left;

        clock_gettime(CLOCK_MONOTONIC, &now);
        left.tv_sec = deadline->tv_sec - now.tv_sec;
        left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
        if (left.tv_nsec < 0) {
                left.tv_sec--;
                left.tv_nsec += NSEC_PER_SEC;
        }
        return left.tv_sec < 0 ? (struct timespec){ 0 } : left;
}

static bool is_timed(const struct program *program) {
        return program->timeout_s > 0 && program->stage < STAGE_KILLED;
}

static bool is_late(const struct program *program) {
        struct timespec left = time_until(&program->deadline);

        return is_timed(program) && left.tv_sec == 0 && left.tv_nsec == 0;
}

/* SIGCONT, because a stopped program would not end. */
static void on_deadline(struct program *program) {
        program->stage++;
        send_to_all(program, program->stage == STAGE_KILLED ? SIGKILL : SIGTERM);
        send_to_all(program, SIGCONT);
        program->deadline = time_after(program->grace_s);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *attend(void *userdata) {
        struct program *program = userdata;
        int signal = 0;

        pass_early_on(program);
        look_at_program(program, false); /* it may have been quick */
        while (signal >= 0) {
                struct timespec left = time_until(&program->deadline);
                siginfo_t info;

                signal = signal_thread_wait(&program->thread, &info, is_timed(program) ? &left : NULL);
                if (signal > 0)
                        on_signal(program, &info);
                else if (signal == 0 && is_late(program))
                        on_deadline(program);
        }
        return NULL;
}

int program_signals_begin(struct program *program) {
        signal_thread_block(&program->thread);
        find_host_process(program);
        program->deadline = time_after(program->timeout_s);
        return signal_thread_begin(&program->thread, attend, program);
}

void program_signals_end(struct program *program) {
        for (size_t i = 0; i < N_PASSED_ON; i++)
                if (!signal_is_ignored(passed_on[i]))
                        signal(passed_on[i], SIG_DFL);
        signal_thread_end(&program->thread);
}
