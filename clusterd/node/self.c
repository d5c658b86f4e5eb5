#include "clusterd/node/self.h"

#include "common/base/mem.h"
#include "common/base/rand.h"
#include "common/conf/setting.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDENTITY_PATH "node/identity"
#define NAME_PATH     "settings/dnsServerDomain"

static const char *const ROLE_NAMES[NODE_ROLE_COUNT] = {
    [NODE_STANDALONE] = "Standalone",
    [NODE_PRIMARY] = "Primary",
    [NODE_SECONDARY] = "Secondary",
};

const char *node_role_name(enum node_role role)
{
    return ROLE_NAMES[role];
}

static bool parse_identity(const char *text, struct node_self *self)
{
    json_t *json = json_loads(text, 0, NULL);
    json_int_t id = json_integer_value(json_object_get(json, "id"));
    const char *role = json_string_value(json_object_get(json, "role"));
    bool known = false;
    for (unsigned i = 0; role != NULL && i < NODE_ROLE_COUNT; i++) {
        if (strcmp(role, ROLE_NAMES[i]) == 0) {
            self->role = (enum node_role)i;
            known = true;
        }
    }
    known = known && id >= 1 && id <= INT32_MAX;
    if (known) {
        self->id = (uint32_t)id;
        self->epoch = (uint64_t)json_integer_value(json_object_get(json, "epoch"));
    }
    json_decref(json);
    return known;
}

// A stored setting wins; else the default, which is the host's name.
static void read_name(struct store *store, struct node_self *self)
{
    struct str text;
    str_init(&text);
    json_t *json = store_get(store, NAME_PATH, &text)
                       ? json_loads(text.text, JSON_DECODE_ANY, NULL)
                       : setting_default_json(setting_find("dnsServerDomain"));
    const char *name = json_string_value(json);
    if (name != NULL && name[0] != '\0' && str_copy(self->name, sizeof self->name, name)) {
        str_lower(self->name);
    }
    json_decref(json);
    str_fini(&text);
}

void node_self_refresh(struct store *store, struct node_self *self)
{
    struct str text;
    str_init(&text);
    if (store_get(store, IDENTITY_PATH, &text)) {
        bool known = parse_identity(text.text, self);
        (void)known; // checked when it was stored
    }
    str_fini(&text);
    read_name(store, self);
}

char *node_self_json(uint32_t id, const char *name, enum node_role role, uint64_t epoch)
{
    json_t *json = json_pack("{s:I, s:s, s:s, s:I}", "id", (json_int_t)id, "name", name, "role",
                             ROLE_NAMES[role], "epoch", (json_int_t)epoch);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    char *copy = mem_strdup(text);
    free(text);
    return copy;
}

static enum err make_identity(struct store *store, struct node_self *self, struct errmsg *e)
{
    read_name(store, self);
    self->id = rand_below(INT32_MAX) + 1;
    char *json = node_self_json(self->id, self->name, NODE_STANDALONE, 0);
    struct store_change change = {.path = IDENTITY_PATH, .value = json};
    struct store_request request = {.changes = &change,
                                    .count = 1,
                                    .actor = "system",
                                    .node = self->name,
                                    .summary = "first start"};
    struct store_result result;
    enum err err = store_commit(store, &request, &result, e);
    mem_free(json);
    return err;
}

enum err node_self_load(struct store *store, struct node_self *self, struct errmsg *e)
{
    *self = (struct node_self){0};
    struct str text;
    str_init(&text);
    enum err err = ERR_OK;
    if (!store_get(store, IDENTITY_PATH, &text)) {
        err = make_identity(store, self, e);
    } else if (!parse_identity(text.text, self)) {
        err = err_set(e, ERR_CORRUPT, "object %s of the configuration store is not understood: %s",
                      IDENTITY_PATH, text.text);
    }
    str_fini(&text);
    if (err == ERR_OK) {
        node_self_refresh(store, self);
    }
    return err;
}
