/* SPDX-License-Identifier: MIT */
/*
 * /proc: what the kernel knows, as files. Each file is a row of a table: name, mode, and the
 * function that makes its text. Texts are made when a file is opened, so that a reader sees one
 * moment.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/region.h"
#include "memory/shm.h"
#include "object/text.h"
#include "printable.h"
#include "process/process.h"
#include "synthetic/metrics.h"
#include "synthetic/trees.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/identity.h"
#include "util/string_list.h"
#include "vfs/store.h"
#include "vfs/synthetic.h"
#include "vfs/vfs.h"

struct row {
        const char *name;
        mode_t mode; /* with the type */
        /* Files: writes the text. `process` is NULL for rows of the top directory. */
        int (*text)(FILE *out, struct kernel *kernel, const struct process *process);
        /* Symlinks: length of the text. */
        int (*link)(const struct process *process, char *buffer, size_t size);
};

static int text_uptime(FILE *out, struct kernel *kernel, const struct process *process) {
        uint64_t age_usec = clock_usec() - kernel->started_usec;

        (void) process;
        return fprintf(out, "%llu.%02llu\n", (unsigned long long) (age_usec / 1000000),
                       (unsigned long long) (age_usec / 10000 % 100));
}

static int text_version(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) kernel;
        (void) process;
        return fprintf(out, "axeberg version %s\n", AXEBERG_VERSION);
}

/* As getmntent(3) reads it: spaces, backslashes and bytes of what is not printable are octal. */
static void put_field(FILE *out, const char *text, char end) {
        size_t left = strlen(text), length;

        for (; left > 0; text += length, left -= length) {
                uint32_t character;

                length = utf8_decode(text, left, &character);
                if (length > 0 && character_is_printable(character) && character != ' ' && character != '\\') {
                        fwrite(text, 1, length, out);
                        continue;
                }
                length = 1; /* the character's other bytes are none by themselves */
                fprintf(out, "\\%03o", (unsigned char) *text);
        }
        fputc(end, out);
}

static int text_mounts(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) process;
        for (size_t i = 0; i < kernel->vfs.n_mounts; i++) {
                const struct mount *mount = &kernel->vfs.mounts[i];

                put_field(out, mount->store ? mount->store->source : mount->backend, ' ');
                put_field(out, mount->path, ' ');
                fprintf(out, "%s rw 0 0\n", mount->backend);
        }
        return 0;
}

/* As proc_pid_status(5) has it: bit n - 1 is signal n. */
static void text_signals(FILE *out, const struct signal_state *signals) {
        fprintf(out, "SigPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n", signal_pending_mask(signals),
                signal_blocked_mask(signals), signal_action_mask(signals, AX_SIGNAL_IGNORE),
                signal_action_mask(signals, AX_SIGNAL_HANDLE));
}

static int text_status(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) kernel;
        fprintf(out, "Name:\t%s\nState:\t%s\nPid:\t%d\nPPid:\t%d\nGroup:\t%d\n", process_command(process),
                process_state_name(process->state), process->pid, process->parent ? process->parent->pid : 0,
                process->group);
        fprintf(out, "Uid:\t%u\nGid:\t%u\nGroups:\t", (unsigned) process->identity->uid,
                (unsigned) process->identity->gid);
        for (size_t i = 0; i < process->identity->n_groups; i++)
                fprintf(out, "%u ", (unsigned) process->identity->groups[i]);
        fprintf(out, "\nUmask:\t%04o\nHostPid:\t%d\nFDs:\t%u\nFDLimit:\t%u\nParked:\t%u\nCalls:\t%llu\n",
                (unsigned) process->umask, (int) process->host_pid, process->fds.n_open, process->fds.limit,
                process->parked, (unsigned long long) process_figures(process).calls);
        fprintf(out, "Memory:\t%llu\nMemoryLimit:\t%llu\n", (unsigned long long) process->regions.account.used,
                (unsigned long long) process->regions.account.limit);
        fprintf(out, "Tasks:\t%u\nTimers:\t%u\n", process->n_tasks, process->n_timers);
        text_signals(out, &process->signals);
        return 0;
}

static int text_meminfo(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) process;
        return fprintf(out, "Allocated:\t%llu\nLimit:\t%llu\nPeak:\t%llu\nSegments:\t%u\nSegmentBytes:\t%llu\n",
                       (unsigned long long) kernel->memory.account.used,
                       (unsigned long long) kernel->memory.account.limit,
                       (unsigned long long) kernel->memory.account.peak, HASH_COUNT(kernel->memory.segments),
                       (unsigned long long) kernel->memory.segment_bytes);
}

