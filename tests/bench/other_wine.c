/* SPDX-License-Identifier: MIT */
/*
 * wineserver and a Windows program, in a prefix of their own. The program stays where we are, and
 * wineserver moves with the peers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "other_wine.h"
#include "others.h"

#define WINE "/usr/lib/wine/wine64"
#define WINE_SERVER "/usr/lib/wine/wineserver64"

#ifdef AXBENCH_WINE_PROGRAM

static void prepare_child(const char *directory) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("WINEPREFIX", directory, 1);
        setenv("HOME", directory, 1);
        setenv("WINEDEBUG", "-all", 1);
        setenv("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe,explorer.exe,services.exe,rpcss.exe=d", 1);
        unsetenv("DISPLAY");
        dup2(null, STDERR_FILENO);
}

static pid_t start_server(const char *directory) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        prepare_child(directory);
        execl(WINE_SERVER, "wineserver", "-f", "-p", (char *) NULL);
        _exit(EXIT_FAILURE);
}

static pid_t start_program(const char *directory, int orders, int answers) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        prepare_child(directory);
        if (chdir(directory) < 0 || dup2(orders, STDIN_FILENO) < 0 || dup2(answers, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        execl(WINE, "wine64", AXBENCH_WINE_PROGRAM, (char *) NULL);
        _exit(EXIT_FAILURE);
}

static int take_answer(const struct wine *wine) {
        unsigned answer;

        if (read(wine->answers, &answer, sizeof(answer)) != sizeof(answer))
                return -EPIPE;
        return answer == 0 ? 0 : -EIO;
}

bool wine_start(struct wine *wine, const char *directory, struct place *place) {
        int orders[2], answers[2];
        char prefix[256];

        snprintf(prefix, sizeof(prefix), "%s/wine", directory);
        if (access(WINE, X_OK) < 0 || access(WINE_SERVER, X_OK) < 0 || mkdir(prefix, 0700) < 0)
                return false;
        if (pipe2(orders, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
                return false;
        fprintf(stderr, "axbench: preparing wine\n");
        wine->server = start_server(prefix);
        wine->program = start_program(prefix, orders[0], answers[1]);
        wine->orders = orders[1];
        wine->answers = answers[0];
        close(orders[0]);
        close(answers[1]);
        place_add(place, wine->server);
        return take_answer(wine) == 0;
}

#else

bool wine_start(struct wine *wine, const char *directory, struct place *place) {
        (void) wine;
        (void) directory;
        (void) place;
        return false;
}

static int take_answer(const struct wine *wine) {
        (void) wine;
        return -ENOSYS;
}

#endif

/* The server ends all other programs that Windows has begun, when it ends itself. */
void wine_stop(struct wine *wine) {
        if (wine->program <= 0)
                return;
        close(wine->orders);
        close(wine->answers);
        (void) waitpid(wine->program, NULL, 0);
        kill(wine->server, SIGTERM);
        (void) waitpid(wine->server, NULL, 0);
        wine->program = wine->server = 0;
}

int wine_order(const struct wine *wine, unsigned what, unsigned n) {
        const unsigned order[2] = { what, n };

        if (write(wine->orders, order, sizeof(order)) != sizeof(order))
                return -EPIPE;
        return take_answer(wine);
}
