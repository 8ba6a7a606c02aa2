/* SPDX-License-Identifier: MIT */
/*
 * Taking one more, and giving all of it back, for each resource that has a limit.
 */
#include "quota_ways.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what can be taken ----------------------------------------------------------------------- */

static int keep_fd(struct taker *taker, int fd) {
        if (fd >= 0)
                taker->fds[taker->count++] = fd;
        return fd;
}

static void close_all(struct taker *taker) {
        while (taker->count > 0)
                assert_ok(ax_close(taker->ax, taker->fds[--taker->count]));
}

static int take_device(struct taker *taker) {
        return keep_fd(taker, ax_open(taker->ax, "/dev/null", AX_READ));
}

static int take_duplicate(struct taker *taker) {
        return keep_fd(taker, ax_dup(taker->ax, 0));
}

static int take_file(struct taker *taker) {
        return keep_fd(taker, ax_open(taker->ax, "/tmp/file", AX_WRITE));
}

static int take_text(struct taker *taker) {
        return keep_fd(taker, ax_open(taker->ax, "/proc/metrics", AX_READ));
}

static int take_window(struct taker *taker) {
        return keep_fd(taker, ax_window_create(taker->ax, "quota"));
}

static int take_pipe(struct taker *taker) {
        int fds[2], r = ax_pipe(taker->ax, fds);

        if (r < 0)
                return r;
        keep_fd(taker, fds[0]);
        return keep_fd(taker, fds[1]);
}

static void make_fifo(struct taker *taker) {
        int r = ax_mkfifo(taker->ax, "/tmp/fifo");

        ck_assert(r == 0 || r == -AX_EEXIST);
}

static int take_fifo(struct taker *taker) {
        return keep_fd(taker, ax_open(taker->ax, "/tmp/fifo", AX_READ | AX_O_NONBLOCK));
}

/* ---- with ids -------------------------------------------------------------------------------- */

static int keep_id(struct taker *taker, int r, uint64_t id) {
        if (r >= 0)
                taker->ids[taker->count++] = id;
        return r;
}

static int take_task(struct taker *taker) {
        ax_task_id id = 0;
        int r = ax_task_create(taker->ax, &id);

        return keep_id(taker, r, id);
}

static void destroy_tasks(struct taker *taker) {
        while (taker->count > 0)
                assert_ok(ax_task_destroy(taker->ax, taker->ids[--taker->count]));
}

static int take_timer(struct taker *taker) {
        ax_timer_id id = 0;
        int r = ax_timer_set(taker->ax, 1e9, 0, &id);

        return keep_id(taker, r, id);
}

static void cancel_timers(struct taker *taker) {
        while (taker->count > 0)
                assert_result(ax_timer_cancel(taker->ax, taker->ids[--taker->count]), 1);
}

static int take_region(struct taker *taker) {
        ax_region_id id = 0;
        int r = ax_mem_alloc(taker->ax, 1000, AX_PROT_READ_WRITE, &id);

        return keep_id(taker, r, id);
}

static void free_regions(struct taker *taker) {
        while (taker->count > 0)
                assert_ok(ax_mem_free(taker->ax, taker->ids[--taker->count]));
}

/* One that nobody attaches ends with its maker, and not before. */
static int take_segment(struct taker *taker) {
        ax_shm_id id = 0;
        int r = ax_shmget(taker->ax, 1000, &id);

        return keep_id(taker, r, id);
}

static int attach(struct taker *taker, unsigned protection) {
        ax_region_id region = 0;
        ax_shm_id id = 0;
        int r = ax_shmget(taker->ax, 1000, &id);

        if (r < 0)
                return r;
        r = ax_shmat(taker->ax, id, protection, &region);
        return keep_id(taker, r, id);
}

static int take_attachment(struct taker *taker) {
        return attach(taker, AX_PROT_READ_WRITE);
}

static int take_read_only_attachment(struct taker *taker) {
        return attach(taker, AX_PROT_READ);
}

static int take_coherent_attachment(struct taker *taker) {
        ax_region_id region = 0;
        ax_shm_id id = 0;
        int r = ax_shmget(taker->ax, 1000, &id);

        if (r < 0)
                return r;
        return keep_id(taker, ax_shmat_coherent(taker->ax, id, &region), id);
}

