/* SPDX-License-Identifier: MIT */
#include "innocent.h"

#include "daemon.h"

int caller_connect(struct caller *caller, const char *socket_path, bool rings) {
        *caller = (struct caller){ .socket = { .fd = -1, .serial = 1 }, .has_rings = rings };
        if (rings)
                return ring_client_connect(&caller->rings, socket_path);
        caller->socket.fd = flood_connect(socket_path);
        return caller->socket.fd < 0 ? caller->socket.fd : 0;
}

static int make_call(struct caller *caller, uint32_t method, const ProtobufCMessage *message) {
        struct wire_frame reply;
        int r;

        if (caller->has_rings)
                return ring_client_call(&caller->rings, method, message);
        r = wire_call(caller->socket.fd, ++caller->socket.serial, method, message, &reply);
        wire_frame_close_fds(&reply);
        return r;
}

int caller_open(struct caller *caller, const char *path) {
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        Axeberg__FtruncateRequest size = AXEBERG__FTRUNCATE_REQUEST__INIT;

        open.path = (char *) path;
        open.flags = 1 | 2 | 4; /* read, write, create */
        size.fd = caller->file = make_call(caller, AX_METHOD(open), &open.base);
        if (caller->file < 0)
                return caller->file;
        size.size = 8;
        return make_call(caller, AX_METHOD(ftruncate), &size.base);
}

int caller_call(struct caller *caller, enum call call, const char *path) {
        Axeberg__PathRequest stat = AXEBERG__PATH_REQUEST__INIT;
        Axeberg__PreadRequest read = AXEBERG__PREAD_REQUEST__INIT;

        stat.path = (char *) path;
        read.fd = caller->file;
        read.size = 8;
        switch (call) {
        case CALL_GETPPID:
                return make_call(caller, AX_METHOD(getppid), NULL);
        case CALL_STAT:
                return make_call(caller, AX_METHOD(stat), &stat.base);
        default:
                return make_call(caller, AX_METHOD(pread), &read.base);
        }
}
