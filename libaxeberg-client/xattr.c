/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes, by path.
 */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "paths.h"

/* Checks the arguments before anybody looks at files. */
static int check(const char *path, const char *name) {
        int r = path_check(path);

        if (r < 0 || !name)
                return r < 0 ? r : -AX_EINVAL;
        return *name && strnlen(name, XATTR_NAME_MAX + 1) <= XATTR_NAME_MAX ? 0 : -AX_ERANGE;
}

/* As getxattr(2): a size of 0 asks for the size, and one that is too small is an error. */
static ssize_t give(const struct rpc *rpc, void *value, size_t size) {
        int r = rpc->status;

        if (r < 0)
                return r;
        if ((size_t) r != rpc->data_received)
                return -AX_EPROTO;
        if (size == 0)
                return r;
        if (size < rpc->data_received)
                return -AX_ERANGE;
        memcpy(value, rpc->data, rpc->data_received);
        return r;
}

static ssize_t get(ax_client *ax, const char *path, const char *name, void *value, size_t size, bool nofollow) {
        const Axeberg__XattrRequest *request = REQUEST(XattrRequest, .path = (char *) path, .name = (char *) name);
        struct rpc rpc = { .data_size = XATTR_SIZE_MAX };
        int r = check(path, name);
        ssize_t n;

        if (r < 0)
                return r;
        if (!value && size > 0)
                return -AX_EINVAL;
        rpc.data = malloc(XATTR_SIZE_MAX);
        if (!rpc.data)
                return -AX_ENOMEM;
        if (nofollow)
                RPC(ax, lgetxattr, request, rpc_ignore, &rpc);
        else
                RPC(ax, getxattr, request, rpc_ignore, &rpc);
        n = give(&rpc, value, size);
        free(rpc.data);
        return n;
}

ssize_t ax_getxattr(ax_client *ax, const char *path, const char *name, void *value, size_t size) {
        return get(ax, path, name, value, size, false);
}

ssize_t ax_lgetxattr(ax_client *ax, const char *path, const char *name, void *value, size_t size) {
        return get(ax, path, name, value, size, true);
}

static ssize_t list(ax_client *ax, const char *path, char *names, size_t size, bool nofollow) {
        const Axeberg__PathRequest *request = REQUEST(PathRequest, .path = (char *) path);
        struct rpc rpc = { .data_size = XATTR_LIST_MAX };
        int r = path_check(path);
        ssize_t n;

        if (r < 0)
                return r;
        if (!names && size > 0)
                return -AX_EINVAL;
        rpc.data = malloc(XATTR_LIST_MAX);
        if (!rpc.data)
                return -AX_ENOMEM;
        if (nofollow)
                RPC(ax, llistxattr, request, rpc_ignore, &rpc);
        else
                RPC(ax, listxattr, request, rpc_ignore, &rpc);
        n = give(&rpc, names, size);
        free(rpc.data);
        return n;
}

ssize_t ax_listxattr(ax_client *ax, const char *path, char *names, size_t size) {
        return list(ax, path, names, size, false);
}

ssize_t ax_llistxattr(ax_client *ax, const char *path, char *names, size_t size) {
        return list(ax, path, names, size, true);
}

static int set(ax_client *ax, const Axeberg__SetxattrRequest *request, const void *value, size_t size, bool nofollow) {
        struct rpc rpc = { .trailer = value, .trailer_size = size };
        int r = check(request->path, request->name);

        if (r < 0)
                return r;
        if ((!value && size > 0) || request->flags > INT32_MAX)
                return -AX_EINVAL;
        if (size > AX_FRAME_MAX_DATA)
                return -AX_E2BIG;
        return nofollow ? RPC(ax, lsetxattr, request, rpc_ignore, &rpc) : RPC(ax, setxattr, request, rpc_ignore, &rpc);
}

int ax_setxattr(ax_client *ax, const char *path, const char *name, const void *value, size_t size, int flags) {
        return set(ax,
                   REQUEST(SetxattrRequest, .path = (char *) path, .name = (char *) name, .flags = (uint32_t) flags),
                   value, size, false);
}

int ax_lsetxattr(ax_client *ax, const char *path, const char *name, const void *value, size_t size, int flags) {
        return set(ax,
                   REQUEST(SetxattrRequest, .path = (char *) path, .name = (char *) name, .flags = (uint32_t) flags),
                   value, size, true);
}

int ax_removexattr(ax_client *ax, const char *path, const char *name) {
        int r = check(path, name);

        return r < 0 ? r : CALL(ax, removexattr, XattrRequest, .path = (char *) path, .name = (char *) name);
}

int ax_lremovexattr(ax_client *ax, const char *path, const char *name) {
        int r = check(path, name);

        return r < 0 ? r : CALL(ax, lremovexattr, XattrRequest, .path = (char *) path, .name = (char *) name);
}
