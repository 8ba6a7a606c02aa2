/* SPDX-License-Identifier: MIT */
/*
 * session.h - the conversation with the kernel: mount, serve, unmount
 *
 * libfuse mounts and parses. Every message passes through here (fuse_session_custom_io): it is
 * counted, and it is noted for the trace. Some are changed or looked at: the answer to INIT gets
 * what libfuse's version does not know (passthrough, HANDLE_KILLPRIV_V2); flags by which a request
 * asks for set-id bits to be cleared are noted for the thread that serves it; TMPFILE, which older
 * versions of libfuse do not know, becomes a CREATE of the name "/", which no other request can
 * have.
 */
#pragma once

#include "axfs.h"

/**
 * session_mount() - mount at a directory
 * @mountpoint: absolute, not under a dead mount; kept
 * @mount_options: for libfuse and the kernel, comma-separated
 *
 * Returns 0, or -EIO after libfuse has printed what is wrong.
 */
int session_mount(struct axfs *fs, const char *mountpoint, const char *mount_options);

/** session_threads() - returns how many threads serve requests */
unsigned session_threads(void);

/**
 * session_serve() - serve until unmounted, or ended by SIGTERM, SIGINT or SIGHUP. Returns 0 or a
 * negative errno.
 */
int session_serve(struct axfs *fs);

/** session_unmount() - unmount, unless that has been done, and free the session */
void session_unmount(struct axfs *fs);

/** session_leave() - end the process although requests are still being served, and unmount */
_Noreturn void session_leave(struct axfs *fs);
