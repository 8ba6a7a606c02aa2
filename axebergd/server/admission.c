/* SPDX-License-Identifier: MIT */
#include "server/admission.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frame.h"
#include "kernel.h"
#include "syscalls/call.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/identity.h"
#include "util/workers.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* A client that was refused and goes on sending must not keep us reading. */
enum { MAX_REFUSED_FRAMES = 4 };

static int read_groups(int fd, gid_t **ret, size_t *ret_n) {
        socklen_t size = 64 * sizeof(gid_t);

        for (;;) {
                gid_t *groups = malloc(size ? size : 1);

                if (!groups)
                        return -ENOMEM;
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
                        *ret = groups;
                        *ret_n = size / sizeof(gid_t);
                        return 0;
                }
                free(groups);
                if (errno != ERANGE)
                        return -errno;
        }
}

/* A user's connections are mostly in the same groups, of which there may be 65,536. */
static void share_identity(struct peer *peer) {
        struct user *user = peer->user;

        if (user->identity && identity_equal(user->identity, peer->identity)) {
                identity_unref(peer->identity);
                peer->identity = identity_ref(user->identity);
                return;
        }
        identity_unref(user->identity);
        user->identity = identity_ref(peer->identity);
}

int admission_identify(struct kernel *kernel, int fd, struct peer *ret) {
        _cleanup_free_ gid_t *groups = NULL;
        struct ucred credentials;
        socklen_t size = sizeof(credentials);
        size_t n_groups = 0;
        int r;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return -errno;
        if (!identity_is_privileged() && credentials.uid != geteuid())
                return -EACCES; /* we could not act as that user */
        r = read_groups(fd, &groups, &n_groups);
        if (r == 0)
                r = identity_new(&ret->identity, credentials.uid, credentials.gid, groups, n_groups);
        if (r == 0)
                r = user_from_uid(&kernel->users, credentials.uid, &ret->user);
        if (r < 0)
                return r;
        share_identity(ret);
        ret->host_pid = credentials.pid;
        return 0;
}

int admission_charge(struct admission *admission, const struct peer *peer, unsigned n_fds) {
        size_t bytes = peer->identity->n_groups * sizeof(gid_t);
        int r = user_charge(peer->user, &admission->connection, USER_CONNECTIONS, 1);

        if (r == 0)
                r = user_charge(peer->user, &admission->fds, USER_HOST_FDS, n_fds);
        return r < 0 ? r : user_charge(peer->user, &admission->buffers, USER_BUFFERS, bytes);
}

void admission_deinit(struct admission *admission) {
        user_charge_deinit(&admission->connection);
        user_charge_deinit(&admission->fds);
        user_charge_deinit(&admission->buffers);
}

int admission_open_pidfd(int fd, int host_pid) {
        int pidfd = -1;
        socklen_t size = sizeof(pidfd);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
                return pidfd;
        if (errno != ENOPROTOOPT)
                return -errno;
        pidfd = (int) syscall(SYS_pidfd_open, host_pid, 0);
        return pidfd < 0 ? -errno : pidfd;
}

/*
 * Answers the Hello that is, or soon will be, in the socket. Reading it first keeps close() from
 * throwing the answer away.
 */
static void refuse(int fd, int error) {
        struct ax_frame_header header = {
                .length = AX_FRAME_HEADER_SIZE,
                .serial = 1,
                .status = error,
                .flags = AX_FRAME_REPLY,
        };
        uint8_t bytes[AX_FRAME_HEADER_SIZE], byte;

        for (int i = 0; i < MAX_REFUSED_FRAMES; i++)
                if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) <= 0) /* the rest of a packet is dropped */
                        break;
        ax_frame_header_encode(&header, bytes);
        send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
}

struct refusal {
        struct job job;
        int fd, error;
        void (*done)(void *userdata);
        void *userdata;
};

static void refusal_run(struct job *job) {
        struct refusal *refusal = container_of(job, struct refusal, job);

        refuse(refusal->fd, refusal->error);
}

static void refusal_done(struct job *job) {
        struct refusal *refusal = container_of(job, struct refusal, job);

        refusal->done(refusal->userdata);
        free(refusal);
}

void admission_refuse(struct workers *workers, int fd, int error, void (*done)(void *userdata), void *userdata) {
        struct refusal *refusal = malloc(sizeof(*refusal));

        if (refusal) {
                *refusal = (struct refusal){
                        .job = { .run = refusal_run, .done = refusal_done },
                        .fd = fd,
                        .error = error,
                        .done = done,
                        .userdata = userdata,
                };
                if (workers_submit(workers, &refusal->job) == 0)
                        return;
                free(refusal);
        }
        refuse(fd, error);
        done(userdata);
}

bool admission_block_descriptors(int fd) {
        return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){ 0 }, sizeof(int)) == 0;
}
