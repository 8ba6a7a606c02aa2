/* SPDX-License-Identifier: MIT */
/* request.c - see request.h */
#define AXFS_ANSWERS
#include "request.h"

#include "caching.h"
#include "identity.h"
#include "nodes.h"
#include "opened.h"
#include "store.h"
#include "util.h"
#include "wire.h"

/* Of the request that this thread has read last, which is the one that it serves. */
static _Thread_local bool kills_setid;

void request_note_setid(bool kills) {
        kills_setid = kills;
}

static bool hold(struct request *request, struct node **ret, fuse_ino_t ino) {
        *ret = node_from_id(request->from->nodes, ino);
        return *ret != NULL;
}

static bool begin(struct request *request, bool held, bool as_caller) {
        int r = held ? 0 : -ESTALE;

        if (r == 0 && as_caller && request->node->kind == NODE_STORE)
                r = identity_assume(request->caller.uid, request->caller.gid, request->kills_setid);
        if (r == 0)
                return true;
        request_end(request, r);
        return false;
}

static void fill(struct request *ret, fuse_req_t handle) {
        struct requests *from = fuse_req_userdata(handle);

        *ret = (struct request){
                .fs = from->fs,
                .from = from,
                .handle = handle,
                .caller = *fuse_req_ctx(handle),
                .kills_setid = kills_setid,
        };
}

bool request_begin(struct request *ret, fuse_req_t handle, fuse_ino_t ino) {
        fill(ret, handle);
        return begin(ret, hold(ret, &ret->node, ino), true);
}

bool request_begin_on_open(struct request *ret, fuse_req_t handle, fuse_ino_t ino) {
        fill(ret, handle);
        return begin(ret, hold(ret, &ret->node, ino), false);
}

bool request_begin_two(struct request *ret, fuse_req_t handle, fuse_ino_t ino, fuse_ino_t target) {
        fill(ret, handle);
        return begin(ret, hold(ret, &ret->node, ino) && hold(ret, &ret->target, target), true);
}

/*
 * ---- sending -----------------------------------------------------------------------------------
 */

static struct wire_open_out passthrough_answer(const struct answer *answer) {
        return (struct wire_open_out){
                .fh = answer->fi.fh,
                .open_flags = WIRE_FOPEN_PASSTHROUGH | (answer->fi.noflush ? WIRE_FOPEN_NOFLUSH : 0),
                .backing_id = answer->backing_id,
        };
}

static int send_opened(fuse_req_t handle, const struct answer *answer) {
        struct wire_open_out out = passthrough_answer(answer);

        if (answer->backing_id > 0)
                return fuse_reply_buf(handle, (const char *) &out, sizeof(out));
        return fuse_reply_open(handle, &answer->fi);
}

static struct fuse_entry_out entry_out(const struct fuse_entry_param *entry) {
        const struct stat *st = &entry->attr;

        return (struct fuse_entry_out) {
                .nodeid = entry->ino,
                .generation = entry->generation,
                .attr = {
                        .ino = st->st_ino,
                        .size = (uint64_t) st->st_size,
                        .blocks = (uint64_t) st->st_blocks,
                        .atime = (uint64_t) st->st_atim.tv_sec,
                        .mtime = (uint64_t) st->st_mtim.tv_sec,
                        .ctime = (uint64_t) st->st_ctim.tv_sec,
                        .atimensec = (uint32_t) st->st_atim.tv_nsec,
                        .mtimensec = (uint32_t) st->st_mtim.tv_nsec,
                        .ctimensec = (uint32_t) st->st_ctim.tv_nsec,
                        .mode = st->st_mode,
                        .nlink = (uint32_t) st->st_nlink,
                        .uid = st->st_uid,
                        .gid = st->st_gid,
                        .rdev = (uint32_t) st->st_rdev,
                        .blksize = (uint32_t) st->st_blksize,
                },
        };
}

static int send_created(fuse_req_t handle, const struct answer *answer) {
        struct {
                struct fuse_entry_out entry;
                struct wire_open_out open;
        } out = { entry_out(&answer->entry), passthrough_answer(answer) };

        if (answer->backing_id > 0)
                return fuse_reply_buf(handle, (const char *) &out, sizeof(out));
        return fuse_reply_create(handle, &answer->entry, &answer->fi);
}

static int send(fuse_req_t handle, const struct answer *answer) {
        switch (answer->kind) {
        case ANSWER_DONE:
                return fuse_reply_err(handle, 0);
        case ANSWER_ENTRY:
                return fuse_reply_entry(handle, &answer->entry);
        case ANSWER_CREATED:
                return send_created(handle, answer);
        case ANSWER_ATTRIBUTES:
                return fuse_reply_attr(handle, &answer->attributes, ATTRIBUTES_TIMEOUT_S);
        case ANSWER_OPENED:
                return send_opened(handle, answer);
        case ANSWER_DATA:
                return fuse_reply_buf(handle, answer->data, answer->size);
        case ANSWER_LINK:
                return fuse_reply_readlink(handle, answer->data);
        case ANSWER_COUNT:
                return fuse_reply_write(handle, answer->size);
        case ANSWER_SIZE:
                return fuse_reply_xattr(handle, answer->size);
        case ANSWER_POSITION:
                return fuse_reply_lseek(handle, answer->position);
        case ANSWER_FILESYSTEM:
                return fuse_reply_statfs(handle, &answer->filesystem);
        case ANSWER_EVENTS:
                return fuse_reply_poll(handle, answer->events);
        }
        return fuse_reply_err(handle, EIO);
}

