/*
 * axebergd: options, start-up order, readiness, shutdown.
 */
#include <argp.h>
#include <errno.h>
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
#include "mounter.h"
#include "object/screen_host.h"
#include "server/server.h"
#include "service.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "vfs/store.h"

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

/* The configuration file is read first, wherever --config stands: the command line is gone through twice. */
struct arguments {
        struct config *config;
        const char *config_path;
        bool only_config_file;
};

static void set_or_fail(struct argp_state *state, struct config *config, const char *name, const char *value) {
        int r = config_set(config, name, value);

        if (r == -ENOENT)
                argp_error(state, "unknown setting \"%s\"", name);
        else if (r < 0)
                argp_error(state, "bad value \"%s\" for %s", value, name);
}

static void set_assignment(struct argp_state *state, struct config *config, char *assignment) {
        char *equals = strchr(assignment, '=');

        if (!equals)
                argp_error(state, "\"%s\" is not NAME=VALUE", assignment);
        *equals = '\0';
        set_or_fail(state, config, assignment, equals + 1);
        *equals = '=';
}

static error_t parse_config_option(int key, char *argument, struct argp_state *state) {
        struct arguments *arguments = state->input;

        if (key == 'c')
                arguments->config_path = argument;
        return key == ARGP_KEY_ARG ? ARGP_ERR_UNKNOWN : 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
        struct arguments *arguments = state->input;
        struct config *config = arguments->config;

        if (arguments->only_config_file)
                return parse_config_option(key, argument, state);
        switch (key) {
        case 'c':
                break;
        case 's':
                set_or_fail(state, config, "Socket", argument);
                break;
        case OPTION_STORE:
                set_or_fail(state, config, "Store", argument);
                config->ephemeral = false;
                break;
        case OPTION_EPHEMERAL:
                config->ephemeral = true;
                break;
        case OPTION_MOUNT:
                set_or_fail(state, config, "Mount", argument);
                break;
        case OPTION_AXFS:
                set_or_fail(state, config, "Axfs", argument);
                break;
        case OPTION_NO_BUS:
                config->bus = false;
                break;
        case 'o':
                set_assignment(state, config, argument);
                break;
        case OPTION_MEMORY:
                set_or_fail(state, config, "SystemMemory", argument);
                break;
        case OPTION_DEBUG:
                config->debug = true;
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
        const char *config_path; /* NULL: none was read */
        struct service service;
        struct bus bus;
        struct config config;
        struct kernel kernel;
        struct server server;
        struct mounter mounter;
        bool stopping;
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

/* The file, then the command line. Return: 0, a negative errno, which has been logged. */
static int load_settings(struct config *config, const char *path, int argc, char **argv) {
        struct arguments arguments = { .config = config };
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
        int r = kernel_init(&daemon->kernel, config, event), given = -1;

        if (r == 0)
                r = server_init(&daemon->server, &daemon->kernel);
        if (r == 0)
                given = service_socket();
        if (r == 0 && given < 0 && given != -ENOENT)
                r = given;
        if (r == 0)
                r = server_listen(&daemon->server, config->socket_path, given);
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

/* sd_event_loop(), with its turns counted. */
static int run_loop(sd_event *event, struct kernel *kernel) {
        while (sd_event_get_state(event) != SD_EVENT_FINISHED) {
                uint64_t begin;
                int r = sd_event_prepare(event);

                if (r == 0)
                        r = sd_event_wait(event, UINT64_MAX);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                begin = clock_nsec();
                r = sd_event_dispatch(event);
                if (r < 0)
                        return r;
                tick_stats_add(&kernel->ticks, clock_nsec() - begin);
        }
        return 0;
}

static int daemon_run(struct daemon *daemon) {
        sd_event *event = NULL;
        int r = sd_event_new(&event);

        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot make the event loop");
        sd_event_add_signal(event, NULL, SIGTERM, daemon_on_signal, daemon);
        sd_event_add_signal(event, NULL, SIGINT, daemon_on_signal, daemon);
        sd_event_add_signal(event, NULL, SIGHUP, daemon_on_reload, daemon);
        daemon->mounter.on_ready = daemon_on_ready;
        daemon->mounter.on_stopped = daemon_on_stopped;
        daemon->mounter.userdata = daemon;
        daemon->server.listen_fd = daemon->server.spare_fd = -1;

        r = daemon_start(daemon, event);
        if (r == 0)
                r = run_loop(event, &daemon->kernel);
        service_stop(&daemon->service);
        mounter_deinit(&daemon->mounter);
        process_table_end_all(&daemon->kernel.processes);
        bus_stop(&daemon->bus);
        server_deinit(&daemon->server);
        kernel_deinit(&daemon->kernel);
        sd_event_unref(event);
        return r;
}

static const char default_config[] = "/etc/axeberg/axeberg.conf";

/* Which file is read: --config's, wherever it stands on the command line; else root's default one, where there is such a file. */
static const char *find_config(int argc, char **argv) {
        struct arguments arguments = { .only_config_file = true };

        argp_parse(&argp, argc, argv, ARGP_SILENT, NULL, &arguments);
        if (!arguments.config_path && geteuid() == 0 && access(default_config, F_OK) == 0)
                return default_config;
        return arguments.config_path;
}

int main(int argc, char **argv) {
        static struct daemon daemon; /* its vfs and tables are large */
        sigset_t signals;
        int r;

        if (argc == 2 && strcmp(argv[1], "--screen") == 0)
                return screen_main();
        argp_err_exit_status = 2;
        daemon.argc = argc;
        daemon.argv = argv;
        daemon.config_path = find_config(argc, argv);
        if (load_settings(&daemon.config, daemon.config_path, argc, argv) < 0)
                return EXIT_FAILURE;
        if (daemon.config.debug)
                log_set_level(LOG_DEBUG);

        /* before any thread: workers must not take them */
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        sigaddset(&signals, SIGCHLD);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        umask(0);
        raise_descriptor_limit();

        r = daemon_run(&daemon);
        config_deinit(&daemon.config);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
