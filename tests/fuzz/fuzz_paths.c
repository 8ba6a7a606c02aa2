/* SPDX-License-Identifier: MIT */
/*
 * Path walks and what is done at their end, on trees that the input makes: symlinks, loops,
 * mounts, depths, directories that are moved away.
 *
 * The host's kernel is the judge: for the same path openat2(2) with RESOLVE_IN_ROOT, on a tree of
 * host mounts that shows the same files, finds the same file or the same error. No walk leaves the
 * stores, and each ends within a bound of system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "axeberg.h"
#include "inode.h"
#include "mutator.h"
#include "object/object.h"
#include "path_tree.h"
#include "sandbox.h"
#include "system.h"
#include "target.h"
#include "util/remove_tree.h"
#include "vfs/directory.h"
#include "vfs/operations.h"
#include "vfs/request.h"
#include "vfs/store.h"

enum {
        MAX_STEPS = 100000, /* of system calls in one request: two walks of 4096 steps, ten calls each, and room */
        MAX_RECORDS = 60,
};

static struct process *process;
static struct object *root;
static int equal_fd = -1;
static uint64_t forbidden[4]; /* inodes outside of the stores, on the same file system */

/* ---- counting -------------------------------------------------------------------------------- */

static atomic_uint steps;

ssize_t __real_readlinkat(int dir, const char *path, char *buffer, size_t size);
int __real_fstat(int fd, struct stat *ret);
int __wrap_openat(int dir, const char *path, int flags, ...);
long __wrap_syscall(long number, ...);
ssize_t __wrap_readlinkat(int dir, const char *path, char *buffer, size_t size);
int __wrap_fstat(int fd, struct stat *ret);
int __wrap_fsopen(const char *name, unsigned flags);

static void count_step(void) {
        if (atomic_fetch_add(&steps, 1) > MAX_STEPS)
                finding("a request makes more than %d system calls", MAX_STEPS);
}

__attribute__((no_sanitize("address"))) int __wrap_openat(int dir, const char *path, int flags, ...) {
        va_list arguments;
        unsigned mode;

        va_start(arguments, flags);
        mode = va_arg(arguments, unsigned);
        va_end(arguments);
        count_step();
        return __real_openat(dir, path, flags, mode);
}

/* More is taken from the stack than may have been put there. */
__attribute__((no_sanitize("address"))) long __wrap_syscall(long number, ...) {
        long values[6];
        va_list arguments;

        va_start(arguments, number);
        for (unsigned i = 0; i < 6; i++)
                values[i] = va_arg(arguments, long);
        va_end(arguments);
        count_step();
        return __real_syscall(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

ssize_t __wrap_readlinkat(int dir, const char *path, char *buffer, size_t size) {
        count_step();
        return __real_readlinkat(dir, path, buffer, size);
}

int __wrap_fstat(int fd, struct stat *ret) {
        count_step();
        return __real_fstat(fd, ret);
}

/* So ephemeral stores are directories, which the host's tree can show as well. */
int __wrap_fsopen(const char *name, unsigned flags) {
        (void) name;
        (void) flags;
        errno = ENOSYS;
        return -1;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool finished;

static void on_done(struct vfs_request *request) {
        (void) request;
        finished = true;
}

/* Returns the request, which has run; NULL, and the reason, if it could not be made. */
static struct vfs_request *run(const struct vfs_operation *operation, const char *path, const char *second,
                               unsigned flags, int *ret_result) {
        struct vfs_request *request;

        *ret_result = vfs_request_new(&request, operation, &process, path, second);
        if (*ret_result < 0)
                return NULL;
        request->flags = flags;
        request->mode = 0755;
        request->uid = (uid_t) -1;
        request->gid = (gid_t) -1;
        request->target = strdup("target");
        request->done = on_done;
        atomic_store(&steps, 0);
        finished = false;
        vfs_request_submit(request);
        while (!finished)
                must(system_turn(UINT64_MAX) >= 0);
        *ret_result = request->result;
        return request;
}

/* What inode_shown() was given. */
static uint64_t host_inode(uint64_t ino) {
        return ino >= INODE_TMP && ino <= UINT32_MAX ? ino & INODE_PART_MASK : ino & INODE_HIGH_MASK;
}

static void check_inode(const char *path, uint64_t ino) {
        if (ino >> INODE_HIGH_SHIFT > 1 && ino >> INODE_HIGH_SHIFT != INODE_MOVED)
                return; /* in no store */
        for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
                if (host_inode(ino) == forbidden[i])
                        finding("\"%s\" leads out of the store", path);
}

/* A descriptor's mount and its path there. */
struct place {
        uint64_t mount;
        char path[PATH_MAX];
};

static bool find_place(int fd, struct place *ret) {
        struct statx status;
        char link[64];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, ret->path, sizeof(ret->path) - 1);
        if (n < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0)
                return false; /* too long a path, for one */
        ret->path[n] = '\0';
        ret->mount = status.stx_mnt_id;
        return true;
}

/* A descriptor that was opened lies in a store, unless the host has moved a directory away. */
static void check_descriptor(const char *path, int fd) {
        struct place place, store;

        if (fd < 0 || the_tree.moved_away || !find_place(fd, &place))
                return;
        for (unsigned i = 0; i < 2; i++)
                if (find_place(the_tree.store_fds[i], &store) && place.mount == store.mount &&
                    strncmp(place.path, store.path, strlen(store.path)) == 0)
                        return;
        finding("\"%s\" opens %s", path, place.path);
}

/* What the host finds at a path. */
static int judge(const char *path, bool follow, struct stat *ret) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC | (follow ? 0u : (unsigned) O_NOFOLLOW),
                                .resolve = RESOLVE_IN_ROOT };
        int fd, r;

        do /* somebody on this machine has renamed something meanwhile */
                fd = (int) __real_syscall(SYS_openat2, equal_fd, path, &how, sizeof(how));
        while (fd < 0 && errno == EAGAIN);
        if (fd < 0)
                return -errno;
        r = __real_fstat(fd, ret);
        close(fd);
        return r < 0 ? -errno : 0;
}

