#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "webd/http/server.h"

// Between server.c and exchange.c only: one HTTP request inside libmicrohttpd.

struct exchange;
struct exchange_list {
    struct exchange *head;
    size_t count;
};

// What the exchanges of one server share.
struct exchange_shared {
    struct web_handlers handlers;
    const char *spool_dir;
    uint64_t spool_bytes; // of uploads under way
    bool is_closing;      // handlers are not called any more: connections end instead
};

// One libmicrohttpd daemon, as its requests see it.
struct exchange_origin {
    struct exchange_shared *shared;
    bool is_tls;
    struct exchange_list open;
    void (*wake)(struct exchange_origin *origin); // run the daemon soon
};

// libmicrohttpd's callbacks; `cls` is the exchange_origin.
void *exchange_uri(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **con_cls);
void exchange_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                        enum MHD_RequestTerminationCode code);

// Ends what waits for an answer with 503, for the end of the process.
void exchange_abandon_all(struct exchange_origin *origin);
