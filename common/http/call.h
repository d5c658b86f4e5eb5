#pragma once

#include <curl/curl.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/http/http.h"

struct event;

// Between http.c and call.c: one request and what has come of its reply. Loop's thread.
struct http_call {
    struct http_call *next; // of the client's calls
    struct http_call **link;
    struct http_client *client;
    http_fn fn;
    void *ctx;
    CURL *easy;
    bool in_multi;
    struct event *failed;  // set when the request could not be made
    struct errmsg failure; // why, or what went wrong on our side
    char curl_text[CURL_ERROR_SIZE];

    struct curl_slist *headers;
    struct curl_slist *connect_to;
    int body_fd; // -1 = body in memory
    uint8_t (*pins)[SHA256_SIZE];
    size_t pin_count;

    struct arena arena; // of the reply's headers
    struct http_header *reply_headers;
    size_t reply_header_count;
    size_t reply_header_capacity;
    struct str body;
    size_t body_size; // received
    size_t reply_max;
    int reply_fd; // -1 = body in memory
    char *reply_path;
    uint8_t spki[SHA256_SIZE];
    bool has_spki;
};

// Never NULL. A request that cannot be made has `failure` set.
struct http_call *call_new(const struct http_request *request);
void call_free(struct http_call *call);
// What libcurl's code means for the caller; completes the reply's file.
enum err call_result(struct http_call *call, CURLcode code);
void call_reply(struct http_call *call, enum err result, struct http_reply *reply);
