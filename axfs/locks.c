/* SPDX-License-Identifier: MIT */
/* locks.c - see locks.h */
#include "locks.h"

#include "axfs.h"
#include "lock_waits.h"
#include "util.h"

#include <sys/file.h>
#include <utlist.h>

enum {
        READ_ONLY,
        WRITABLE,
        ACCESSES,

        ASKED_OWNERS = 64, /* for who holds a lock that is in the way */

        /* How long a lock may still be held by a file that was closed before. */
        TRIES = 8,
        FIRST_PAUSE_NSEC = 20000,
};

struct lock_owner {
        struct opened opened;
        struct node *node;

        /* under the node's lock */
        uint64_t id;
        pid_t pid; /* who has locked last */
        struct open_file *via;
        int fds[ACCESSES];         /* -1: not needed yet */
        struct lock_owner *charge; /* pays for the second one; has nothing else */
        unsigned users;            /* requests that use it just now */
        bool dropped;
        UT_hash_handle hh;
        struct lock_owner *prev, *next; /* of those that have used the file last */
};

/*
 * ---- the host's locks --------------------------------------------------------------------------
 */

static int host_lock(int fd, int command, short type, const struct flock *range) {
        struct flock lock = *range;

        lock.l_type = type;
        lock.l_pid = 0;
        return fcntl(fd, command, &lock) < 0 ? negative_errno() : 0;
}

static int host_unlock(const struct lock_owner *owner, const struct flock *range) {
        int r = 0;

        for (unsigned i = 0; i < ACCESSES && r == 0; i++)
                if (owner->fds[i] >= 0)
                        r = host_lock(owner->fds[i], F_OFD_SETLK, F_UNLCK, range);
        return r;
}

/*
 * Two descriptors of one owner would exclude each other. The new lock is the writable one's; what
 * the other had in the range it loses: afterwards if both are for reading, else before. If the
 * range then cannot be had for writing, it stays locked for reading.
 */
static int host_take(const struct lock_owner *owner, int command, const struct flock *lock) {
        int fd = owner->fds[WRITABLE] >= 0 ? owner->fds[WRITABLE] : owner->fds[READ_ONLY];
        int other = fd != owner->fds[READ_ONLY] ? owner->fds[READ_ONLY] : -1;
        int r;

        if (other >= 0 && lock->l_type == F_WRLCK)
                (void) host_lock(other, F_OFD_SETLK, F_UNLCK, lock);
        r = host_lock(fd, command, lock->l_type, lock);
        if (other >= 0 && r == 0 && lock->l_type == F_RDLCK)
                (void) host_lock(other, F_OFD_SETLK, F_UNLCK, lock);
        if (other >= 0 && r < 0 && lock->l_type == F_WRLCK)
                (void) host_lock(other, F_OFD_SETLK, F_RDLCK, lock);
        return r;
}

int lock_owner_take(struct lock_owner *owner, const struct flock *lock) {
        return host_take(owner, F_OFD_SETLKW, lock);
}

/*
 * The kernel says that a file is released without waiting until we know. So a file that a program
 * has closed may hold its lock for a moment longer, and the next program must not see that.
 */
static bool try_again(unsigned tries) {
        const struct timespec pause = { .tv_nsec = (long) FIRST_PAUSE_NSEC << tries };

        return tries < TRIES && nanosleep(&pause, NULL) == 0;
}

/*
 * ---- owners ------------------------------------------------------------------------------------
 */

/* Nobody uses it, and nobody finds it. */
static void owner_end(struct axfs *fs, struct opened *opened) {
        struct lock_owner *owner = (struct lock_owner *) opened;
        struct node *node = owner->node;

        (void) fs;
        pthread_mutex_lock(&node->lock);
        if (!owner->dropped) {
                HASH_DEL(node->lock_owners, owner);
                DL_DELETE(owner->via->lock_owners, owner);
        }
        pthread_mutex_unlock(&node->lock);
        for (unsigned i = 0; i < ACCESSES; i++)
                if (owner->fds[i] >= 0)
                        close(owner->fds[i]);
        if (owner->charge)
                opened_close(&owner->charge->opened);
        free(owner);
        node_unref(node);
}