static void detach_all(struct taker *taker) {
        while (taker->count > 0)
                assert_ok(ax_shmdt(taker->ax, taker->ids[--taker->count]));
}

/* ---- connections and processes --------------------------------------------------------------- */

static int take_connection(struct taker *taker) {
        ax_client *ax = NULL;
        int r = ax_connect(&ax, the_daemon.socket);

        if (r == 0)
                taker->clients[taker->count++] = ax;
        return r;
}

static void end_connections(struct taker *taker) {
        while (taker->count > 0)
                ax_disconnect(taker->clients[--taker->count]);
}

static int wire_fd = -1;

static void begin_by_wire(struct taker *taker) {
        (void) taker;
        wire_fd = fixture_wire();
}

/* A child that no host program stands for: a process, a connection and a descriptor of ours. */
static int spawn(struct taker *taker, const char *cwd) {
        static struct wire_frame reply;
        Axeberg__SpawnRequest request = AXEBERG__SPAWN_REQUEST__INIT;
        char *arguments[] = { (char *) "child" };
        int r;

        request.argv = arguments;
        request.n_argv = 1;
        request.cwd = (char *) cwd;
        request.close_others = true;
        r = wire_call(wire_fd, 100 + taker->count, wire_method("SpawnClient"), &request.base, &reply);
        if (r >= 0)
                keep_fd(taker, reply.fds[0]);
        return r;
}

static int take_child(struct taker *taker) {
        return spawn(taker, "");
}

static int take_child_with_directory(struct taker *taker) {
        return spawn(taker, "/tmp");
}

static void end_children(struct taker *taker) {
        static struct wire_frame reply;
        Axeberg__WaitRequest request = AXEBERG__WAIT_REQUEST__INIT;

        request.pid = -1;
        while (taker->count > 0) {
                close(taker->fds[--taker->count]);
                ck_assert_int_gt(wire_call(wire_fd, 6, wire_method("Wait"), &request.base, &reply), 0);
        }
}

/*
 * A writer that waits for a reader: the call is not answered. Its error is, once there are too
 * many.
 */
static int take_parked_opening(struct taker *taker) {
        static struct wire_frame reply;
        Axeberg__OpenRequest request = AXEBERG__OPEN_REQUEST__INIT;
        uint32_t serial = 1000 + taker->count;
        int r;

        request.path = (char *) "/tmp/fifo";
        request.flags = AX_O_WRITE;
        ck_assert_int_eq(wire_send(wire_fd, serial, wire_method("Open"), &request.base), 0);
        ck_assert_int_eq(wire_send(wire_fd, 5, wire_method("Getppid"), NULL), 0);
        taker->count++;
        do
                ck_assert_int_eq(wire_receive(wire_fd, &reply, 10000), 1);
        while (reply.header.serial != 5 && reply.header.serial != serial);
        if (reply.header.serial == 5)
                return 0;
        r = reply.header.status;
        ck_assert_int_eq(wire_receive(wire_fd, &reply, 10000), 1);
        return r;
}

static void begin_parked_openings(struct taker *taker) {
        make_fifo(taker);
        begin_by_wire(taker);
}

/* ---- the table ------------------------------------------------------------------------------- */

