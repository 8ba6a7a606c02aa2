/* SPDX-License-Identifier: MIT */
/*
 * A pipeline, as a shell makes it of `producer | filter | consumer`: three child processes that are
 * connected by pipes, and a parent that prints how each ended.
 *
 *     pipeline [COUNT [WANTED]]
 *
 * The producer writes COUNT lines, the filter keeps only the numbers in them, and the consumer adds
 * up the first WANTED. The parent reads the sum from a pipe, too. If the consumer wants fewer
 * numbers than there are, it ends early, as head(1) does. SIGPIPE then ends the stages that still
 * write, which is in order.
 *
 * Each stage is this program again, with a word that names the stage. It knows nothing of pipes: it
 * reads AX_STDIN and writes AX_STDOUT.
 */
#include <axeberg.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name = "pipeline";

static void check(int64_t result, const char *what) {
        if (result >= 0)
                return;
        fprintf(stderr, "%s: %s: %s\n", name, what, ax_strerror((int) result));
        exit(EXIT_FAILURE);
}

static uint64_t number_from(const char *text) {
        char *end;
        uint64_t number = strtoull(text, &end, 10);

        if (isdigit((unsigned char) text[0]) && !*end)
                return number;
        fprintf(stderr, "%s: %s: not a number\n", name, text);
        exit(2);
}

/* A write is short if an error came after some of the data; the next write returns the error. */
static void write_all(ax_client *ax, const char *data, size_t size) {
        ssize_t n;

        for (size_t done = 0; done < size; done += (size_t) n) {
                n = ax_write(ax, AX_STDOUT, data + done, size - done);
                check(n, "write");
        }
}

/* ---- the stages ------------------------------------------------------------------------------ */

static void produce(ax_client *ax, uint64_t count) {
        char line[64];

        for (uint64_t i = 1; i <= count; i++)
                write_all(ax, line, (size_t) snprintf(line, sizeof(line), "line %" PRIu64 "\n", i));
}

static void filter(ax_client *ax, uint64_t unused) {
        char data[4096];
        ssize_t n;

        (void) unused;
        /* a read returns what is there, not whole lines; 0: nobody has the other end any more */
        while ((n = ax_read(ax, AX_STDIN, data, sizeof(data))) > 0) {
                size_t kept = 0;

                for (ssize_t i = 0; i < n; i++)
                        if (isdigit((unsigned char) data[i]) || data[i] == '\n')
                                data[kept++] = data[i];
                write_all(ax, data, kept);
        }
        check(n, "read");
}

static void consume(ax_client *ax, uint64_t wanted) {
        uint64_t number = 0, sum = 0, count = 0;
        char data[4096];
        ssize_t n = 1;

        while (count < wanted && (n = ax_read(ax, AX_STDIN, data, sizeof(data))) > 0)
                for (ssize_t i = 0; i < n && count < wanted; i++) {
                        if (data[i] != '\n') {
                                number = number * 10 + (uint64_t) (data[i] - '0');
                                continue;
                        }
                        sum += number;
                        number = 0;
                        count++;
                }
        check(n, "read");
        n = snprintf(data, sizeof(data), "%" PRIu64 " numbers, sum %" PRIu64 "\n", count, sum);
        write_all(ax, data, (size_t) n);
}

static const struct stage {
        const char *name;
        void (*run)(ax_client *ax, uint64_t number);
} stages[] = { { "producer", produce }, { "filter", filter }, { "consumer", consume } };

enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

static int run_stage(const struct stage *stage, uint64_t number) {
        ax_client *ax;

        name = stage->name;
        check(ax_connect(&ax, NULL), "cannot connect to axebergd"); /* as the child */
        stage->run(ax, number);
        ax_disconnect(ax);
        return EXIT_SUCCESS;
}

/* ---- the parent ------------------------------------------------------------------------------ */

/* The child has no other descriptors: a pipe ends when nobody has its writing end any more. */
static ax_pid spawn(ax_client *ax, const char *const argv[], int input, int output) {
        const struct ax_spawn_fd fds[] = { { AX_STDIN, input }, { AX_STDOUT, output }, { AX_STDERR, AX_STDERR } };
        const struct ax_spawn_options options = { .fds = fds, .n_fds = 3, .close_others = true };
        ax_pid pid = ax_spawn(ax, argv, &options);

        check(pid, argv[1]);
        return pid;
}

/* Waits for a stage, and prints how it ended. Returns true if that was in order. */
static bool wait_for(ax_client *ax, ax_pid pid, const char *stage) {
        struct ax_wait_status status;

        check(ax_wait(ax, pid, &status, AX_WAIT_ENDED), "wait");
        if (status.kind == AX_EXITED)
                printf("%s: exit status %d\n", stage, status.code);
        else
                printf("%s: ended by %s\n", stage, ax_signal_name(status.code));
        return status.kind == AX_EXITED ? status.code == 0 : status.code == AX_SIGPIPE;
}

static int run_parent(const char *program, const char *count, const char *wanted) {
        int input = AX_STDIN, pipe[2];
        bool in_order = true;
        ax_pid pids[STAGES];
        char result[4096];
        ax_client *ax;
        int status;
        ssize_t n;

        check(ax_connect(&ax, NULL), "cannot connect to axebergd");
        for (int i = 0; i < STAGES; i++) {
                const char *const argv[] = { program, stages[i].name, i == 0 ? count : wanted, NULL };

                check(ax_pipe(ax, pipe), "pipe");
                pids[i] = spawn(ax, argv, input, pipe[1]);
                check(ax_close(ax, pipe[1]), "close");
                check(ax_close(ax, input), "close");
                input = pipe[0]; /* of the next stage; after the last stage, of the parent */
        }
        n = ax_read(ax, input, result, sizeof(result)); /* whole: the write is atomic */
        check(n, "read");
        for (int i = 0; i < STAGES; i++)
                in_order = wait_for(ax, pids[i], stages[i].name) && in_order;
        fwrite(result, 1, (size_t) n, stdout);
        status = n > 0 && in_order ? EXIT_SUCCESS : EXIT_FAILURE;
        check(ax_exit(ax, status), "exit"); /* else a parent would get 0 */
        ax_disconnect(ax);
        return status;
}

int main(int argc, char **argv) {
        const char *count = argc > 1 ? argv[1] : "1000", *wanted = argc > 2 ? argv[2] : count;

        for (int i = 0; i < STAGES && argc == 3; i++)
                if (strcmp(argv[1], stages[i].name) == 0)
                        return run_stage(&stages[i], number_from(argv[2]));
        number_from(count);
        number_from(wanted);
        return run_parent(argv[0], count, wanted);
}
