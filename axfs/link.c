/* link.c - see link.h */
#include "axfs.h"
#include "names.h"
#include "util.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 5000
#define RETRY_WATCHED_MS 30000

struct connection *connection_ref(struct connection *connection) {
        atomic_fetch_add(&connection->refs, 1);
        return connection;
}

void connection_unref(struct connection *connection) {
        if (!connection || atomic_fetch_sub(&connection->refs, 1) != 1)
                return;
        ax_disconnect(connection->ax);
        free(connection);
}

void connection_unrefp(struct connection **connection) {
        connection_unref(*connection);
}

struct connection *link_connection(struct link *link) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&link->lock);

        return link->current ? connection_ref(link->current) : NULL;
}

void link_wake(struct link *link) {
        uint64_t one = 1;

        (void) !write(link->wake_fd, &one, sizeof(one));
}

static void link_drop(struct link *link, const struct connection *connection) {
        struct connection *lost = NULL;

        pthread_mutex_lock(&link->lock);
        if (link->current == connection) {
                lost = link->current;
                link->current = NULL;
        }
        pthread_mutex_unlock(&link->lock);
        connection_unref(lost);
}

/* /proc answers ESRCH for a process that has just ended, too; a call that cannot fail otherwise tells which it was. */
bool link_connection_is_lost(struct link *link, struct connection *connection) {
        if (ax_getppid(connection->ax) != -AX_ESRCH)
                return false;
        link_drop(link, connection);
        link_wake(link);
        return true;
}

/* ---- the mount table -------------------------------------------------------------------------------------- */

static void mounts_free(struct ax_mount *mounts, int count) {
        for (int i = 0; i < count; i++)
                if (mounts[i].fd >= 0)
                        close(mounts[i].fd);
        free(mounts);
}

/* The store for a descriptor that the daemon sent: the one we have if it is the same directory. */
static int store_from_mount(struct axfs *fs, struct ax_mount *mount, struct store **ret) {
        struct stat st;
        int r;

        if (fstat(mount->fd, &st) < 0)
                return negative_errno();
        *ret = namespace_store(&fs->namespace, st.st_dev, st.st_ino, mount->index);
        if (*ret)
                return 0;
        r = store_new(ret, mount->fd, mount->index);
        if (r == 0)
                mount->fd = -1;
        return r;
}

static void stat_daemon_directory(ax_client *ax, const char *path, struct stat *ret) {
        struct ax_stat st = { .mode = S_IFDIR | 0555 };

        (void) ax_lstat(ax, path, &st);
        *ret = (struct stat){
                .st_mode = S_IFDIR | (st.mode & 07777),
                .st_nlink = 2,
                .st_uid = st.uid,
                .st_gid = st.gid,
                .st_atim = st.atime,
                .st_mtim = st.mtime,
                .st_ctim = st.ctime,
        };
}

static int set_root(struct axfs *fs, struct store *root) {
        struct node *node;
        struct stat st;
        int r;

        if (fs->namespace.root == root)
                return 0;
        if (fstat(root->root_fd, &st) < 0)
                return negative_errno();
        r = store_root_node_new(&node, root, &st);
        if (r == 0)
                node_table_set_root(&fs->nodes, node);
        return r;
}

static int install_mounts(struct axfs *fs, ax_client *ax, struct ax_mount *mounts, int count) {
        struct mount_point points[NAMESPACE_MOUNTS] = {};
        struct store *root = NULL;
        unsigned n = 0;
        int r = 0;

        for (int i = 0; i < count && r == 0; i++) {
                const char *name = mounts[i].path + 1;

                if (*name == '\0' && mounts[i].fd >= 0 && !root) {
                        r = store_from_mount(fs, &mounts[i], &root);
                } else if (*name && !strchr(name, '/') && n < NAMESPACE_MOUNTS) {
                        snprintf(points[n].name, sizeof(points[n].name), "%s", name);
                        if (mounts[i].fd >= 0)
                                r = store_from_mount(fs, &mounts[i], &points[n].store);
                        else
                                stat_daemon_directory(ax, mounts[i].path, &points[n].st);
                        n++;
                }
        }
        if (r == 0)
                r = root ? set_root(fs, root) : -EPROTO;
        if (r == 0) {
                namespace_replace(&fs->namespace, root, points, n);
                return 0;
        }
        store_unref(root);
        for (unsigned i = 0; i < n; i++)
                store_unref(points[i].store);
        return r;
}

static int fetch_mounts(struct axfs *fs, ax_client *ax) {
        struct ax_mount *mounts;
        int count, r;

        count = ax_mount_list(ax, &mounts);
        if (count < 0)
                return count;
        r = install_mounts(fs, ax, mounts, count);
        mounts_free(mounts, count);
        return r;
}

static int link_connect(struct link *link) {
        struct connection *connection = malloc(sizeof(*connection));
        int r;

        if (!connection)
                return -AX_ENOMEM;
        *connection = (struct connection){ .refs = 1 };
        r = ax_connect(&connection->ax, link->socket_path);
        if (r < 0) {
                free(connection);
                return r;
        }
        r = fetch_mounts(link->fs, connection->ax);
        if (r < 0) {
                connection_unref(connection);
                return r;
        }
        pthread_mutex_lock(&link->lock);
        link->current = connection;
        pthread_mutex_unlock(&link->lock);
        return 0;
}

/* ---- the counters ----------------------------------------------------------------------------------------- */

static struct ax_mount_counters counters_since_report(const struct link *link) {
        struct counters *counters = &link->fs->counters;