/* More lines than this would take the kernel's thread for too long. */
enum { MAX_MAPS = 4096 };

/* One line for each region: id, size in bytes, protection, and the segment of an attachment. */
static int text_maps(FILE *out, struct kernel *kernel, const struct process *process) {
        size_t count = 0;

        (void) kernel;
        for (size_t i = 0; i < process->regions.size && count < MAX_MAPS; i++) {
                const struct region *region = process->regions.slots[i];

                if (!region)
                        continue;
                count++;
                fprintf(out, "%llu %zu %c%c%c", (unsigned long long) region->id, region->size,
                        region->protection & 1 ? 'r' : '-', region->protection & 2 ? 'w' : '-',
                        region->protection & 4 ? 'x' : '-');
                if (region->shm)
                        fprintf(out, " shm:%llu%s", (unsigned long long) region->shm->id,
                                region->map ? "" : " coherent");
                fputc('\n', out);
        }
        if (process->regions.count > count)
                fprintf(out, "# and %zu more\n", process->regions.count - count);
        return 0;
}

static int text_cmdline(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) kernel;
        fwrite(process->command_line, 1, process->command_line_size, out);
        return 0;
}

static int link_cwd(const struct process *process, char *buffer, size_t size) {
        if (!process->cwd)
                return -ENOENT;
        return object_describe(process->cwd, buffer, size);
}

static int text_trace(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) process;
        trace_write(out, kernel);
        return 0;
}

static int text_metrics(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) process;
        metrics_write(out, kernel);
        return 0;
}

/* The first fields of proc_pid_stat(5), with the state's first letter. */
static int text_stat(FILE *out, struct kernel *kernel, const struct process *process) {
        (void) kernel;
        return fprintf(out, "%d (%s) %c %d %d\n", process->pid, process_command(process),
                       *process_state_name(process->state), process->parent ? process->parent->pid : 0, process->group);
}

/* The first lines of proc_pid_io(5). */
static int text_io(FILE *out, struct kernel *kernel, const struct process *process) {
        const struct process_figures figures = process_figures(process);

        (void) kernel;
        return fprintf(out, "rchar: %llu\nwchar: %llu\n", (unsigned long long) figures.bytes_read,
                       (unsigned long long) figures.bytes_written);
}

static const struct row self_row = { "self", S_IFLNK | 0777, NULL, NULL };
static const struct row fd_row = { "fd", S_IFDIR | 0500, NULL, NULL };

/* In the order of their names. */
static const struct row top_rows[] = {
        { "meminfo", S_IFREG | 0444, text_meminfo, NULL },
        { "metrics", S_IFREG | 0444, text_metrics, NULL },
        { "mounts", S_IFREG | 0444, text_mounts, NULL },
        { "trace", S_IFREG | 0400, text_trace, NULL }, /* of all users */
        { "uptime", S_IFREG | 0444, text_uptime, NULL },
        { "version", S_IFREG | 0444, text_version, NULL },
};

static const struct row process_rows[] = {
        { "status", S_IFREG | 0444, text_status, NULL }, { "cmdline", S_IFREG | 0444, text_cmdline, NULL },
        { "stat", S_IFREG | 0444, text_stat, NULL },     { "io", S_IFREG | 0400, text_io, NULL },
        { "maps", S_IFREG | 0400, text_maps, NULL },     { "cwd", S_IFLNK | 0700, NULL, link_cwd },
};