/*
 * The path as the host's tree has it: below the working directory if it does not begin at the
 * root.
 */
static bool full_path(const char *path, char *full, size_t size) {
        char directory[PATH_MAX];
        int n;

        if (path[0] == '/' || !*path)
                return (size_t) snprintf(full, size, "%s", path) < size;
        if (object_describe(process->cwd, directory, sizeof(directory)) < 0)
                return false;
        n = snprintf(full, size, "%s/%s", directory, path);
        return (size_t) n < size;
}

/* Both have a bound of their own there. */
static bool is_bounded(int result) {
        return result == -ELOOP || result == -ENAMETOOLONG;
}

static void compare(const char *path, bool follow, int result, const struct statx *status) {
        char full[PATH_MAX];
        struct stat host = { 0 };
        int r;

        path_tree_note(path);
        if (!the_tree.judged || the_tree.moved_away || !full_path(path, full, sizeof(full)))
                return;
        path_tree_note(full);
        if (!the_tree.judged)
                return;
        r = judge(full, follow, &host);
        if (is_bounded(result) || is_bounded(r))
                return;
        if (r != result)
                finding("\"%s\" (%s) is %d (%s), for the host %d (%s)", path, follow ? "followed" : "not followed",
                        result, strerror(-result), r, strerror(-r));
        if (r == 0 && host_inode(status->stx_ino) != host.st_ino)
                finding("\"%s\" is another file than for the host (%s)", path, full);
}

static void look(struct reader *reader, bool follow, unsigned times) {
        char path[PATH_MAX + 64];
        struct vfs_request *request;
        int result;

        path_read(reader, path);
        path_repeat(path, times);
        request = run(follow ? &vfs_stat : &vfs_lstat, path, NULL, 0, &result);
        if (result == 0) {
                check_inode(path, request->status.stx_ino);
                compare(path, follow, result, &request->status);
        } else
                compare(path, follow, result, NULL);
        vfs_request_free(request);
}

static void act(struct reader *reader, uint8_t selector) {
        static const struct vfs_operation *const operations[] = {
                &vfs_open,   &vfs_open, &vfs_readdir, &vfs_mkdir,    &vfs_mkfifo, &vfs_unlink,  &vfs_rmdir,
                &vfs_rename, &vfs_link, &vfs_symlink, &vfs_readlink, &vfs_chmod,  &vfs_utimens,
        };
        static const unsigned flags[] = {
                AX_O_READ,
                AX_O_READ | AX_O_WRITE | AX_O_CREATE,
                AX_O_WRITE | AX_O_CREATE | AX_O_EXCLUSIVE,
                AX_O_WRITE | AX_O_TRUNCATE,
        };
        const struct vfs_operation *operation = operations[selector % (sizeof(operations) / sizeof(operations[0]))];
        char path[PATH_MAX + 64], second[PATH_MAX + 64];
        struct vfs_request *request;
        int result;

        path_read(reader, path);
        path_read(reader, second);
        request = run(operation, path, operation == &vfs_rename || operation == &vfs_link ? second : NULL,
                      flags[selector >> 6], &result);
        if (request)
                check_descriptor(path, request->fd);
        vfs_request_free(request);
        if (operation->creates || operation == &vfs_open) /* names in the tree that are not known to be plain */
                path_tree_note(path), path_tree_note(second);
}

static void change_directory(struct reader *reader) {
        char path[PATH_MAX + 64];
        struct object *directory;
        struct vfs_request *request;
        int result;

        path_read(reader, path);
        request = run(&vfs_chdir, path, NULL, 0, &result);
        if (result == 0 && vfs_request_take_directory(request, &directory) == 0) {
                object_unref(process->cwd);
                process->cwd = directory;
        }
        vfs_request_free(request);
}