const struct way quota_ways[] = {
        { "connections", "ConnectionsPerUser = 9", AX_RESOURCE_CONNECTIONS, AX_EDQUOT, take_connection, end_connections,
          NULL },
        { "processes by connecting", "ProcessesPerUser = 9", AX_RESOURCE_PROCESSES, AX_EDQUOT, take_connection,
          end_connections, NULL },
        { "processes by spawning", "ProcessesPerUser = 9", AX_RESOURCE_PROCESSES, AX_EDQUOT, take_child, end_children,
          begin_by_wire },
        { "connections by spawning", "ConnectionsPerUser = 9", AX_RESOURCE_CONNECTIONS, AX_EDQUOT, take_child,
          end_children, begin_by_wire },
        { "descriptors by opening", "DescriptorsPerUser = 30", AX_RESOURCE_DESCRIPTORS, AX_ENFILE, take_device,
          close_all, NULL },
        { "descriptors by dup", "DescriptorsPerUser = 30", AX_RESOURCE_DESCRIPTORS, AX_ENFILE, take_duplicate,
          close_all, NULL },
        { "pipes", "PipesPerUser = 12", AX_RESOURCE_PIPES, AX_EDQUOT, take_pipe, close_all, NULL },
        { "FIFOs", "PipesPerUser = 12", AX_RESOURCE_PIPES, AX_EDQUOT, take_fifo, close_all, make_fifo },
        { "tasks", "TasksPerUser = 12", AX_RESOURCE_TASKS, AX_EDQUOT, take_task, destroy_tasks, NULL },
        { "timers", "TimersPerUser = 12", AX_RESOURCE_TIMERS, AX_EDQUOT, take_timer, cancel_timers, NULL },
        { "windows", "WindowsPerUser = 4", AX_RESOURCE_WINDOWS, AX_EDQUOT, take_window, close_all, NULL },
        { "regions", "RegionsPerUser = 20", AX_RESOURCE_REGIONS, AX_EMEM_OUT_OF_MEMORY, take_region, free_regions,
          NULL },
        { "regions by attaching", "RegionsPerUser = 20", AX_RESOURCE_REGIONS, AX_EMEM_OUT_OF_MEMORY, take_attachment,
          detach_all, NULL },
        { "regions by attaching coherently", "RegionsPerUser = 20", AX_RESOURCE_REGIONS, AX_EMEM_OUT_OF_MEMORY,
          take_coherent_attachment, detach_all, NULL },
        { "segments", "SegmentsPerUser = 20", AX_RESOURCE_SEGMENTS, AX_EMEM_OUT_OF_MEMORY, take_segment, NULL, NULL },
        { "memory in regions", "MemoryPerUser = 20000", AX_RESOURCE_MEMORY, AX_EMEM_OUT_OF_MEMORY, take_region,
          free_regions, NULL },
        { "memory in segments", "MemoryPerUser = 20000", AX_RESOURCE_MEMORY, AX_EMEM_OUT_OF_MEMORY, take_segment, NULL,
          NULL },
        { "memory in attachments", "MemoryPerUser = 20000", AX_RESOURCE_MEMORY, AX_EMEM_OUT_OF_MEMORY, take_attachment,
          detach_all, NULL },
        { "buffers for texts", "BuffersPerUser = 200K", AX_RESOURCE_BUFFERS, AX_EDQUOT, take_text, close_all, NULL },
        { "buffers for connections", "BuffersPerUser = 100K", AX_RESOURCE_BUFFERS, AX_EDQUOT, take_connection,
          end_connections, NULL },
        { "host descriptors by opening", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS, AX_ENFILE,
          take_file, close_all, NULL },
        { "host descriptors by pipes", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS, AX_EDQUOT,
          take_pipe, close_all, NULL },
        { "host descriptors by FIFOs", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS, AX_ENFILE,
          take_fifo, close_all, make_fifo },
        { "host descriptors by FIFOs without a reader", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS,
          AX_ENFILE, take_parked_opening, NULL, begin_parked_openings },
        { "host descriptors by segments", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS,
          AX_EMEM_OUT_OF_MEMORY, take_segment, NULL, NULL },
        { "host descriptors by attaching", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS,
          AX_EMEM_OUT_OF_MEMORY, take_attachment, detach_all, NULL },
        { "host descriptors by windows", "HostDescriptorsPerUser = 20", AX_RESOURCE_HOST_DESCRIPTORS, AX_EDQUOT,
          take_window, close_all, NULL },
        { "host descriptors by working directories", "HostDescriptorsPerUser = 40", AX_RESOURCE_HOST_DESCRIPTORS,
          AX_ENFILE, take_child_with_directory, end_children, begin_by_wire },
        { "mappings by segments", "MappingsPerUser = 20", AX_RESOURCE_MAPPINGS, AX_EMEM_OUT_OF_MEMORY, take_segment,
          NULL, NULL },
        { "mappings by attaching", "MappingsPerUser = 20", AX_RESOURCE_MAPPINGS, AX_EMEM_OUT_OF_MEMORY, take_attachment,
          detach_all, NULL },
        { "mappings by attaching read-only", "MappingsPerUser = 20", AX_RESOURCE_MAPPINGS, AX_EMEM_OUT_OF_MEMORY,
          take_read_only_attachment, detach_all, NULL },
        { "mappings by windows", "MappingsPerUser = 6", AX_RESOURCE_MAPPINGS, AX_EDQUOT, take_window, close_all, NULL },
};

const size_t n_quota_ways = sizeof(quota_ways) / sizeof(quota_ways[0]);
