#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/conf/map.h"
#include "webd/auth/password.h"

/*
 * Users, groups and their rights, read from the config objects of common/conf/README.md when they
 * are needed; nothing is cached, so nothing is ever stale. Loop's thread.
 */
#define ACCOUNT_NAME_MAX        256
#define ACCOUNT_COUNT_MAX       255   // users, and groups
#define ACCOUNT_TIMEOUT_DEFAULT 1800u // seconds
#define ACCOUNT_TIMEOUT_MAX     604800u

#define GROUP_ADMINISTRATORS "Administrators"
#define GROUP_DNS            "DNS Administrators"
#define GROUP_DHCP           "DHCP Administrators"
#define GROUP_EVERYONE       "Everyone"
bool group_is_built_in(const char *group);

struct account {
    char name[ACCOUNT_NAME_MAX];
    char display[ACCOUNT_NAME_MAX];
    bool is_disabled;
    char password[PASSWORD_ENCODED_MAX]; // encoded hash; "" = none was set
    char totp[128];                      // base32 secret; "" = no second factor
    uint32_t session_timeout_s;
    json_t *object; // the whole value, for changes
};

// The user of a name (lower case); false = there is none. Ended by account_fini.
bool account_load(const struct conf_map *map, const char *name, struct account *out);
void account_fini(struct account *account);
// Everybody is in Everyone.
bool account_is_member(const struct account *account, const char *group);
// Sets, or takes, a membership in `object`.
void account_set_member(struct account *account, const char *group, bool is_member);

// Lower case, and only letters, digits, @ - _ . ; false = not a user name.
bool account_name_normalize(const char *name, char out[ACCOUNT_NAME_MAX]);
// Has some enabled member of Administrators a password?
bool account_has_administrator(const struct conf_map *map);

// ---- rights ------------------------------------------------------------------------------------

enum section {
    SECTION_DASHBOARD,
    SECTION_ZONES,
    SECTION_CACHE,
    SECTION_ALLOWED,
    SECTION_BLOCKED,
    SECTION_APPS,
    SECTION_DNS_CLIENT,
    SECTION_SETTINGS,
    SECTION_DHCP,
    SECTION_ADMINISTRATION,
    SECTION_LOGS,
    SECTION_COUNT
};
extern const char *const section_names[SECTION_COUNT];  // as in the API
bool section_find(const char *name, enum section *out); // any case, or the decimal number

enum permission {
    PERMISSION_VIEW = 1,
    PERMISSION_MODIFY = 2,
    PERMISSION_DELETE = 4,
    PERMISSION_ALL = 7
};

// Granted when the user or any of its groups has the flag; Administrators always have all.
unsigned permission_of(const struct conf_map *map, const struct account *account,
                       enum section section);
// The second level, one zone (text without the last dot, "." = root). DNS Administrators have all.
unsigned permission_of_zone(const struct conf_map *map, const struct account *account,
                            const char *zone);

// "VMD" <-> bits.
unsigned permission_from_text(const char *text);
void permission_to_text(unsigned flags, char out[4]);
// What a section's built-in groups keep whatever is set; 0 = none.
unsigned permission_kept(enum section section, const char *group);
// The permissions of a fresh install for a section: {"users":{},"groups":{...}}; new reference.
json_t *permission_initial(enum section section);
