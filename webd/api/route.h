#pragma once

#include <stddef.h>

#include "webd/api/call.h"

/*
 * The table of routes: one row a call. From the row follow who may call it, where in the cluster it
 * is answered, and the form of its answer. tests/unit/webd/api/route_test.c walks it beside the
 * API's catalogue.
 */
enum envelope { ENVELOPE_WRAPPED, ENVELOPE_FLAT, ENVELOPE_BINARY };

enum session_class {
    SESSION_ANY,           // a session of any type
    SESSION_STANDARD_ONLY, // no API tokens
    SESSION_NONE,          // no session asked; a given one is looked up
};

enum cluster_class {
    CLUSTER_ANY_NODE, // honours node=
    CLUSTER_PRIMARY,  // a secondary passes it to the primary
    CLUSTER_LOCAL,    // never passed on
};

enum cluster_role { ROLE_ANY, ROLE_PRIMARY, ROLE_SECONDARY };

enum route_flag {
    ROUTE_SECTION_ANY_OF = 1 << 0, // the handler checks rights itself
    ROUTE_OURS = 1 << 1,           // not in the API's catalogue
    ROUTE_POST_ONLY = 1 << 2,
    ROUTE_UPLOAD = 1 << 3, // may carry a file
};

#define SECTION_NONE SECTION_COUNT // no section right is asked

struct route {
    const char *path; // without "/api/"
    enum section section;
    unsigned permission; // enum permission bits, of the section
    enum session_class session;
    enum cluster_class cluster;
    enum cluster_role role; // the other role gets an error
    enum envelope envelope;
    unsigned flags;
    void (*handler)(struct api_call *call);
};
extern const struct route route_table[];
extern const size_t route_count;

// The row of a path, any case; NULL = no such call.
const struct route *route_find(const char *path);
