/* SPDX-License-Identifier: MIT */
/*
 * axebergd: options, start-up order, readiness, shutdown.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "bus/bus.h"
#include "config.h"
#include "kernel.h"
#include "loop.h"
#include "mounter.h"
#include "process/lifecycle.h"
#include "server/server.h"
#include "service.h"
#include "streams.h"
#include "synthetic/trees.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "vfs/store.h"
#include "window/screen_host.h"

const char *argp_program_version = "axebergd " AXEBERG_VERSION;

enum { OPTION_STORE = 256, OPTION_EPHEMERAL, OPTION_MOUNT, OPTION_AXFS, OPTION_NO_BUS, OPTION_DEBUG, OPTION_MEMORY };

static const struct argp_option options[] = {
        { "config", 'c', "FILE", 0, "Read settings from FILE; options win over it", 0 },
        { "socket", 's', "PATH", 0, "Serve on the socket PATH", 0 },
        { "store", OPTION_STORE, "DIR", 0, "Keep the files of \"/\" in the directory DIR", 0 },
        { "ephemeral", OPTION_EPHEMERAL, NULL, 0, "Keep the files of \"/\" in memory", 0 },
        { "mount", OPTION_MOUNT, "DIR", 0, "Mount the namespace at DIR as long as the daemon runs", 0 },
        { "axfs", OPTION_AXFS, "PATH", 0, "The axfs program for --mount", 0 },
        { "no-bus", OPTION_NO_BUS, NULL, 0, "Do not go on D-Bus", 0 },
        { "system-memory-limit", OPTION_MEMORY, "BYTES", 0,
          "Give programs no more memory than this; K, M, G, T are understood", 0 },
        { "option", 'o', "NAME=VALUE", 0, "Set any setting of the configuration file", 0 },
        { "debug", OPTION_DEBUG, NULL, 0, "Log what happens in detail", 0 },
        { 0 },
};

/*
 * The command line is gone through twice: first for the configuration file's name, and for what is
 * wrong with it before anything is read; then its settings are put on top of the file's.
 */
struct arguments {
        struct config *config;
        const char *config_path; /* NULL: not named */
        bool store, ephemeral;   /* the one or the other was asked for */
};

static void set_or_fail(struct argp_state *state, const char *name, const char *value) {
        struct arguments *arguments = state->input;
        int r = config_set(arguments->config, name, value);

        if (r == -ENOENT)
                argp_error(state, "unknown setting \"%s\"", name);
        else if (r == -EINVAL)
                argp_error(state, "bad value \"%s\" for %s", value, name);
        else if (r < 0)
                argp_failure(state, EXIT_FAILURE, -r, "%s", name);
        if (strcmp(name, "Store") == 0)
                arguments->store = true;
        else if (strcmp(name, "Ephemeral") == 0)
                arguments->ephemeral = arguments->config->ephemeral;
}

static void set_assignment(struct argp_state *state, char *assignment) {
        char *equals = strchr(assignment, '=');

        if (!equals)
                argp_error(state, "\"%s\" is not NAME=VALUE", assignment);
        *equals = '\0';
        set_or_fail(state, assignment, equals + 1);
        *equals = '=';
}