        return (struct ax_mount_counters){
                .requests = atomic_load(&counters->requests) - link->requests,
                .errors = atomic_load(&counters->errors) - link->errors,
                .bytes_read = atomic_load(&counters->bytes_read) - link->bytes_read,
                .bytes_written = atomic_load(&counters->bytes_written) - link->bytes_written,
        };
}

bool link_wants_report(struct link *link) {
        struct ax_mount_counters news;
        bool connected;

        pthread_mutex_lock(&link->lock);
        news = counters_since_report(link);
        connected = link->current != NULL;
        pthread_mutex_unlock(&link->lock);
        if (!connected || (news.requests | news.errors | news.bytes_read | news.bytes_written) == 0)
                return false;
        link_wake(link);
        return true;
}

static void report_events(struct link *link, struct connection *connection) {
        struct ax_mount_event events[TRACING_QUEUED];
        uint64_t lost;
        size_t n = tracing_take(&link->fs->tracing, events, &lost);

        if (n > 0)
                ax_mount_trace(connection->ax, events, n, lost);
}

bool link_is_traced(struct link *link) {
        bool traced;

        pthread_mutex_lock(&link->lock);
        traced = link->current && *ax_trace_flag(link->current->ax);
        pthread_mutex_unlock(&link->lock);
        return traced;
}

static void link_report(struct link *link, struct connection *connection) {
        struct ax_mount_counters news = counters_since_report(link);

        report_events(link, connection);
        if ((news.requests | news.errors | news.bytes_read | news.bytes_written) == 0)
                return;
        if (ax_mount_report(connection->ax, &news) < 0)
                return;
        pthread_mutex_lock(&link->lock);
        link->requests += news.requests;
        link->errors += news.errors;
        link->bytes_read += news.bytes_read;
        link->bytes_written += news.bytes_written;
        pthread_mutex_unlock(&link->lock);
}

/* ---- the thread ------------------------------------------------------------------------------------------- */

static void drain(int fd) {
        char buffer[4096];

        while (read(fd, buffer, sizeof(buffer)) > 0)
                ;
}

/* Until the daemon ends or link_stop() is called. */
static void watch_connection(struct link *link, struct connection *connection) {
        struct pollfd fds[2] = {
                { .fd = ax_fileno(connection->ax), .events = POLLIN },
                { .fd = link->wake_fd, .events = POLLIN },
        };

        while (!atomic_load(&link->stopping)) {
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        return;
                drain(link->wake_fd);
                if (fds[0].revents && ax_dispatch(connection->ax, 0) < 0)
                        return;
                pthread_mutex_lock(&link->lock);
                bool lost = link->current != connection;
                pthread_mutex_unlock(&link->lock);
                if (lost)
                        return;
                link_report(link, connection);
        }
}

/* Whether changes in the socket's directory will be told. */
static bool watch_socket(const struct link *link) {
        char directory[PATH_MAX];
        const char *slash = link->socket_path ? strrchr(link->socket_path, '/') : NULL;

        if (!slash || link->inotify_fd < 0)
                return false;
        snprintf(directory, sizeof(directory), "%.*s/", (int) (slash - link->socket_path), link->socket_path);
        return inotify_add_watch(link->inotify_fd, directory,
                                 IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_ONLYDIR) >= 0;
}

static void reconnect(struct link *link) {
        struct pollfd fds[2] = {
                { .fd = link->wake_fd, .events = POLLIN },
                { .fd = link->inotify_fd, .events = POLLIN },
        };
        int delay_ms = RETRY_FIRST_MS;

        while (!atomic_load(&link->stopping)) {
                bool watched = watch_socket(link);
                int r = link_connect(link);

                if (r == 0)
                        return;
                /* A daemon that is just coming up refuses for a moment without a change of the directory. */
                poll(fds, 2, watched && delay_ms >= RETRY_MAX_MS ? RETRY_WATCHED_MS : delay_ms);
                delay_ms = delay_ms * 2 < RETRY_MAX_MS ? delay_ms * 2 : RETRY_MAX_MS;
                if (fds[1].revents)
                        delay_ms = RETRY_FIRST_MS;
                drain(link->wake_fd);
                if (link->inotify_fd >= 0)
                        drain(link->inotify_fd);
        }
}

static void *link_thread(void *data) {
        struct link *link = data;

        while (!atomic_load(&link->stopping)) {
                struct connection *connection = link_connection(link);

                if (!connection) {
                        reconnect(link);
                        continue;
                }
                watch_connection(link, connection);
                if (!atomic_load(&link->stopping)) {
                        fprintf(stderr, "axfs: lost the daemon; files stay, devices and /proc return with it\n");
                        link_drop(link, connection);
                }
                connection_unref(connection);
        }
        return NULL;
}

int link_init(struct link *link, struct axfs *fs, const char *socket_path) {
        *link = (struct link){ .fs = fs, .socket_path = socket_path, .wake_fd = -1, .inotify_fd = -1 };
        pthread_mutex_init(&link->lock, NULL);
        link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (link->wake_fd < 0)
                return negative_errno();
        link->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return link_connect(link);
}

int link_start(struct link *link) {
        sigset_t all, old;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&link->thread, NULL, link_thread, link);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        link->started = r == 0;
        return -r;
}

void link_stop(struct link *link) {
        atomic_store(&link->stopping, true);
        if (link->started) {
                link_wake(link);
                pthread_join(link->thread, NULL);
        }
        connection_unref(link->current);
        if (link->wake_fd >= 0)
                close(link->wake_fd);
        if (link->inotify_fd >= 0)
                close(link->inotify_fd);
        pthread_mutex_destroy(&link->lock);
}
