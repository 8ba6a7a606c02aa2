/* identity.c - see identity.h */
#include "identity.h"

#include "util.h"

#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct capabilities {
        struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
};

static struct capabilities capabilities; /* what every thread has; fixed once threads run */
static bool privileged;

/* A new thread starts with whatever its creator had just then, so what it is must not be taken for known. */
static _Thread_local struct {
        bool own_umask, known;
        uid_t uid;
        gid_t gid;
        mode_t umask;
} self;

static int capabilities_get(struct capabilities *ret) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

        return syscall(SYS_capget, &header, ret->set) < 0 ? negative_errno() : 0;
}

static int capabilities_set(const struct capabilities *wanted) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

        return syscall(SYS_capset, &header, wanted->set) < 0 ? negative_errno() : 0;
}

static void capability_drop(struct capabilities *from, unsigned capability) {
        from->set[capability / 32].effective &= ~(1U << capability % 32);
}

void identity_prepare(void) {
        if (capabilities_get(&capabilities) < 0)
                return;
        capability_drop(&capabilities, CAP_SYS_RESOURCE);
        if (capabilities_set(&capabilities) < 0)
                (void) capabilities_get(&capabilities);
        privileged = geteuid() == 0 && (capabilities.set[0].effective & (1U << CAP_SETUID));
}

/* A umask belongs to the process unless the thread has a filesystem context of its own. */
static int umask_assume(mode_t mask) {
        if (!self.own_umask) {
                if (unshare(CLONE_FS) < 0)
                        return negative_errno();
                self.own_umask = true;
                self.umask = mask;
                umask(mask);
        }
        if (self.umask != mask) {
                umask(mask);
                self.umask = mask;
        }
        return 0;
}

/* setfsuid(2) and setfsgid(2) tell no error; asking again with an impossible id tells what is. */
static bool switch_id(long call, unsigned id) {
        syscall(call, id);
        return (unsigned) syscall(call, -1) == id;
}

int identity_assume(uid_t uid, gid_t gid, mode_t mask) {
        int r = umask_assume(mask);

        if (r < 0 || !privileged || (self.known && self.uid == uid && self.gid == gid))
                return r;
        self.known = false;
        if (!switch_id(SYS_setfsgid, gid) || !switch_id(SYS_setfsuid, uid))
                return -EPERM;
        /* Leaving fsuid 0 took the capabilities of file systems along. */
        r = capabilities_set(&capabilities);
        if (r < 0)
                return r;
        self.known = true;
        self.uid = uid;
        self.gid = gid;
        return 0;
}

void identity_without_setid(bool on) {
        struct capabilities wanted = capabilities;

        if (on)
                capability_drop(&wanted, CAP_FSETID);
        (void) capabilities_set(&wanted);
}