/*
 * The kernel does not know what the answer would have handed over, so it cannot have given it back.
 */
static void take_back(struct requests *from, const struct answer *answer) {
        if (answer->opened)
                opened_close(answer->opened);
        if (answer->entry.ino != 0)
                node_table_forget(from->nodes, answer->entry.ino, 1);
}

/*
 * Returns true if this thread got the same answer within the last second or two: the kernel repeats
 * a call once.
 */
static bool is_repeated(const struct request *request) {
        uint32_t pid = (uint32_t) request->caller.pid;
        _Atomic(uint64_t) *last = &request->from->repeated[pid % REQUEST_REPEATED];
        struct timespec now;
        uint64_t seen;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        seen = atomic_exchange(last, (uint64_t) now.tv_sec << 32 | pid);
        if ((uint32_t) seen != pid || (uint64_t) now.tv_sec - (seen >> 32) > 1)
                return false;
        atomic_store(last, 0);
        return true;
}

/*
 * Programs know ESTALE from network filesystems only. Here it stands for a file that has gone. A
 * name that changes again while the kernel repeats the call has gone, too.
 */
static int error_for_caller(const struct request *request, int r) {
        return r == -ESTALE && (!request->kernel_repeats || is_repeated(request)) ? -ENOENT : r;
}

void request_end(struct request *request, int r) {
        if (r == REQUEST_TAKEN)
                return;
        r = error_for_caller(request, r);
        node_unref(request->node);
        node_unref(request->target);
        if (r < 0) {
                take_back(request->from, &request->answer);
                fuse_reply_err(request->handle, -r);
        } else if (send(request->handle, &request->answer) < 0) {
                take_back(request->from, &request->answer);
        }
        free(request->answer.data);
}

void request_end_silently(fuse_req_t handle) {
        fuse_reply_none(handle);
}

/*
 * ---- filling in --------------------------------------------------------------------------------
 */

static void fill_entry(struct answer *answer, const struct node *node, const struct stat *st) {
        answer->entry = (struct fuse_entry_param){ .ino = node->id,
                                                   .generation = node->generation,
                                                   .attr = *st,
                                                   .attr_timeout = ATTRIBUTES_TIMEOUT_S,
                                                   .entry_timeout = NAME_TIMEOUT_S };
        if (node->kind == NODE_STORE)
                answer->entry.attr.st_ino = store_ino(node->store, st->st_ino);
}

static void fill_opened(struct answer *answer, struct opened *opened, const struct fuse_file_info *fi,
                        int32_t backing_id) {
        answer->opened = opened;
        answer->fi = *fi;
        answer->fi.fh = (uintptr_t) opened;
        answer->backing_id = backing_id;
}

int answer_entry(struct request *request, const struct node *node, const struct stat *st) {
        request->answer.kind = ANSWER_ENTRY;
        fill_entry(&request->answer, node, st);
        return 0;
}

int answer_attributes(struct request *request, const struct stat *st) {
        request->answer.kind = ANSWER_ATTRIBUTES;
        request->answer.attributes = *st;
        return 0;
}

int answer_opened(struct request *request, struct opened *opened, const struct fuse_file_info *fi, int32_t backing_id) {
        request->answer.kind = ANSWER_OPENED;
        fill_opened(&request->answer, opened, fi, backing_id);
        return 0;
}

int answer_created(struct request *request, const struct node *node, const struct stat *st, struct opened *opened,
                   const struct fuse_file_info *fi, int32_t backing_id) {
        request->answer.kind = ANSWER_CREATED;
        fill_entry(&request->answer, node, st);
        fill_opened(&request->answer, opened, fi, backing_id);
        return 0;
}

int answer_data(struct request *request, char *data, size_t size) {
        request->answer.kind = ANSWER_DATA;
        request->answer.data = data;
        request->answer.size = size;
        return 0;
}

int answer_link(struct request *request, char *target) {
        request->answer.kind = ANSWER_LINK;
        request->answer.data = target;
        return 0;
}

int answer_count(struct request *request, size_t count) {
        request->answer.kind = ANSWER_COUNT;
        request->answer.size = count;
        return 0;
}

int answer_size(struct request *request, size_t size) {
        request->answer.kind = ANSWER_SIZE;
        request->answer.size = size;
        return 0;
}

int answer_position(struct request *request, off_t position) {
        request->answer.kind = ANSWER_POSITION;
        request->answer.position = position;
        return 0;
}

int answer_filesystem(struct request *request, const struct statvfs *filesystem) {
        request->answer.kind = ANSWER_FILESYSTEM;
        request->answer.filesystem = *filesystem;
        return 0;
}

int answer_events(struct request *request, unsigned events) {
        request->answer.kind = ANSWER_EVENTS;
        request->answer.events = events;
        return 0;
}

/*
 * ---- beside that -------------------------------------------------------------------------------
 */

size_t request_add_entry(const struct request *request, char *out, size_t size, const char *name, const struct stat *st,
                         off_t next) {
        return fuse_add_direntry(request->handle, out, size, name, st, next);
}

void request_on_interrupt(struct request *request, fuse_interrupt_func_t call, void *data) {
        fuse_req_interrupt_func(request->handle, call, data);
}
