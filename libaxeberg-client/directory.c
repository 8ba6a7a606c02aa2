/* SPDX-License-Identifier: MIT */
/*
 * The names in a directory.
 *
 * They come one after the other, each with its NUL: in the reply's trailer, or, if they do not
 * fit, in a file that the reply carries. A program gets one block: the pointers, then the text
 * that they point into.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call.h"
#include "host_fd.h"
#include "paths.h"

struct names {
        char frame[AX_FRAME_MAX_PAYLOAD];
        uint64_t size;
        int fd; /* -1 if they came in the frame */
};

static void names_on_reply(const Axeberg__NamesReply *reply, void *data) {
        ((struct names *) ((struct rpc *) data)->context)->size = reply->size;
}

/* Reads all of a file. Returns 0, or -AX_EPROTO if it is shorter than the reply said. */
static int read_memfd(int fd, char *text, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = pread(fd, text + done, size - done, (off_t) done);

                if (n == 0 || (n < 0 && errno != EINTR))
                        return -AX_EPROTO;
                if (n > 0)
                        done += (size_t) n;
        }
        return 0;
}

static int take_text(const struct names *reply, char *text) {
        text[reply->size] = '\0';
        if (reply->fd >= 0)
                return read_memfd(reply->fd, text, reply->size);
        memcpy(text, reply->frame, reply->size);
        return 0;
}

/* Points at each name. Returns 0, or -AX_EPROTO if there are fewer. */
static int point_at_names(char **names, size_t count, char *text, size_t size) {
        const char *end = text + size;

        for (size_t i = 0; i < count; i++) {
                if (text >= end)
                        return -AX_EPROTO;
                names[i] = text;
                text += strlen(text) + 1;
        }
        names[count] = NULL;
        return 0;
}

static int build(const struct names *reply, size_t count, char ***ret) {
        size_t index_size = (count + 1) * sizeof(char *);
        char **names = malloc(index_size + reply->size + 1);
        char *text = (char *) names + index_size;
        int r;

        if (!names)
                return -AX_ENOMEM;
        r = take_text(reply, text);
        if (r == 0)
                r = point_at_names(names, count, text, reply->size);
        if (r < 0) {
                free(names);
                return r;
        }
        *ret = names;
        return (int) count;
}

/* Returns true if what came is as large as the reply says. */
static bool size_fits(const struct names *reply, const struct rpc *rpc) {
        struct stat status;

        if (rpc->n_fds == 0)
                return reply->size == rpc->data_received;
        return fstat(reply->fd, &status) == 0 && (uint64_t) status.st_size == reply->size;
}

static int read_names(ax_client *ax, const char *path, struct names *reply, char ***ret) {
        struct rpc rpc = {
                .context = reply,
                .data = reply->frame,
                .data_size = sizeof(reply->frame),
                .fds = &reply->fd,
                .max_fds = 1,
        };
        int r = RPC(ax, readdir, REQUEST(PathRequest, .path = (char *) path), names_on_reply, &rpc);

        if (r < 0)
                return r;
        return size_fits(reply, &rpc) ? build(reply, (size_t) r, ret) : -AX_EPROTO;
}

int ax_readdir(ax_client *ax, const char *path, char ***ret_names) {
        int r = ret_names ? path_check(path) : -AX_EINVAL;
        struct names *reply;

        if (r < 0)
                return r;
        reply = malloc(sizeof(*reply));
        if (!reply)
                return -AX_ENOMEM;
        reply->fd = -1;
        reply->size = 0;
        r = read_names(ax, path, reply, ret_names);
        close_fd(&reply->fd);
        free(reply);
        return r;
}

void ax_names_free(char **names) {
        free(names);
}
