/* SPDX-License-Identifier: MIT */
#include "accounts.h"

#include <grp.h>
#include <pwd.h>

#include "numbers.h"

bool find_uid(const char *text, uint32_t *ret) {
        const struct passwd *user = getpwnam(text);

        if (!user)
                return parse_id(text, ret);
        *ret = user->pw_uid;
        return true;
}

bool find_gid(const char *text, uint32_t *ret) {
        const struct group *group = getgrnam(text);

        if (!group)
                return parse_id(text, ret);
        *ret = group->gr_gid;
        return true;
}