static void owner_set_via(struct lock_owner *owner, struct open_file *via) {
        if (!via || owner->via == via)
                return;
        if (owner->via)
                DL_DELETE(owner->via->lock_owners, owner);
        owner->via = via;
        DL_APPEND(via->lock_owners, owner);
}

/* Under the node's lock. Returns true if the caller has to end it. */
static bool owner_drop(struct lock_owner *owner) {
        const struct flock all = { .l_whence = SEEK_SET };

        HASH_DEL(owner->node->lock_owners, owner);
        DL_DELETE(owner->via->lock_owners, owner);
        owner->dropped = true;
        if (owner->users == 0)
                return true;
        /* A request that waits goes on to wait, and what it gets ends with it. */
        (void) host_unlock(owner, &all);
        return false;
}

void lock_owner_unref(struct lock_owner *owner) {
        struct node *node;
        bool ends;

        if (!owner)
                return;
        node = owner->node;
        pthread_mutex_lock(&node->lock);
        ends = --owner->users == 0 && owner->dropped;
        pthread_mutex_unlock(&node->lock);
        if (ends)
                opened_close(&owner->opened);
}

void locks_drop_owner(struct node *node, uint64_t id) {
        struct lock_owner *owner;
        bool ends;

        if (!atomic_load(&node->is_locked))
                return;
        pthread_mutex_lock(&node->lock);
        HASH_FIND(hh, node->lock_owners, &id, sizeof(id), owner);
        ends = owner && owner_drop(owner);
        pthread_mutex_unlock(&node->lock);
        if (ends)
                opened_close(&owner->opened);
}

void locks_drop_file(struct open_file *file) {
        struct lock_owner *owner;
        bool ends;

        do {
                pthread_mutex_lock(&file->node->lock);
                owner = file->lock_owners;
                ends = owner && owner_drop(owner);
                pthread_mutex_unlock(&file->node->lock);
                if (ends)
                        opened_close(&owner->opened);
        } while (owner);
}

static int owner_new(struct lock_owner **ret, struct axfs *fs, const struct request *request, struct node *node,
                     uint64_t id) {
        struct lock_owner *owner = calloc(1, sizeof(*owner));

        if (!owner)
                return -ENOLCK;
        owner->id = id;
        owner->fds[READ_ONLY] = owner->fds[WRITABLE] = -1;
        owner->dropped = true; /* not to be found yet */
        owner->node = node_ref(node);
        if (opened_add(&fs->opened, &owner->opened, OPENED_HERE, request->caller.uid, owner_end) == 0) {
                *ret = owner;
                return 0;
        }
        node_unref(node);
        free(owner);
        return -ENOLCK;
}

static void owner_endp(struct lock_owner **owner) {
        if (*owner)
                opened_close(&(*owner)->opened);
}

/*
 * @via may be NULL. Returns the owner, used by the caller; NULL if there is none, or if it lacks
 * the descriptor.
 */
static struct lock_owner *owner_find(struct node *node, uint64_t id, struct open_file *via, unsigned access) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);
        struct lock_owner *owner;

        HASH_FIND(hh, node->lock_owners, &id, sizeof(id), owner);
        if (!owner || (owner->fds[access] < 0 && owner->fds[WRITABLE] < 0))
                return NULL;
        owner->users++;
        owner_set_via(owner, via);
        return owner;
}

