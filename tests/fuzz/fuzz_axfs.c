/* SPDX-License-Identifier: MIT */
/*
 * The handlers of axfs. This program is the host's kernel to them (axfs_kernel.h); it mounts
 * nothing.
 *
 * An operation on a directory names one; all else is the input's. What must hold: each request has
 * one answer; nothing outside of the stores changes; when all is given back nothing is held any
 * more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "axfs.h"
#include "axfs_kernel.h"
#include "axfs_requests.h"
#include "identity.h"
#include "input.h"
#include "mutator.h"
#include "opened.h"
#include "options.h"
#include "sandbox.h"
#include "session.h"
#include "store.h"
#include "target.h"
#include "util.h"
#include "wire.h"

enum { MAX_RECORDS = 200 };

static struct axfs fs;
static int outside_fd, store_fds[2];
static struct stat outside;

/* Somebody else changes the store. */
static void do_change_host(struct reader *reader) {
        static const char *const names[] = { "a", "b", "c", "home", "tmp/a", "home/a", "d" };
        int fd = store_fds[read_byte(reader) % 2], created;
        const char *name = names[read_byte(reader) % 7], *other = names[read_byte(reader) % 7];

        switch (read_byte(reader) % 7) {
        case 0:
                unlinkat(fd, name, 0);
                break;
        case 1:
                unlinkat(fd, name, AT_REMOVEDIR);
                break;
        case 2:
                renameat(fd, name, fd, other);
                break;
        case 3:
                (void) !symlinkat("../outside/secret", fd, name);
                break;
        case 4:
                mkdirat(fd, name, 0777);
                break;
        case 5:
                (void) !linkat(fd, name, fd, other, 0);
                break;
        default:
                created = openat(fd, name, O_CREAT | O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0666);
                if (created >= 0)
                        close(created);
                break;
        }
}

/* The requests, and what else happens. */
enum { CHANGE_HOST = REQUESTS, SWEEP, ACTIONS };

static void act(unsigned action, struct reader *reader) {
        if (action == CHANGE_HOST)
                do_change_host(reader);
        else if (action == SWEEP)
                descriptors_sweep(&fs.descriptors);
        else
                requests[action](reader);
}

/* ---- the mount ---------------------------------------------------------------------------- */

static void on_ready(struct axfs *ready) {
        (void) ready;
}

