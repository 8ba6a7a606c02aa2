/* SPDX-License-Identifier: MIT */
#include "process_model.h"

#include <errno.h>
#include <string.h>

#include "axeberg.h"

void model_init(struct model *model, int pid) {
        struct model_process *root = &model->processes[0];

        memset(model, 0, sizeof(*model));
        model->objects[MODEL_CONSOLE] = (struct model_object){ .kind = MODEL_IS_CONSOLE, .refs = 3 };
        root->state = MODEL_RUNNING;
        root->pid = pid;
        root->parent = -1;
        for (int fd = 0; fd < MODEL_FDS; fd++)
                root->fds[fd] = fd < 3 ? MODEL_CONSOLE : MODEL_NONE;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static int lowest_free(const struct model_process *process) {
        for (int fd = 0; fd < MODEL_FDS; fd++)
                if (process->fds[fd] == MODEL_NONE)
                        return fd;
        return -EMFILE;
}

static int object_at(const struct model_process *process, int fd) {
        return fd >= 0 && fd < MODEL_FDS ? process->fds[fd] : MODEL_NONE;
}

static int count_ends(const struct model *model, int pipe, enum model_kind kind) {
        int count = 0;

        for (int i = 0; i < MODEL_OBJECTS; i++)
                if (model->objects[i].kind == kind && model->objects[i].pipe == pipe)
                        count++;
        return count;
}

static void put_object(struct model *model, struct model_process *process, int fd, int object) {
        process->fds[fd] = object;
        model->objects[object].refs++;
}

static void drop_object(struct model *model, struct model_process *process, int fd) {
        struct model_object *object = &model->objects[process->fds[fd]];

        process->fds[fd] = MODEL_NONE;
        if (--object->refs > 0 || object->kind == MODEL_IS_CONSOLE)
                return;
        object->kind = MODEL_UNUSED;
        if (count_ends(model, object->pipe, MODEL_READER) + count_ends(model, object->pipe, MODEL_WRITER) == 0)
                model->pipes[object->pipe].used = false;
}

int model_dup(struct model *model, int p, int fd) {
        struct model_process *process = &model->processes[p];
        int object = object_at(process, fd), newfd = lowest_free(process);

        if (object == MODEL_NONE)
                return -EBADF;
        put_object(model, process, newfd, object);
        return newfd;
}

int model_dup2(struct model *model, int p, int fd, int newfd) {
        struct model_process *process = &model->processes[p];
        int object = object_at(process, fd);

        if (object == MODEL_NONE)
                return -EBADF;
        if (fd == newfd)
                return newfd;
        if (process->fds[newfd] != MODEL_NONE)
                drop_object(model, process, newfd);
        put_object(model, process, newfd, object);
        return newfd;
}

int model_close(struct model *model, int p, int fd) {
        struct model_process *process = &model->processes[p];

        if (object_at(process, fd) == MODEL_NONE)
                return -EBADF;
        drop_object(model, process, fd);
        return 0;
}

static int new_object(struct model *model, enum model_kind kind, int pipe) {
        for (int i = 1; i < MODEL_OBJECTS; i++)
                if (model->objects[i].kind == MODEL_UNUSED) {
                        model->objects[i] = (struct model_object){ .kind = kind, .pipe = pipe };
                        return i;
                }
        return MODEL_NONE;
}

int model_pipe(struct model *model, int p, int fds[2]) {
        struct model_process *process = &model->processes[p];
        int pipe = 0;

        while (model->pipes[pipe].used)
                pipe++;
        model->pipes[pipe].used = true;
        model->pipes[pipe].used_bytes = 0;
        fds[0] = lowest_free(process);
        put_object(model, process, fds[0], new_object(model, MODEL_READER, pipe));
        fds[1] = lowest_free(process);
        put_object(model, process, fds[1], new_object(model, MODEL_WRITER, pipe));
        return 0;
}

int model_read(struct model *model, int p, int fd, uint8_t *buf, int size) {
        int number = object_at(&model->processes[p], fd);
        const struct model_object *object = &model->objects[number == MODEL_NONE ? 0 : number];
        struct model_pipe *pipe = &model->pipes[object->pipe];
        size_t n = (size_t) size;

        if (number == MODEL_NONE || object->kind != MODEL_READER)
                return -EBADF;
        if (pipe->used_bytes == 0)
                return count_ends(model, object->pipe, MODEL_WRITER) > 0 ? -EAGAIN : 0;
        if (n > pipe->used_bytes)
                n = pipe->used_bytes;
        memcpy(buf, pipe->bytes, n);
        pipe->used_bytes -= n;
        memmove(pipe->bytes, pipe->bytes + n, pipe->used_bytes);
        return (int) n;
}

int model_write(struct model *model, int p, int fd, const uint8_t *buf, int size) {
        int number = object_at(&model->processes[p], fd);
        const struct model_object *object = &model->objects[number == MODEL_NONE ? 0 : number];
        struct model_pipe *pipe = &model->pipes[object->pipe];

        if (number == MODEL_NONE || object->kind != MODEL_WRITER)
                return -EBADF;
        if (count_ends(model, object->pipe, MODEL_READER) == 0) {
                model_kill(model, p, AX_SIGPIPE);
                return -EPIPE;
        }
        memcpy(pipe->bytes + pipe->used_bytes, buf, (size_t) size);
        pipe->used_bytes += (size_t) size;
        return size;
}

bool model_is_full(const struct model *model, int p) {
        const struct model_process *process = &model->processes[p];

        for (int fd = 0; fd < MODEL_FDS; fd++)
                if (process->fds[fd] != MODEL_NONE &&
                    model->pipes[model->objects[process->fds[fd]].pipe].used_bytes > MODEL_PIPE / 2)
                        return true;
        return model_count_fds(model, p) > MODEL_FDS - 4;
}

int model_count_fds(const struct model *model, int p) {
        int count = 0;

        for (int fd = 0; fd < MODEL_FDS; fd++)
                if (model->processes[p].fds[fd] != MODEL_NONE)
                        count++;
        return count;
}

/* ---- signals --------------------------------------------------------------------------------- */

static bool is_ignored(const struct model_process *process, int signal) {
        int action = process->actions[signal];

        return action == AX_SIGNAL_IGNORE ||
               (action == AX_SIGNAL_DEFAULT && (signal == AX_SIGCHLD || signal == AX_SIGCONT));
}

static bool is_blocked(const struct model_process *process, int signal) {
        return process->blocked >> signal & 1;
}

static void remove_pending(struct model_process *process, int signal) {
        int kept = 0;

        for (int i = 0; i < process->n_pending; i++)
                if (process->pending[i] != signal)
                        process->pending[kept++] = process->pending[i];
        process->n_pending = kept;
}

static void add_pending(struct model_process *process, int signal) {
        remove_pending(process, 0);
        for (int i = 0; i < process->n_pending; i++)
                if (process->pending[i] == signal)
                        return;
        process->pending[process->n_pending++] = signal;
}

static void end(struct model *model, int p, int kind, int code);

/* What is pending and may act does, but handlers, which the program fetches. */
static void deliver(struct model *model, int p) {
        struct model_process *process = &model->processes[p];

        for (int i = 0; i < process->n_pending && process->state == MODEL_RUNNING;) {
                int signal = process->pending[i];

                if (is_blocked(process, signal) || process->actions[signal] == AX_SIGNAL_HANDLE) {
                        i++;
                } else if (is_ignored(process, signal)) {
                        remove_pending(process, signal);
                } else {
                        end(model, p, AX_SIGNALED, signal);
                        return;
                }
        }
}

/* A change that the parent may ask for. */
static void report(struct model *model, int p, int kind, int code) {
        struct model_process *process = &model->processes[p];

        process->kind = kind;
        process->code = code;
        process->has_report = true;
        if (process->parent >= 0)
                model_kill(model, process->parent, AX_SIGCHLD);
}

int model_kill(struct model *model, int p, int signal) {
        struct model_process *process = &model->processes[p];

        if (process->state == MODEL_ZOMBIE)
                return 0;
        if (signal == AX_SIGKILL) {
                end(model, p, AX_SIGNALED, signal);
        } else if (signal == AX_SIGSTOP) {
                remove_pending(process, AX_SIGCONT);
                if (process->state == MODEL_RUNNING) {
                        process->state = MODEL_STOPPED;
                        report(model, p, AX_STOPPED, AX_SIGSTOP);
                }
        } else {
                if (is_blocked(process, signal) || !is_ignored(process, signal))
                        add_pending(process, signal);
                if (signal == AX_SIGCONT && process->state == MODEL_STOPPED) {
                        process->state = MODEL_RUNNING;
                        report(model, p, AX_CONTINUED, AX_SIGCONT);
                }
                deliver(model, p);
        }
        return 0;
}

int model_block(struct model *model, int p, int signal) {
        struct model_process *process = &model->processes[p];
        bool was = is_blocked(process, signal);

        if (signal == AX_SIGKILL || signal == AX_SIGSTOP)
                return -AX_ESIG_CANNOT_BLOCK;
        process->blocked |= UINT32_C(1) << signal;
        return was;
}

int model_unblock(struct model *model, int p, int signal) {
        struct model_process *process = &model->processes[p];
        bool was = is_blocked(process, signal);

        process->blocked &= ~(UINT32_C(1) << signal);
        deliver(model, p);
        return was;
}

int model_set_action(struct model *model, int p, int signal, int action) {
        struct model_process *process = &model->processes[p];
        int old = process->actions[signal];

        if (signal == AX_SIGKILL || signal == AX_SIGSTOP)
                return -AX_ESIG_CANNOT_CATCH;
        process->actions[signal] = (uint8_t) action;
        if (is_ignored(process, signal))
                remove_pending(process, signal);
        deliver(model, p);
        return old;
}

int model_take(struct model *model, int p) {
        struct model_process *process = &model->processes[p];

        for (int i = 0; process->state == MODEL_RUNNING && i < process->n_pending; i++) {
                int signal = process->pending[i];

                if (is_blocked(process, signal))
                        continue;
                remove_pending(process, signal);
                return signal;
        }
        return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

int model_free_slot(const struct model *model) {
        for (int i = 0; i < MODEL_PROCESSES; i++)
                if (model->processes[i].state == MODEL_FREE)
                        return i;
        return -1;
}

void model_spawn(struct model *model, int p, int slot, int pid) {
        const struct model_process *parent = &model->processes[p];
        struct model_process *child = &model->processes[slot];

        *child = (struct model_process){ .state = MODEL_RUNNING, .pid = pid, .parent = p, .born = ++model->births };
        child->blocked = parent->blocked;
        for (int signal = 1; signal < MODEL_SIGNALS; signal++)
                if (parent->actions[signal] == AX_SIGNAL_IGNORE)
                        child->actions[signal] = AX_SIGNAL_IGNORE;
        for (int fd = 0; fd < MODEL_FDS; fd++) {
                child->fds[fd] = MODEL_NONE;
                if (parent->fds[fd] != MODEL_NONE)
                        put_object(model, child, fd, parent->fds[fd]);
        }
}

/* P3: orphans are init's, which keeps no zombie. */
static void give_children_away(struct model *model, int p) {
        for (int i = 0; i < MODEL_PROCESSES; i++) {
                struct model_process *child = &model->processes[i];

                if (child->state == MODEL_FREE || child->parent != p)
                        continue;
                child->parent = -1;
                if (child->state == MODEL_ZOMBIE)
                        child->state = MODEL_FREE;
        }
}

static void end(struct model *model, int p, int kind, int code) {
        struct model_process *process = &model->processes[p];

        process->state = MODEL_ZOMBIE;
        for (int fd = 0; fd < MODEL_FDS; fd++)
                if (process->fds[fd] != MODEL_NONE)
                        drop_object(model, process, fd);
        give_children_away(model, p);
        if (process->parent < 0 || model->processes[process->parent].actions[AX_SIGCHLD] == AX_SIGNAL_IGNORE)
                process->state = MODEL_FREE;
        else
                report(model, p, kind, code);
}

void model_exit(struct model *model, int p, int code) {
        end(model, p, AX_EXITED, code);
}

int model_wait(struct model *model, int p, int *ret_kind, int *ret_code) {
        struct model_process *first = NULL;
        int r = -ECHILD;

        for (int i = 0; i < MODEL_PROCESSES; i++) {
                struct model_process *child = &model->processes[i];

                if (child->state == MODEL_FREE || child->parent != p)
                        continue;
                r = 0;
                if (child->has_report && (!first || child->born < first->born))
                        first = child;
        }
        if (!first)
                return r;
        *ret_kind = first->kind;
        *ret_code = first->code;
        first->has_report = false;
        if (first->state == MODEL_ZOMBIE)
                first->state = MODEL_FREE;
        return first->pid;
}
