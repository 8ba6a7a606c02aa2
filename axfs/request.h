/* SPDX-License-Identifier: MIT */
/*
 * request.h - a request of the kernel's, and its answer, which comes last
 *
 * Once a request is answered, the kernel may send the next one about the same file to a different
 * thread, which may free what the first still uses. So only request.c can answer. An operation
 * fills in the answer and returns; thereby its cleanups have run. Then request_end() lets go of the
 * nodes, and the answer is the last thing that happens. The names of libfuse's functions that
 * answer are poisoned below: a file that uses one does not compile.
 *
 * An answer may hand something over: a lookup that the kernel has to give back, or an open file
 * that it has to release. If the kernel does not take the answer, or an operation fails after all,
 * request_end() takes these back.
 */
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

struct axfs;
struct node;
struct node_table;
struct opened;

enum { REQUEST_REPEATED = 256 };

/** What requests are answered from; libfuse hands it to each. */
struct requests {
        struct axfs *fs;
        struct node_table *nodes;
        _Atomic(uint64_t) repeated[REQUEST_REPEATED]; /* time and thread of an answer that makes the kernel repeat */
};

/* Returned by an operation if it has handed the request on, and somebody else will end it. */
enum { REQUEST_TAKEN = 1 };

enum answer_kind {
        ANSWER_DONE,
        ANSWER_ENTRY,
        ANSWER_CREATED,
        ANSWER_ATTRIBUTES,
        ANSWER_OPENED,
        ANSWER_DATA,
        ANSWER_LINK,
        ANSWER_COUNT,
        ANSWER_SIZE,
        ANSWER_POSITION,
        ANSWER_FILESYSTEM,
        ANSWER_EVENTS,
};

struct answer {
        enum answer_kind kind;
        struct fuse_entry_param entry;
        struct fuse_file_info fi;
        struct opened *opened; /* handed over */
        int32_t backing_id;    /* > 0: the kernel does the file's I/O by itself */
        struct stat attributes;
        struct statvfs filesystem;
        char *data; /* freed with the answer */
        size_t size;
        off_t position;
        unsigned events;
};

struct request {
        struct axfs *fs;
        struct requests *from;
        fuse_req_t handle;
        struct fuse_ctx caller;
        bool kernel_repeats;        /* the kernel takes ESTALE as a sign to look its name up anew */
        bool kills_setid;           /* the change must clear set-user-id and set-group-id bits */
        struct node *node, *target; /* the nodes that it is about; referenced until it is answered */
        struct answer answer;
};

/**
 * request_note_setid() - tell if the request that this thread takes up next must clear set-id bits
 */
void request_note_setid(bool kills_setid);

/**
 * request_begin() - take a request up; the thread acts as the caller (identity.h)
 * @ret: the request; to be ended by request_end()
 * @ino: the node that it is about
 *
 * Returns false if there is no such node; then the request has been answered.
 */
bool request_begin(struct request *ret, fuse_req_t handle, fuse_ino_t ino);

/**
 * request_begin_on_open() - take up a request that only touches what is open; the thread does not
 * act as the caller
 */
bool request_begin_on_open(struct request *ret, fuse_req_t handle, fuse_ino_t ino);

/** request_begin_two() - take up a request about two nodes: the second is its target */
bool request_begin_two(struct request *ret, fuse_req_t handle, fuse_ino_t ino, fuse_ino_t target);

/**
 * request_end() - answer
 * @r: what the operation returned: a negative errno, or 0 for the answer that it has filled in, or
 * REQUEST_TAKEN
 */
void request_end(struct request *request, int r);

/** request_end_silently() - end a request that has no answer (FORGET) */
void request_end_silently(fuse_req_t handle);

/*
 * ---- what an operation answers; each returns 0, so that an operation can end with it ----------
 */

/** answer_entry() - a node that has been counted for the kernel */
int answer_entry(struct request *request, const struct node *node, const struct stat *st);

/** answer_attributes() - the attributes of a file; the kernel does not keep them */
int answer_attributes(struct request *request, const struct stat *st);

/**
 * answer_opened() - an open file or directory
 * @opened: what the handle points to
 * @fi: as it came, with the flags of the answer
 * @backing_id: of passthrough.h; 0: none
 */
int answer_opened(struct request *request, struct opened *opened, const struct fuse_file_info *fi, int32_t backing_id);

/** answer_created() - a node and its open file */
int answer_created(struct request *request, const struct node *node, const struct stat *st, struct opened *opened,
                   const struct fuse_file_info *fi, int32_t backing_id);

/** answer_data() - bytes on the heap, which the answer takes over */
int answer_data(struct request *request, char *data, size_t size);

/** answer_link() - the target of a symlink, on the heap, which the answer takes over */
int answer_link(struct request *request, char *target);

/** answer_count() - how many bytes were written */
int answer_count(struct request *request, size_t count);

/** answer_size() - how much room an extended attribute needs */
int answer_size(struct request *request, size_t size);

int answer_position(struct request *request, off_t position);
int answer_filesystem(struct request *request, const struct statvfs *filesystem);

/** answer_events() - what poll(2) tells */
int answer_events(struct request *request, unsigned events);

/*
 * ---- beside that -------------------------------------------------------------------------------
 */

/**
 * request_add_entry() - write a directory's entry
 *
 * Returns the room that it needs. If that is more than @size nothing was written.
 */
size_t request_add_entry(const struct request *request, char *out, size_t size, const char *name, const struct stat *st,
                         off_t next);

/**
 * request_on_interrupt() - call a function if the caller is interrupted
 *
 * NULL: none from now on, and no call is under way.
 */
void request_on_interrupt(struct request *request, fuse_interrupt_func_t call, void *data);

#ifndef AXFS_ANSWERS
#pragma GCC poison fuse_reply_err fuse_reply_none fuse_reply_entry fuse_reply_create fuse_reply_attr
#pragma GCC poison fuse_reply_readlink fuse_reply_open fuse_reply_write fuse_reply_buf fuse_reply_data fuse_reply_iov
#pragma GCC poison fuse_reply_statfs fuse_reply_xattr fuse_reply_lock fuse_reply_bmap fuse_reply_ioctl
#pragma GCC poison fuse_reply_ioctl_retry fuse_reply_ioctl_iov fuse_reply_poll fuse_reply_lseek
#endif
