/*
 * The host program of a spawned process: watched, stopped, continued and killed through its pidfd.
 *
 * A program comes to be owned by saying so itself (Start), with its pid as the host's kernel gives it: nobody can make the daemon signal a program that did
 * not ask for it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct process;

/* Zeroed: none is owned. */
struct host_process {
        sd_event_source *source; /* owns the pidfd */
        int pidfd;
        bool alive;
};

/* Takes the program over. Return: 0, -ESRCH it has ended already, negative errno. */
int host_own(struct process *process, pid_t pid);
void host_release(struct process *process);
/* SIGSTOP, SIGCONT, SIGKILL. Nothing where none is owned, or where it has taken on another user's rights. Return: whether it was sent. */
bool host_signal(const struct process *process, int signal);