static void do_record(const struct record *record) {
        struct reader reader = reader_of(record->data, record->size);
        enum action action = record->kind % ACTIONS;

        switch (action) {
        case CHANGE_DIRECTORY:
                change_directory(&reader);
                break;
        case LOOK:
        case LOOK_TOO:
        case LOOK_AGAIN:
                look(&reader, record->selector % 3, record->selector > 128 ? record->selector * 8u : 1);
                break;
        case ACT:
                act(&reader, record->selector);
                break;
        default:
                path_tree_build(action, the_tree.store_fds[record->selector % 2], &reader, record->selector >> 1);
                break;
        }
}

/* ---- the target ------------------------------------------------------------------------------ */

static uint64_t inode_of(const char *path) {
        struct stat status;

        must(stat(path, &status) == 0);
        return status.st_ino;
}

/* Both stores as the host can walk them, if it lets us mount. */
static void make_equal_tree(void) {
        const struct store *tmp = the_system.kernel.vfs.mounts[1].store;

        must(mkdir("equal", 0755) == 0);
        if (mount("store", "equal", NULL, MS_BIND, NULL) < 0 ||
            mount(tmp->temporary_path, "equal/tmp", NULL, MS_BIND, NULL) < 0)
                return;
        equal_fd = open("equal", O_PATH | O_DIRECTORY | O_CLOEXEC);
        must(equal_fd >= 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        char store[PATH_MAX];
        int fd;

        (void) argc;
        (void) argv;
        sandbox_enter();
        must(chdir(sandbox_directory()) == 0 && mkdir("away", 0755) == 0 && mkdir("guard", 0755) == 0);
        snprintf(store, sizeof(store), "%s/store", sandbox_directory());
        system_start((const char *const[]){ "Ephemeral", "no", "Store", store, NULL });
        for (unsigned i = 0; i < 2; i++)
                the_tree.store_fds[i] = the_system.kernel.vfs.mounts[i].store->root_fd;
        make_equal_tree();
        the_tree.away_fd = open("away", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd = open("guard/secret", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        must(the_tree.away_fd >= 0 && fd >= 0 && close(fd) == 0);
        forbidden[0] = inode_of(".");
        forbidden[1] = inode_of("away");
        forbidden[2] = inode_of("guard");
        forbidden[3] = inode_of("guard/secret");
        process = process_init_process(&the_system.kernel.processes);
        must(vfs_directory_root(&the_system.kernel.vfs, &root) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct object *before = process->cwd;
        struct reader reader = reader_of(data, size);
        struct record record;

        system_begin();
        the_tree.judged = equal_fd >= 0;
        the_tree.moved_away = false;
        process->cwd = object_ref(root);
        for (unsigned i = 0; i < MAX_RECORDS && record_next(&reader, &record); i++)
                do_record(&record);
        object_unref(process->cwd);
        process->cwd = before;
        if (the_tree.moved_away)
                must(remove_tree(the_tree.away_fd) == 0);
        system_reset();
        return 0;
}

/* ---- mutation -------------------------------------------------------------------------------- */

static size_t make_path(uint8_t *data, size_t room, struct random *random) {
        static const char *const words[] = { "a",  "b", "c", "d",   "..",   ".",    "",    "tmp",  "home",    "user",
                                             "..", "a", "b", "dev", "proc", "self", "cwd", "null", "\xc3\xa4" };
        size_t size = 0, words_known = below(random, 5) ? 13 : sizeof(words) / sizeof(words[0]);

        for (uint32_t n = below(random, below(random, 10) ? 6 : 400); n > 0; n--) {
                const char *word = words[below(random, (uint32_t) words_known)];

                if (size + strlen(word) + 2 > room)
                        break;
                if (below(random, 12))
                        data[size++] = '/';
                while (*word)
                        data[size++] = (uint8_t) *word++;
        }
        if (below(random, 10) == 0 && size < room)
                data[size++] = '/';
        if (below(random, 3) == 0 && size > 0 && data[0] == '/')
                memmove(data, data + 1, --size);
        return size;
}

static void make(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        (void) mutator;
        record->kind = (uint8_t) below(random, ACTIONS);
        record->selector = (uint8_t) below(random, 256);
        record->size = make_path(data, 4000, random);
        data[record->size++] = 0;
        record->size += make_path(data + record->size, 4000, random);
}

static void change(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        uint8_t kind = record->kind;

        switch (below(random, 4)) {
        case 0:
                record->selector = (uint8_t) below(random, 256);
                break;
        case 1:
                make(mutator, record, data, random);
                record->kind = kind;
                break;
        default:
                record->size = LLVMFuzzerMutate(data, record->size, MUTATOR_MAX_DATA);
                break;
        }
}

static const struct mutator mutator = { .make = make, .change = change };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
        return mutator_mutate(&mutator, data, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t room, unsigned seed) {
        return mutator_cross(first, first_size, second, second_size, out, room, seed);
}
