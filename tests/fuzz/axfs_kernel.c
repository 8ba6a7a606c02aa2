/* SPDX-License-Identifier: MIT */
#include "axfs_kernel.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>

#include "sandbox.h"

enum { ANSWER_MS = 20000 };

struct known_node nodes[NODES];
struct known_open opens[OPENS];
int kernel_fd, axfs_fd;
union received received;
size_t received_size;

static uint64_t last_unique;
static sem_t served; /* requests */

static union {
        struct fuse_in_header header;
        uint8_t bytes[MAX_MESSAGE_SIZE];
} sent;
static size_t sent_size;

/* In the place of /dev/fuse. */
int __wrap_fuse_session_mount(struct fuse_session *session, const char *mountpoint);
int __wrap_fuse_session_fd(struct fuse_session *session);

int __wrap_fuse_session_mount(struct fuse_session *session, const char *mountpoint) {
        (void) session;
        (void) mountpoint;
        return 0;
}

int __wrap_fuse_session_fd(struct fuse_session *session) {
        (void) session;
        return axfs_fd;
}

/* A thread of axfs': it acts as others and stays so, which the harness must not. */ static void *
serve(void *userdata) {
        struct fuse_session *session = userdata;
        struct fuse_buf buffer = { 0 };

        while (fuse_session_receive_buf(session, &buffer) > 0) {
                fuse_session_process_buf(session, &buffer);
                must(sem_post(&served) == 0);
        }
        return NULL;
}

void kernel_start(struct fuse_session *session) {
        pthread_t thread;

        must(sem_init(&served, 0, 0) == 0 && pthread_create(&thread, NULL, serve, session) == 0);
}

static void receive_answer(void) {
        struct pollfd poller = { .fd = kernel_fd, .events = POLLIN };
        ssize_t n;

        if (poll(&poller, 1, ANSWER_MS) != 1)
                finding("request %u has no answer", sent.header.opcode);
        n = recv(kernel_fd, received.bytes, sizeof(received.bytes), 0);
        must(n >= 0);
        received_size = (size_t) n;
        if (received_size < sizeof(received.header) || received.header.len != received_size)
                finding("an answer of %zu bytes that says %u", received_size, received.header.len);
        if (received.header.unique != sent.header.unique)
                finding("an answer to %llu, not %llu", (unsigned long long) received.header.unique,
                        (unsigned long long) sent.header.unique);
        if (received.header.error > 0 || received.header.error <= -1000)
                finding("the error %d", received.header.error);
}

/* One request, and its answer if it has one. Returns true if that is no error. */
bool ask(bool is_answered) {
        sent.header.len = (uint32_t) sent_size;
        sent.header.unique = last_unique += 2;
        must(send(kernel_fd, sent.bytes, sent_size, 0) == (ssize_t) sent_size);
        must(sem_wait(&served) == 0);
        if (!is_answered)
                return true;
        receive_answer();
        return received.header.error == 0;
}

void begin_request(uint32_t opcode, uint64_t node, struct reader *reader) {
        static const uint32_t uids[] = { 0, 1000, 1001, 65534 };

        memset(&sent.header, 0, sizeof(sent.header));
        sent.header.opcode = opcode;
        sent.header.nodeid = node;
        sent.header.uid = uids[read_byte(reader) % 4];
        sent.header.gid = sent.header.uid;
        sent.header.pid = 1;
        sent_size = sizeof(sent.header);
}

void put(const void *bytes, size_t size) {
        must(size <= sizeof(sent.bytes) - sent_size);
        memcpy(sent.bytes + sent_size, bytes, size);
        sent_size += size;
}

void put_name(struct reader *reader) {
        static const char *const names[] = { "a", "b", "c", "tmp", "dev", "proc", "home", "loop", "out", "\xff", "d" };
        char name[300];
        size_t size = 0, wanted;
        uint8_t pick = read_byte(reader);

        if (pick < 240) {
                put(names[pick % 11], strlen(names[pick % 11]) + 1);
                return;
        }
        wanted = 1 + (read_byte(reader) | (pick & 1u) << 8) % (sizeof(name) - 1);
        for (; size < wanted; size++) {
                char byte = (char) read_byte(reader);

                name[size] = byte == '\0' || byte == '/' || (byte == '.' && size < 2) ? '_' : byte;
        }
        put(name, size);
        put("", 1);
}

