/*
 * session.h - the conversation with the kernel: mount, serve, unmount
 *
 * libfuse mounts and parses; every message passes through here (fuse_session_custom_io), where four things happen to it: it is counted;
 * the answer to INIT gets what libfuse's version does not know (passthrough, HANDLE_KILLPRIV_V2); the flags by which a request asks for set-id bits
 * to be cleared are noted for the thread that serves it; and TMPFILE, which older versions of libfuse do not know, becomes
 * a CREATE of the name "/", which no other request can have.
 */
#pragma once

#include "axfs.h"

/**
 * session_mount() - mount at a directory
 * @mountpoint: absolute, not under a dead mount
 * @mount_options: for libfuse and the kernel, comma-separated
 *
 * Return: 0, -EIO after libfuse has told what is wrong.
 */
int session_mount(struct axfs *fs, const char *mountpoint, const char *mount_options);

/** session_serve() - until unmounted, or ended by SIGTERM, SIGINT or SIGHUP. Return: 0, or a negative errno. */
int session_serve(struct axfs *fs);

/** session_unmount() - unmount, if that has not been done, and free the session */
void session_unmount(struct axfs *fs);

/** session_leave() - unmount only: for a process that ends while requests are still being served */
void session_leave(struct axfs *fs);
