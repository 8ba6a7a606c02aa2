/* SPDX-License-Identifier: MIT */
/*
 * Shared memory: a producer hands blocks of numbers to a consumer, which is a child process.
 *
 *     shm [-c] [BLOCKS]
 *
 * An attachment (ax_shmat()) is a process's own copy of the segment. ax_shm_sync() publishes the
 * copy, and ax_shm_refresh() fetches what was published. Each copies the whole, so nobody ever sees
 * half a block. With -c both processes attach the segment itself (ax_shmat_coherent()): each sees
 * at once what the other stores, nothing is copied, and the two calls do nothing. So one program
 * serves for both.
 *
 * Either way they take turns, with two pipes: a byte in "full" says that a block is there, a byte
 * in "empty" that it has been used. A process that waits for its turn sleeps in ax_read(). If a
 * pipe ends, the other process is gone.
 */
#include <axeberg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 8192 };

/* The content of the segment. */
struct block {
        uint64_t count;    /* of the numbers; 0: no more blocks follow */
        uint64_t checksum; /* the consumer's answer, at the end */
        uint64_t numbers[BLOCK_SIZE];
};

static const char *name = "producer";

static void check(int64_t result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "shm: %s: %s: %s\n", name, what, ax_strerror((int) result));
        exit(EXIT_FAILURE);
}

static struct block *attach(ax_client *ax, ax_shm_id segment, bool coherent) {
        ax_region_id region;
        struct block *block;

        if (coherent)
                check(ax_shmat_coherent(ax, segment, &region), "attach");
        else
                check(ax_shmat(ax, segment, AX_PROT_READ_WRITE, &region), "attach");
        block = ax_mem_map(ax, region, NULL);
        check(block ? 0 : -AX_EMEM_INVALID_REGION, "map");
        return block;
}

/* Returns false if the other process is gone. */
static bool pass_turn(ax_client *ax, int fd) {
        ssize_t n = ax_write(ax, fd, "", 1);

        if (n != -AX_EPIPE)
                check(n, "write");
        return n == 1;
}

static bool wait_turn(ax_client *ax, int fd) {
        char byte;
        ssize_t n = ax_read(ax, fd, &byte, 1);

        check(n, "read");
        return n == 1;
}

/* Any numbers will do; these are from Marsaglia's xorshift. */
static uint64_t next(uint64_t number) {
        number ^= number << 13;
        number ^= number >> 7;
        return number ^ (number << 17);
}

static uint64_t add(uint64_t checksum, const struct block *block) {
        for (uint64_t i = 0; i < block->count; i++)
                checksum = (checksum ^ block->numbers[i]) * 0x100000001B3;
        return checksum;
}

/* ---- the consumer: it takes turns with the descriptors that it was given --------------------- */

static int consume(ax_shm_id segment, bool coherent) {
        uint64_t checksum = 0;
        struct block *block;
        ax_client *ax;
        bool more;

        name = "consumer";
        check(ax_connect(&ax, NULL), "cannot connect to axebergd"); /* as the child */
        block = attach(ax, segment, coherent);
        do {
                if (!wait_turn(ax, AX_STDIN))
                        check(-AX_EPIPE, "the producer is gone");
                check(ax_shm_refresh(ax, segment), "refresh");
                checksum = add(checksum, block);
                more = block->count > 0;
                if (!more) {
                        block->checksum = checksum;
                        check(ax_shm_sync(ax, segment), "sync");
                }
                if (!pass_turn(ax, AX_STDOUT))
                        check(-AX_EPIPE, "the producer is gone");
        } while (more);
        ax_disconnect(ax);
        return EXIT_SUCCESS;
}

/* ---- the producer ---------------------------------------------------------------------------- */

static ax_pid spawn_consumer(ax_client *ax, const char *program, ax_shm_id segment, bool coherent, int full,
                             int empty) {
        const struct ax_spawn_fd fds[] = { { AX_STDIN, full }, { AX_STDOUT, empty }, { AX_STDERR, AX_STDERR } };
        const struct ax_spawn_options options = { .fds = fds, .n_fds = 3, .close_others = true };
        char id[32];
        const char *const argv[] = { program, "consumer", id, coherent ? "-c" : "", NULL };
        ax_pid pid;

        snprintf(id, sizeof(id), "%" PRIu64, segment);
        pid = ax_spawn(ax, argv, &options);
        check(pid, "spawn");
        return pid;
}

/* Returns true if everything was consumed. */
static bool produce(ax_client *ax, ax_shm_id segment, struct block *block, uint64_t blocks, int full, int empty) {
        uint64_t checksum = 0, number = 1;

        for (uint64_t i = 0; i <= blocks; i++) {
                block->count = i < blocks ? BLOCK_SIZE : 0;
                for (uint64_t j = 0; j < block->count; j++)
                        block->numbers[j] = number = next(number);
                checksum = add(checksum, block);
                check(ax_shm_sync(ax, segment), "sync");
                if (!pass_turn(ax, full) || !wait_turn(ax, empty))
                        return false;
        }
        check(ax_shm_refresh(ax, segment), "refresh");
        printf("%" PRIu64 " blocks of %zu bytes, checksum %016" PRIx64 " here, %016" PRIx64 " there\n", blocks,
               sizeof(block->numbers), checksum, block->checksum);
        return checksum == block->checksum;
}

static int run(const char *program, bool coherent, uint64_t blocks) {
        struct ax_wait_status ended;
        int full[2], empty[2], status;
        struct block *block;
        ax_shm_id segment;
        ax_client *ax;
        ax_pid child;
        bool ok;

        check(ax_connect(&ax, NULL), "cannot connect to axebergd");
        check(ax_signal(ax, AX_SIGPIPE, AX_SIGNAL_IGNORE), "signal"); /* the child inherits it */
        check(ax_shmget(ax, sizeof(*block), &segment), "shmget");
        block = attach(ax, segment, coherent);
        check(ax_pipe(ax, full), "pipe");
        check(ax_pipe(ax, empty), "pipe");
        child = spawn_consumer(ax, program, segment, coherent, full[0], empty[1]);
        check(ax_close(ax, full[0]), "close"); /* the child has them */
        check(ax_close(ax, empty[1]), "close");

        ok = produce(ax, segment, block, blocks, full[1], empty[0]);
        check(ax_wait(ax, child, &ended, AX_WAIT_ENDED), "wait");
        if (ended.kind == AX_EXITED)
                printf("consumer: exit status %d\n", ended.code);
        else
                printf("consumer: ended by %s\n", ax_signal_name(ended.code));
        check(ax_shmdt(ax, segment), "shmdt"); /* it was the last attachment: the segment is gone */
        status = ok && ended.kind == AX_EXITED && ended.code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        check(ax_exit(ax, status), "exit"); /* else a parent would get 0 */
        ax_disconnect(ax);
        return status;
}

int main(int argc, char **argv) {
        bool coherent = argc > 1 && strcmp(argv[1], "-c") == 0;
        const char *blocks = argc > 1 + coherent ? argv[1 + coherent] : "100";

        if (argc == 4 && strcmp(argv[1], "consumer") == 0)
                return consume(strtoull(argv[2], NULL, 10), strcmp(argv[3], "-c") == 0);
        if (argc > 2 + coherent || strspn(blocks, "0123456789") != strlen(blocks)) {
                fprintf(stderr, "usage: shm [-c] [BLOCKS]\n");
                return 2;
        }
        return run(argv[0], coherent, strtoull(blocks, NULL, 10));
}