/* A store that the command line names is used, whatever the file says of Ephemeral. */
static void choose_store(struct argp_state *state) {
        const struct arguments *arguments = state->input;

        if (arguments->store && arguments->ephemeral)
                argp_error(state, "a store (--store) and an ephemeral one (--ephemeral) exclude each other");
        if (arguments->store)
                arguments->config->ephemeral = false;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
        struct arguments *arguments = state->input;

        switch (key) {
        case 'c':
                if (!*argument)
                        argp_error(state, "the name of the configuration file is empty");
                arguments->config_path = argument;
                break;
        case 's':
                set_or_fail(state, "Socket", argument);
                break;
        case OPTION_STORE:
                set_or_fail(state, "Store", argument);
                break;
        case OPTION_EPHEMERAL:
                set_or_fail(state, "Ephemeral", "yes");
                break;
        case OPTION_MOUNT:
                set_or_fail(state, "Mount", argument);
                break;
        case OPTION_AXFS:
                set_or_fail(state, "Axfs", argument);
                break;
        case OPTION_NO_BUS:
                set_or_fail(state, "Bus", "no");
                break;
        case 'o':
                set_assignment(state, argument);
                break;
        case OPTION_MEMORY:
                set_or_fail(state, "SystemMemory", argument);
                break;
        case OPTION_DEBUG:
                set_or_fail(state, "Debug", "yes");
                break;
        case ARGP_KEY_END:
                choose_store(state);
                break;
        default:
                return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp argp = {
        .options = options,
        .parser = parse_option,
        .doc = "axebergd serves the axeberg kernel.\v"
               "It runs in the foreground and ends on SIGTERM or SIGINT, unmounting what it mounted.",
};

struct daemon {
        int argc;
        char **argv;
        const char *config_path; /* that --config names; NULL: none */
        struct service service;
        struct bus *bus;
        struct config config;
        sd_event *event;
        struct kernel kernel;
        struct server server;
        struct loop loop;
        struct mounter mounter;
        bool stopping, failed;
};

/* Descriptors are what this daemon is made of: take as many as we are allowed. */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                log_errno(LOG_WARNING, errno, "cannot raise the limit of open files");
}

static void daemon_on_ready(void *userdata) {
        struct daemon *daemon = userdata;

        service_ready(&daemon->service);
}

static void daemon_on_stopped(void *userdata) {
        struct daemon *daemon = userdata;

        sd_event_exit(daemon->kernel.event, 0);
}

/* The mount was asked for: without it the daemon has not done what it was started for. */
static void daemon_on_failed(void *userdata) {
        struct daemon *daemon = userdata;

        daemon->failed = true;
        service_stopping();
        sd_event_exit(daemon->kernel.event, 0);
}

static int daemon_on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct daemon *daemon = userdata;

        (void) source;
        if (daemon->stopping)
                return 0;
        daemon->stopping = true;
        log_info("ending on signal %u", info->ssi_signo);
        service_stopping();
        server_stop_listening(&daemon->server);
        mounter_stop(&daemon->mounter);
        return 0;
}

static const char default_config[] = "/etc/axeberg/axeberg.conf";

/*
 * Looks each time, because it may have come or gone since. A link to nowhere is there, and an
 * error.
 */
static bool has_default_config(void) {
        if (geteuid() != 0)
                return false;
        return faccessat(AT_FDCWD, default_config, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
               (errno != ENOENT && errno != ENOTDIR);
}

/*
 * Reads the file, which --config has named, or root's default one if there is such a file; then the
 * command line. Returns 0 or a negative errno, which has been logged.
 */
static int load_settings(struct config *config, const char *named, int argc, char **argv) {
        struct arguments arguments = { .config = config };
        const char *path = named ? named : has_default_config() ? default_config : NULL;
        int r = config_init(config);

        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot begin with the settings");
        if (path)
                r = config_load(config, path);
        if (r == 0)
                argp_parse(&argp, argc, argv, 0, NULL, &arguments);
        return r;
}

/* What is wrong with the new settings is logged, and the old ones stay. */
static int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct daemon *daemon = userdata;
        struct config fresh;

        (void) source;
        (void) info;
        service_reloading();
        if (load_settings(&fresh, daemon->config_path, daemon->argc, daemon->argv) == 0) {
                config_apply(&daemon->config, &fresh);
                kernel_configure(&daemon->kernel);
                log_set_level(daemon->config.debug ? LOG_DEBUG : LOG_INFO);
                log_info("the settings have been read again");
        } else
                log_error("the settings stay as they were");
        config_deinit(&fresh);
        service_ready(&daemon->service);
        return 0;
}