static int make_store(const char *name, struct store **ret, uint32_t index) {
        int fd;

        must(mkdirat(AT_FDCWD, name, 0755) == 0);
        fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(fd >= 0 && store_new(ret, fd, index) == 0);
        return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * As the daemon tells them: two stores, and two directories that it answers for itself, with which
 * there is no connection.
 */
static void make_namespace(void) {
        struct mount_point points[3] = { { .name = "tmp" }, { .name = "dev" }, { .name = "proc" } };
        struct store *root;
        struct node *node;
        struct stat status;

        must(chdir(sandbox_directory()) == 0);
        must(mkdir("outside", 0755) == 0);
        outside_fd = open("outside/secret", O_CREAT | O_RDWR | O_CLOEXEC, 0666);
        must(outside_fd >= 0 && fstat(outside_fd, &outside) == 0);
        store_fds[0] = make_store("root", &root, 0);
        store_fds[1] = make_store("tmp", &points[0].store, 1);
        if (points[0].store->handle_fd >= 0) /* as on a file system without handles: nodes are found by their names */
                close(points[0].store->handle_fd);
        points[0].store->handle_fd = -1;
        points[1].st.st_mode = points[2].st.st_mode = S_IFDIR | 0555;
        must(fstat(root->root_fd, &status) == 0 && node_new_store_root(&node, root, &status) == 0);
        node_table_set_root(&fs.nodes, node);
        namespace_replace(&fs.namespace, root, points, 3);
}

static void make_session(void) {
        static const struct fuse_init_in init = {
                .major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_readahead = 131072,
                .flags = UINT32_MAX & ~(uint32_t) FUSE_INIT_EXT,
        };
        struct reader reader = reader_of(received.bytes, 0);
        int fds[2];

        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
        kernel_fd = fds[0];
        axfs_fd = fds[1];
        must(session_mount(&fs, sandbox_directory(), "default_permissions") == 0);
        kernel_start(fs.session);
        begin_request(FUSE_INIT, 0, &reader);
        PUT(init);
        must(ask(true));
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        static const struct options options = { 0 };

        (void) argc;
        (void) argv;
        sandbox_enter();
        fs = (struct axfs){
                .options = &options,
                .ready_fd = -1,
                .on_ready = on_ready,
                .link = { .wake_fd = -1 },
                .requests = { .fs = &fs, .nodes = &fs.nodes },
        };
        pool_init(&fs.pool);
        turns_init(&fs.turns, session_threads());
        tracing_init(&fs.tracing);
        namespace_init(&fs.namespace);
        node_table_init(&fs.nodes);
        opened_init(&fs.opened, &fs);
        must(descriptors_init(&fs.descriptors, 8) == 0); /* few, so that nodes lose theirs */
        identity_prepare();
        make_namespace();
        make_session();
        return 0;
}

static void give_all_back(void) {
        struct reader reader = reader_of(received.bytes, 0);

        for (unsigned i = 0; i < OPENS; i++)
                if (opens[i].node)
                        release(&opens[i], &reader);
        for (unsigned i = 1; i < NODES; i++)
                if (nodes[i].id)
                        give_back(&nodes[i], nodes[i].lookups, &reader);
        for (unsigned i = 0; i < 2; i++)
                descriptors_sweep(&fs.descriptors);
}

static void check(unsigned files) {
        struct stat status;

        for (unsigned i = 0; i < NODE_SHARDS; i++)
                if (fs.nodes.shards[i].nodes)
                        finding("nodes are left");
        if (fs.opened.first)
                finding("open files are left");
        if (sandbox_count_files() != files)
                finding("%u descriptors are open, not %u", sandbox_count_files(), files);
        must(fstat(outside_fd, &status) == 0);
        if (status.st_ctim.tv_sec != outside.st_ctim.tv_sec || status.st_ctim.tv_nsec != outside.st_ctim.tv_nsec)
                finding("a file outside of the stores has changed");
}

/* Also what its owner has closed to everybody; nothing is followed. */
static void empty(int fd) {
        struct dirent *entry;
        DIR *directory;

        must(fchmod(fd, 0755) == 0);
        directory = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        must(directory != NULL);
        while ((entry = readdir(directory))) {
                int child;

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                    unlinkat(fd, entry->d_name, 0) == 0)
                        continue;
                (void) !fchmodat(fd, entry->d_name, 0755, 0); /* a directory: what else it may be is gone */
                child = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (child < 0)
                        continue;
                empty(child);
                close(child);
                unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
        closedir(directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct reader reader = reader_of(data, size);
        unsigned files = sandbox_count_files();
        struct record record;

        sandbox_keep_hanging();
        nodes[0] = (struct known_node){ .id = FUSE_ROOT_ID, .lookups = 1, .type = S_IFDIR };
        for (unsigned i = 0; i < MAX_RECORDS && record_next(&reader, &record); i++) {
                struct reader arguments = reader_of(record.data, record.size);

                act(record.kind % ACTIONS, &arguments);
        }
        give_all_back();
        check(files);
        empty(store_fds[0]);
        empty(store_fds[1]);
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* acting as others has taken it away */
        return 0;
}

/* ---- mutation ----------------------------------------------------------------------------- */

static void make(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        (void) mutator;
        record->kind = (uint8_t) below(random, ACTIONS);
        record->size = 4 + below(random, 24);
        for (size_t i = 0; i < record->size; i++)
                data[i] = (uint8_t) below(random, below(random, 4) ? 12 : 256);
}

static void change(const struct mutator *mutator, struct record *record, uint8_t *data, struct random *random) {
        (void) mutator;
        if (below(random, 3) && record->size > 0)
                data[below(random, (uint32_t) record->size)] = (uint8_t) below(random, below(random, 2) ? 12 : 256);
        else
                record->size = LLVMFuzzerMutate(data, record->size, 600);
}

static const struct mutator mutator = { .make = make, .change = change };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
        return mutator_mutate(&mutator, data, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size,
                                 uint8_t *out, size_t room, unsigned seed) {
        return mutator_cross(first, first_size, second, second_size, out, room, seed);
}