static int open_for_locks(const struct axfs *fs, const struct open_file *file, unsigned access) {
        int fd;

        if (access == READ_ONLY)
                return descriptors_reopen(&fs->descriptors, file->fd, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        fd = descriptors_reopen(&fs->descriptors, file->fd, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        return fd >= 0 ? fd : descriptors_reopen(&fs->descriptors, file->fd, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Give the descriptor to the owner, be it there already or the new one. */
static int owner_add(struct lock_owner **fresh, struct node *node, struct open_file *via, unsigned access, int *fd) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);
        struct lock_owner *owner;

        HASH_FIND(hh, node->lock_owners, &(*fresh)->id, sizeof((*fresh)->id), owner);
        if (!owner) {
                owner = *fresh;
                HASH_ADD(hh, node->lock_owners, id, sizeof(owner->id), owner);
                if (!owner->hh.tbl)
                        return -ENOLCK;
                owner->dropped = false;
                *fresh = NULL;
        } else if (owner->fds[access] < 0) {
                owner->charge = *fresh;
                *fresh = NULL;
        }
        if (owner->fds[access] < 0)
                owner->fds[access] = take_fd(fd);
        owner_set_via(owner, via);
        atomic_store(&node->is_locked, true);
        return 0;
}

static int owner_get(struct lock_owner **ret, struct axfs *fs, const struct request *request, struct node *node,
                     struct fuse_file_info *fi) {
        struct open_file *file = open_file_from_info(fi);
        unsigned access = (fcntl(file->fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? READ_ONLY : WRITABLE;

        while (!(*ret = owner_find(node, fi->lock_owner, file, access))) {
                _cleanup_(owner_endp) struct lock_owner *fresh = NULL;
                _cleanup_close_ int fd = -1;
                int r = owner_new(&fresh, fs, request, node, fi->lock_owner);

                if (r < 0)
                        return r;
                fd = open_for_locks(fs, file, access);
                if (fd < 0)
                        return -ENOLCK;
                r = owner_add(&fresh, node, file, access, &fd);
                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * ---- operations --------------------------------------------------------------------------------
 */

/*
 * Who holds the lock that is in the way: the owner for whom it is not in the way. If several may
 * read, it need not be known.
 */
static pid_t holder_of(struct node *node, const struct flock *lock) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);
        struct lock_owner *owner = node->lock_owners;

        for (unsigned i = 0; owner && i < ASKED_OWNERS; i++, owner = owner->hh.next)
                for (unsigned access = 0; access < ACCESSES; access++) {
                        struct flock asked = *lock;

                        asked.l_type = lock->l_type == F_WRLCK ? F_RDLCK : F_WRLCK;
                        asked.l_pid = 0;
                        if (owner->fds[access] >= 0 && fcntl(owner->fds[access], F_OFD_GETLK, &asked) == 0 &&
                            asked.l_type == F_UNLCK)
                                return owner->pid;
                }
        return 0;
}

int store_getlk(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
                const struct flock *lock) {
        struct open_file *file = open_file_from_info(fi);
        struct lock_owner *owner = owner_find(node, fi->lock_owner, NULL, READ_ONLY);
        struct flock found = *lock;
        int fd = file->fd, r;

        (void) fs;
        if (owner)
                fd = owner->fds[WRITABLE] >= 0 ? owner->fds[WRITABLE] : owner->fds[READ_ONLY];
        found.l_pid = 0;
        r = fcntl(fd, F_OFD_GETLK, &found) < 0 ? negative_errno() : 0;
        lock_owner_unref(owner);
        if (r < 0)
                return r;
        if (found.l_type != F_UNLCK)
                found.l_pid = holder_of(node, &found);
        return answer_lock(request, &found);
}

static int unlock(struct node *node, const struct fuse_file_info *fi, const struct flock *lock) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);
        uint64_t id = fi->lock_owner;
        struct lock_owner *owner;

        HASH_FIND(hh, node->lock_owners, &id, sizeof(id), owner);
        return owner ? host_unlock(owner, lock) : 0;
}

static void note_pid(struct lock_owner *owner, pid_t pid) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&owner->node->lock);

        owner->pid = pid;
}

int store_setlk(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
                const struct flock *lock, bool waits) {
        struct lock_owner *owner;
        unsigned tries = 0;
        int r;

        if (lock->l_type == F_UNLCK)
                return unlock(node, fi, lock);
        r = owner_get(&owner, fs, request, node, fi);
        if (r < 0)
                return r;
        note_pid(owner, lock->l_pid);
        do
                r = host_take(owner, F_OFD_SETLK, lock);
        while (r == -EAGAIN && !waits && try_again(tries++));
        if (r == -EAGAIN && waits)
                return lock_waits_add(&fs->lock_waits, request, owner, lock);
        lock_owner_unref(owner);
        return r;
}

int store_flock(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi, int operation) {
        int fd = open_file_from_info(fi)->fd, r;
        unsigned tries = 0;

        (void) node;
        atomic_store(&open_file_from_info(fi)->flocked, true);
        do
                r = flock(fd, operation | LOCK_NB) < 0 ? negative_errno() : 0;
        while (r == -EAGAIN && (operation & LOCK_NB) && try_again(tries++));
        return r == -EAGAIN && !(operation & LOCK_NB) ? lock_waits_add_flock(&fs->lock_waits, request, fd, operation)
                                                      : r;
}
