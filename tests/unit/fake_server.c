/* SPDX-License-Identifier: MIT */
/*
 * The server's side of a socket pair. The client's side reaches the library as a connection that
 * it inherits.
 */
#include "fake_server.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer_hello(struct fake *fake) {
        Axeberg__HelloReply message = AXEBERG__HELLO_REPLY__INIT;

        if (!fake_expect(fake, "Hello"))
                return;
        message.version = AX_PROTOCOL_VERSION;
        message.pid = FAKE_PID;
        fake_send(fake, &(struct fake_reply){ .serial = fake->request.header.serial, .message = &message.base });
}

static void *run_body(void *userdata) {
        struct fake *fake = userdata;

        fake->body(fake);
        if (fake->complaint[0])
                shutdown(fake->fd, SHUT_RDWR); /* or the client would wait for ever */
        return NULL;
}

static void *run_hello_and_body(void *userdata) {
        answer_hello(userdata);
        return run_body(userdata);
}

static int connect_to(struct fake *fake, void *(*run)(void *userdata), ax_client **ret) {
        char number[16];
        int fds[2], r;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        fake->fd = fds[0];
        fake->client_fd = fds[1];
        fake->complaint[0] = '\0';
        snprintf(number, sizeof(number), "%d", fds[1]);
        setenv("AXEBERG_FD", number, 1);
        ck_assert_int_eq(pthread_create(&fake->thread, NULL, run, fake), 0);
        r = ax_connect(ret, NULL);
        ck_assert_ptr_null(getenv("AXEBERG_FD"));
        return r;
}

int fake_connect(struct fake *fake, void (*body)(struct fake *fake), ax_client **ret) {
        fake->body = body;
        return connect_to(fake, run_hello_and_body, ret);
}

int fake_connect_unanswered(struct fake *fake, void (*body)(struct fake *fake), ax_client **ret) {
        fake->body = body;
        return connect_to(fake, run_body, ret);
}

void fake_join(struct fake *fake) {
        pthread_join(fake->thread, NULL);
        ck_assert_msg(!fake->complaint[0], "server: %s", fake->complaint);
}

void fake_end(struct fake *fake) {
        pthread_join(fake->thread, NULL);
        close(fake->fd);
        ck_assert_msg(!fake->complaint[0], "server: %s", fake->complaint);
}

int fake_receive(struct fake *fake) {
        int r = wire_receive(fake->fd, &fake->request, FAKE_LIMIT_MS);

        if (r > 0 && (fake->request.n_fds > 0 || fake->request.header.flags || fake->request.header.status))
                fake_complain(fake, "a request with descriptors, flags or a status");
        if (r < 0)
                fake_complain(fake, "no good request came: %s", strerror(-r));
        return r > 0;
}

int fake_expect(struct fake *fake, const char *method) {
        if (!fake_receive(fake)) {
                fake_complain(fake, "the connection ended instead of %s", method);
                return 0;
        }
        if (fake->request.header.method == wire_method(method))
                return 1;
        fake_complain(fake, "method %u came, not %s", fake->request.header.method, method);
        return 0;
}

void fake_send(struct fake *fake, const struct fake_reply *reply) {
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        struct ax_frame_header header;
        size_t size =
                wire_pack(bytes, reply->serial, reply->method, reply->message, reply->trailer, reply->trailer_size);

        ax_frame_header_decode(&header, bytes);
        header.status = reply->status;
        header.flags = AX_FRAME_REPLY;
        ax_frame_header_encode(&header, bytes);
        wire_send_bytes(fake->fd, bytes, size, reply->fds, reply->n_fds); /* the client may be gone */
}

void fake_answer(struct fake *fake, int status) {
        const struct ax_frame_header *request = &fake->request.header;

        if (request->serial != 0) /* nobody wants to know */
                fake_send(fake, &(struct fake_reply){
                                        .serial = request->serial, .method = request->method, .status = status });
}

void fake_send_event(struct fake *fake) {
        struct ax_frame_header header = { .length = AX_FRAME_HEADER_SIZE, .flags = AX_FRAME_EVENT };
        uint8_t bytes[AX_FRAME_HEADER_SIZE];

        ax_frame_header_encode(&header, bytes);
        wire_send_bytes(fake->fd, bytes, sizeof(bytes), NULL, 0);
}

void fake_serve(struct fake *fake) {
        while (fake_receive(fake))
                fake_answer(fake, 0);
}
