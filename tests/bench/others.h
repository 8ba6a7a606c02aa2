/* SPDX-License-Identifier: MIT */
/*
 * What others make of a call: sd-bus through a dbus-daemon of its own, and wineserver, which a
 * small Windows program calls; each also beside 1,000 connections that do nothing. And axebergd
 * beside as many.
 */
#pragma once

#include "cases.h"
#include "crowd.h"
#include "daemon.h"
#include "place.h"

enum { OTHERS_IDLE = 1000 };

struct sd_bus;

struct others {
        bool has[BENCH_OTHERS];
        struct daemon crowded; /* an axebergd */
        ax_client *crowded_ax;
        struct bus_peer {
                pid_t daemon, service;
                struct sd_bus *bus;
        } bus, crowded_bus;
        struct crowd crowd, bus_crowd;
        struct wine {
                pid_t server, program;
                int orders, answers;
        } wine;
};

/* Starts what is installed, in directories below `directory`: others->has says what there is. */
void others_start(struct others *others, const char *directory, struct place *place, bool with_wine);
void others_stop(struct others *others);
/* Before a case that needs one of them. Returns 0 or a negative errno. */
int others_get_ready(struct others *others, enum bench_other which);

int bench_run_crowded_getppid(struct bench_context *context, unsigned n);
int bench_run_bus(struct bench_context *context, unsigned n);
int bench_run_crowded_bus(struct bench_context *context, unsigned n);
int bench_run_wine_event(struct bench_context *context, unsigned n);
int bench_run_wine_duplicate(struct bench_context *context, unsigned n);
int bench_run_wine_open(struct bench_context *context, unsigned n);

/* In other_bus.c and other_wine.c. */
bool bus_peer_start(struct bus_peer *peer, const char *directory, const char *name, struct place *place);
void bus_peer_stop(struct bus_peer *peer);
int bus_peer_join(const char *address);
void bus_peer_address(const char *directory, const char *name, char *ret, size_t size);
bool wine_start(struct wine *wine, const char *directory, struct place *place);
void wine_stop(struct wine *wine);
int wine_order(const struct wine *wine, unsigned what, unsigned n);