#define N_ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct row *find_row(const struct row *rows, size_t n_rows, const char *name) {
        for (size_t i = 0; i < n_rows; i++)
                if (strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

/* A decimal number as the tree itself writes it; -1 if the name is anything else. */
static int parse_number(const char *name) {
        char *end, again[16];
        long number;

        errno = 0;
        number = strtol(name, &end, 10);
        if (errno || *end || number < 0 || number > INT32_MAX)
                return -1;
        snprintf(again, sizeof(again), "%ld", number);
        return strcmp(again, name) == 0 ? (int) number : -1;
}

static bool is_process_directory(const struct synthetic_node *node) {
        return node->pid > 0 && !node->row;
}

static bool is_fd_directory(const struct synthetic_node *node) {
        return node->row == &fd_row && node->fd < 0;
}

static int lookup_top(struct kernel *kernel, const char *name, struct synthetic_node *ret) {
        const struct row *row =
                strcmp(name, self_row.name) == 0 ? &self_row : find_row(top_rows, N_ROWS(top_rows), name);
        int pid = parse_number(name);

        *ret = (struct synthetic_node){ .row = row, .fd = -1 };
        if (row)
                return 0;
        if (pid <= 0 || !process_from_pid(&kernel->processes, pid))
                return -ENOENT;
        ret->pid = pid;
        return 0;
}

static int procfs_lookup(void *userdata, const struct synthetic_node *directory, const char *name,
                         struct synthetic_node *ret) {
        struct kernel *kernel = userdata;
        const struct process *process = process_from_pid(&kernel->processes, directory->pid);

        if (directory->pid == 0)
                return lookup_top(kernel, name, ret);
        if (!process)
                return -ENOENT;
        *ret = (struct synthetic_node){ .pid = directory->pid, .fd = -1 };
        if (is_process_directory(directory)) {
                ret->row =
                        strcmp(name, fd_row.name) == 0 ? &fd_row : find_row(process_rows, N_ROWS(process_rows), name);
                return ret->row ? 0 : -ENOENT;
        }
        ret->row = &fd_row;
        ret->fd = parse_number(name);
        return fdtable_get(&process->fds, ret->fd) ? 0 : -ENOENT;
}

static mode_t node_mode(const struct synthetic_node *node) {
        const struct row *row = node->row;

        if (node->fd >= 0)
                return S_IFLNK | 0700;
        return row ? row->mode : S_IFDIR | 0555;
}

/*
 * Top byte: the tree; then the process; then the descriptor or the row. Stable as long as the thing
 * lives.
 */
static uint64_t node_ino(const struct synthetic_node *node) {
        const struct row *row = node->row;
        uint64_t process = (uint64_t) (uint32_t) node->pid << 24, what = 1;

        if (node->fd >= 0)
                return UINT64_C(0xFD) << 56 | process | (uint64_t) node->fd;
        for (const char *letter = row ? row->name : ""; *letter; letter++)
                what = what * 131 + (unsigned char) *letter;
        return UINT64_C(0xFF) << 56 | process | (what & 0xFFFFFF);
}

static int procfs_stat(void *userdata, const struct synthetic_node *node, struct statx *ret) {
        const struct kernel *kernel = userdata;
        const struct process *process = process_from_pid(&kernel->processes, node->pid);
        uint64_t age_usec;

        if (node->pid > 0 && !process)
                return -ENOENT;
        if (node->fd >= 0 && !fdtable_get(&process->fds, node->fd))
                return -ENOENT;
        ret->stx_mode = (uint16_t) node_mode(node);
        ret->stx_nlink = S_ISDIR(ret->stx_mode) ? 2 : 1;
        ret->stx_ino = node_ino(node);
        if (process) {
                ret->stx_uid = process->identity->uid;
                ret->stx_gid = process->identity->gid;
        }
        age_usec = clock_usec() - (process ? process->started_usec : kernel->started_usec);
        ret->stx_mtime.tv_sec = time(NULL) - (int64_t) (age_usec / 1000000);
        ret->stx_atime = ret->stx_ctime = ret->stx_btime = ret->stx_mtime;
        return 0;
}

static int list_rows(struct string_list *names, const struct row *rows, size_t n_rows) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_rows; i++)
                r = string_list_add(names, rows[i].name);
        return r;
}

static int add_number(struct string_list *names, int number) {
        char name[16];

        snprintf(name, sizeof(name), "%d", number);
        return string_list_add(names, name);
}

enum { MAX_DIGITS = 7 };

/*
 * Pids of equal length are in the same order as numbers and as names: `next` to `end` are those of
 * one length.
 */
struct pid_run {
        const uint64_t *next, *end;
        uint64_t factor; /* makes all lengths comparable: 45 comes before 450, and that before 46 */
};

static void find_runs(const struct id_list *pids, struct pid_run runs[static MAX_DIGITS]) {
        uint64_t least = 1, factor = 1000000;

        for (int i = 0; i < MAX_DIGITS; i++, least *= 10, factor /= 10)
                runs[i] = (struct pid_run){
                        .next = pids->ids + id_list_find_after(pids, least - 1),
                        .end = pids->ids + id_list_find_after(pids, least * 10 - 1),
                        .factor = factor,
                };
}