static int daemon_start(struct daemon *daemon, sd_event *event) {
        const struct config *config = &daemon->config;
        int r = log_start(), inherited_fd = -1;

        if (r == 0)
                r = kernel_init(&daemon->kernel, config, event);
        if (r == 0) {
                trees_mount(&daemon->kernel);
                server_init(&daemon->server, &daemon->kernel);
                inherited_fd = service_socket();
        }
        if (r == 0 && inherited_fd < 0 && inherited_fd != -ENOENT)
                r = inherited_fd;
        if (r == 0)
                r = server_listen(&daemon->server, config->socket_path, inherited_fd);
        if (r == 0)
                r = service_start(&daemon->service, event, &daemon->kernel, config->socket_path);
        if (r < 0)
                return r;
        if (config->bus)
                (void) bus_start(&daemon->bus, &daemon->kernel); /* without it everything else works */
        log_info("serving on %s, store %s", config->socket_path, daemon->kernel.vfs.mounts[0].store->source);
        if (!config->mount_path) {
                daemon_on_ready(daemon);
                return 0;
        }
        return mounter_start(&daemon->mounter, event, config->axfs_path, config->socket_path, config->mount_path);
}

/* Called once the loop has ended. Returns the exit status. */
static int daemon_end(int r, void *userdata) {
        struct daemon *daemon = userdata;
        int status = r < 0 || daemon->failed ? EXIT_FAILURE : EXIT_SUCCESS;

        service_stop(&daemon->service);
        mounter_deinit(&daemon->mounter);
        process_table_end_all(&daemon->kernel.processes);
        daemon->bus = bus_stop(daemon->bus);
        server_deinit(&daemon->server);
        if (!kernel_deinit(&daemon->kernel)) {
                log_stop();
                _exit(status);
        }
        sd_event_unref(daemon->event);
        log_stop();
        config_deinit(&daemon->config);
        return status;
}

static int daemon_run(struct daemon *daemon) {
        sd_event *event;
        int r = sd_event_new(&daemon->event);

        if (r < 0) {
                log_errno(LOG_ERR, r, "cannot make the event loop");
                return EXIT_FAILURE;
        }
        event = daemon->event;
        sd_event_add_signal(event, NULL, SIGTERM, daemon_on_signal, daemon);
        sd_event_add_signal(event, NULL, SIGINT, daemon_on_signal, daemon);
        sd_event_add_signal(event, NULL, SIGHUP, daemon_on_reload, daemon);
        daemon->mounter.on_ready = daemon_on_ready;
        daemon->mounter.on_failed = daemon_on_failed;
        daemon->mounter.on_stopped = daemon_on_stopped;
        daemon->mounter.userdata = daemon;
        daemon->server.listen_fd = daemon->server.spare_fd = -1;

        r = daemon_start(daemon, event);
        if (r < 0)
                return daemon_end(r, daemon);
        loop_init(&daemon->loop, event, &daemon->kernel.users.lanes, daemon->kernel.workers, &daemon->kernel.ticks);
        loop_run(&daemon->loop, daemon_end, daemon);
}

/* Ends the program if there is something wrong with the command line, or only help was wanted. */
static const char *find_config(int argc, char **argv) {
        struct config scratch;
        struct arguments arguments = { .config = &scratch };

        if (config_init(&scratch) == 0)
                argp_parse(&argp, argc, argv, 0, NULL, &arguments);
        config_deinit(&scratch);
        return arguments.config_path;
}

int main(int argc, char **argv) {
        static struct daemon daemon; /* its vfs and tables are large */
        sigset_t signals;

        streams_start("axebergd");
        if (argc == 2 && strcmp(argv[1], "--screen") == 0)
                return screen_main();
        /*
         * what the starter had open and did not mean for us is even less for axfs and the screens
         */
        (void) close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        argp_err_exit_status = 2;
        daemon.argc = argc;
        daemon.argv = argv;
        daemon.config_path = find_config(argc, argv);
        if (load_settings(&daemon.config, daemon.config_path, argc, argv) < 0)
                return EXIT_FAILURE;
        if (daemon.config.debug)
                log_set_level(LOG_DEBUG);
        if (config_make_directory(&daemon.config) < 0)
                return EXIT_FAILURE;

        /* before any thread: workers must not take them */
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        sigaddset(&signals, SIGCHLD);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGCHLD, SIG_DFL); /* ignored, it would take the children's exit status away */
        umask(0);
        raise_descriptor_limit();

        return daemon_run(&daemon);
}
