/* SPDX-License-Identifier: MIT */
/*
 * What a kernel of processes, signals, descriptors and pipes should do, in its simplest form:
 * arrays and loops.
 *
 * The model knows nothing of the daemon. Process 0 is the test itself: nobody ends or stops it. An
 * operation changes the model and gives the result that the kernel must give. Where a signal's
 * handler is due the model keeps it pending until model_take(), as a library does that runs
 * handlers at the end of its calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_PROCESSES = 12, MODEL_FDS = 32, MODEL_OBJECTS = 512, MODEL_SIGNALS = 32, MODEL_PIPE = 16384 };
enum { MODEL_NONE = -1, MODEL_CONSOLE = 0 }; /* an object; the console is always there */

enum model_state { MODEL_FREE, MODEL_RUNNING, MODEL_STOPPED, MODEL_ZOMBIE };
enum model_kind { MODEL_UNUSED, MODEL_IS_CONSOLE, MODEL_READER, MODEL_WRITER };

struct model_object {
        enum model_kind kind;
        int refs;
        int pipe; /* number of the pipe's other figures */
};

struct model_pipe {
        bool used;
        size_t used_bytes;
        uint8_t bytes[MODEL_PIPE];
};

struct model_process {
        enum model_state state;
        int pid, parent; /* parent: a number of ours, -1: init */
        uint64_t born;   /* the order in which a parent looks at its children */
        int fds[MODEL_FDS];
        uint32_t blocked;
        uint8_t actions[MODEL_SIGNALS];
        int pending[MODEL_SIGNALS], n_pending;
        bool permit;
        bool has_report;
        int kind, code; /* of the report */
};

struct model {
        struct model_process processes[MODEL_PROCESSES];
        struct model_object objects[MODEL_OBJECTS];
        struct model_pipe pipes[MODEL_OBJECTS / 2];
        uint64_t births;
};

void model_init(struct model *model, int pid);

/* The slot that a child would get; -1: none is free. */
int model_free_slot(const struct model *model);
void model_spawn(struct model *model, int parent, int slot, int pid);
void model_exit(struct model *model, int process, int code);

int model_kill(struct model *model, int target, int signal);
int model_block(struct model *model, int process, int signal);
int model_unblock(struct model *model, int process, int signal);
int model_set_action(struct model *model, int process, int signal, int action);
/* The next handler to run; 0: none. */
int model_take(struct model *model, int process);

/* ax_wait(-1, NOHANG): a pid, 0, or an error; fills in the report. */
int model_wait(struct model *model, int process, int *ret_kind, int *ret_code);

int model_dup(struct model *model, int process, int fd);
int model_dup2(struct model *model, int process, int fd, int newfd);
int model_close(struct model *model, int process, int fd);
int model_pipe(struct model *model, int process, int fds[2]);
int model_read(struct model *model, int process, int fd, uint8_t *buf, int size);
/* An EPIPE raises SIGPIPE, which may end the process. */
int model_write(struct model *model, int process, int fd, const uint8_t *buf, int size);

int model_count_fds(const struct model *model, int process);
bool model_is_full(const struct model *model, int process);