struct known_node *pick_node(struct reader *reader, mode_t type) {
        unsigned first = read_byte(reader) % NODES;

        for (unsigned i = 0; i < NODES; i++) {
                struct known_node *node = &nodes[(first + i) % NODES];

                if (node->id && (type == 0 || node->type == type))
                        return node;
        }
        return NULL;
}

struct known_open *pick_open(struct reader *reader, bool directory) {
        unsigned first = read_byte(reader) % OPENS;

        for (unsigned i = 0; i < OPENS; i++) {
                struct known_open *open = &opens[(first + i) % OPENS];

                if (open->node && open->directory == directory)
                        return open;
        }
        return NULL;
}

void give_back(struct known_node *node, uint64_t lookups, struct reader *reader) {
        struct fuse_forget_in body = { .nlookup = lookups };

        begin_request(FUSE_FORGET, node->id, reader);
        PUT(body);
        ask(false);
        node->lookups -= lookups;
        if (node->lookups == 0)
                *node = (struct known_node){ 0 };
}

bool is_open(const struct known_node *node) {
        for (unsigned i = 0; i < OPENS; i++)
                if (opens[i].node == node->id)
                        return true;
        return false;
}

static struct known_node *free_node(struct reader *reader) {
        for (unsigned i = 1; i < NODES; i++)
                if (!nodes[i].id)
                        return &nodes[i];
        for (unsigned i = 1; i < NODES; i++)
                if (!is_open(&nodes[i])) {
                        give_back(&nodes[i], nodes[i].lookups, reader);
                        return &nodes[i];
                }
        return NULL;
}

/* An entry is a lookup of its node. */
static struct known_node *learn_entry(struct reader *reader) {
        const struct fuse_entry_out *entry = (const void *) (received.bytes + sizeof(received.header));
        struct known_node *node = NULL;
        struct fuse_entry_out copy;

        if (received_size < sizeof(received.header) + sizeof(*entry))
                finding("an entry of %zu bytes", received_size);
        copy = *entry;
        if (copy.nodeid == 0)
                return NULL;
        for (unsigned i = 0; i < NODES; i++)
                if (nodes[i].id == copy.nodeid)
                        node = &nodes[i];
        if (node && node->type != (copy.attr.mode & S_IFMT))
                finding("node %llu has changed its type", (unsigned long long) copy.nodeid);
        if (!node) {
                node = free_node(reader);
                must(node != NULL);
                *node = (struct known_node){ .id = copy.nodeid, .type = copy.attr.mode & S_IFMT };
        }
        node->lookups++;
        return node;
}

void release(struct known_open *open, struct reader *reader) {
        struct fuse_release_in body = { .fh = open->fh };

        begin_request(open->directory ? FUSE_RELEASEDIR : FUSE_RELEASE, open->node, reader);
        PUT(body);
        *open = (struct known_open){ 0 };
        ask(true);
}

static void learn_open(const struct known_node *node, const struct fuse_open_out *out, bool directory,
                       struct reader *reader) {
        struct known_open *place = &opens[read_byte(reader) % OPENS];

        for (unsigned i = 0; i < OPENS && place->node; i++)
                if (!opens[i].node)
                        place = &opens[i];
        if (place->node)
                release(place, reader);
        *place = (struct known_open){ .fh = out->fh, .node = node->id, .directory = directory };
}

void ask_to_open(const struct known_node *node, bool directory, struct reader *reader) {
        struct fuse_open_out out;

        if (!ask(true))
                return;
        if (received_size < sizeof(received.header) + sizeof(out))
                finding("an open file of %zu bytes", received_size);
        memcpy(&out, received.bytes + sizeof(received.header), sizeof(out));
        learn_open(node, &out, directory, reader);
}

void ask_for_entry(struct reader *reader) {
        if (ask(true))
                learn_entry(reader);
}

void ask_to_create(struct reader *reader) {
        const struct known_node *node;
        struct fuse_open_out out;

        if (!ask(true))
                return;
        if (received_size < sizeof(received.header) + sizeof(struct fuse_entry_out) + sizeof(out))
                finding("a created file of %zu bytes", received_size);
        memcpy(&out, received.bytes + sizeof(received.header) + sizeof(struct fuse_entry_out), sizeof(out));
        node = learn_entry(reader);
        learn_open(node, &out, false, reader);
}