static struct pid_run *first_run(struct pid_run runs[static MAX_DIGITS]) {
        struct pid_run *first = NULL;

        for (int i = 0; i < MAX_DIGITS; i++)
                if (runs[i].next < runs[i].end &&
                    (!first || *runs[i].next * runs[i].factor < *first->next * first->factor))
                        first = &runs[i];
        return first;
}

/* The pids in the order of their names, so that they need not be sorted: there may be many. */
static int list_pids(const struct id_list *pids, struct string_list *names) {
        struct pid_run runs[MAX_DIGITS], *run;
        int r = 0;

        if (pids->count == 0)
                return 0;
        find_runs(pids, runs);
        while (r == 0 && (run = first_run(runs)))
                r = add_number(names, (int) *run->next++);
        return r;
}

static int list_top(struct kernel *kernel, struct string_list *names) {
        bool self = false;
        int r = list_pids(&kernel->processes.pids, names);

        for (size_t i = 0; r == 0 && i < N_ROWS(top_rows); i++) {
                if (!self && strcmp(top_rows[i].name, self_row.name) > 0) {
                        self = true;
                        r = string_list_add(names, self_row.name);
                }
                if (r == 0)
                        r = string_list_add(names, top_rows[i].name);
        }
        return r;
}

static int procfs_list(void *userdata, const struct synthetic_node *directory, struct string_list *names) {
        struct kernel *kernel = userdata;
        const struct process *process = process_from_pid(&kernel->processes, directory->pid);
        int r;

        if (directory->pid == 0)
                return list_top(kernel, names);
        if (!process)
                return -ENOENT;
        if (is_process_directory(directory)) {
                r = list_rows(names, process_rows, N_ROWS(process_rows));
                return r < 0 ? r : string_list_add(names, fd_row.name);
        }
        r = 0;
        for (unsigned fd = 0; r == 0 && fd < process->fds.size; fd++)
                if (process->fds.entries[fd].object)
                        r = add_number(names, (int) fd);
        return r;
}

static int procfs_readlink(void *userdata, const struct process *viewer, const struct synthetic_node *node,
                           char *buffer, size_t size) {
        const struct kernel *kernel = userdata;
        const struct process *process = process_from_pid(&kernel->processes, node->pid);
        const struct row *row = node->row;
        struct object *object;

        if (row == &self_row)
                return snprintf(buffer, size, "%d", viewer->pid);
        if (!process)
                return -ENOENT;
        if (!process_may_inspect(viewer, process))
                return -EACCES;
        if (node->fd < 0)
                return row->link(process, buffer, size);
        object = fdtable_get(&process->fds, node->fd);
        return object ? object_describe(object, buffer, size) : -ENOENT;
}

/* Makes the text of a file. Returns 0 or -ENOMEM. */
static int make_text(struct kernel *kernel, const struct row *row, const struct process *process, char **ret,
                     size_t *ret_size) {
        FILE *out;

        *ret = NULL;
        *ret_size = 0;
        out = open_memstream(ret, ret_size);
        if (!out)
                return -ENOMEM;
        row->text(out, kernel, process);
        if (fclose(out) == 0)
                return 0;
        free(*ret);
        return -ENOMEM;
}

static int procfs_open(void *userdata, const struct synthetic_node *node, const struct statx *status, unsigned flags,
                       struct user *user, struct object **ret) {
        struct kernel *kernel = userdata;
        const struct process *process = process_from_pid(&kernel->processes, node->pid);
        const struct row *row = node->row;
        char *text, path[64];
        size_t size;
        int r;

        if (flags & AX_O_WRITE)
                return -EACCES;
        if (is_process_directory(node) || is_fd_directory(node) || !row)
                return -EISDIR;
        r = make_text(kernel, row, process, &text, &size);
        if (r < 0)
                return r;
        if (process)
                snprintf(path, sizeof(path), "/proc/%d/%s", process->pid, row->name);
        else
                snprintf(path, sizeof(path), "/proc/%s", row->name);
        r = text_object_new(ret, user, text, size, path, status);
        if (r < 0)
                free(text);
        return r;
}

const struct synthetic_ops procfs_ops = {
        .lookup = procfs_lookup,
        .stat = procfs_stat,
        .list = procfs_list,
        .readlink = procfs_readlink,
        .open = procfs_open,
};
