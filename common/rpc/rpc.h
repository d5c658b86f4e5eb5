#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct event_base;

// Who speaks. The caller's rights follow from the socket folder that it reached the server by.
enum rpc_party { RPC_DNSD, RPC_CLUSTERD, RPC_WEBD, RPC_CTL, RPC_PARTY_COUNT };
const char *rpc_party_name(enum rpc_party party);   // "dnsd", "clusterd", "webd", "ctl"

#define RPC_MESSAGE_MAX ((size_t)256 * 1024)   // one packed message; lists are paged below it
#define RPC_PAGE_BYTES ((size_t)200 * 1024)    // where handlers that fill pages stop adding
#define RPC_WINDOW 64                           // calls of one client under way; the rest queues here

// ---- policy: one row a method ------------------------------------------------------------------

enum rpc_retry {
    RPC_IDEMPOTENT,   // may run twice: sent again after a reconnect, until the deadline
    RPC_ONCE,         // must not: the server remembers results by request id; after a server restart
                      // the caller gets ERR_TIMEOUT ("outcome not known")
};
struct rpc_method_policy {
    const char *name;        // "clusterd.Config.Commit"
    uint32_t callers;        // bits 1u << enum rpc_party
    uint32_t deadline_ms;
    enum rpc_retry retry;
};
extern const struct rpc_method_policy rpc_policy[];
extern const size_t rpc_policy_count;
const struct rpc_method_policy *rpc_policy_find(const char *full_name);   // NULL = no row

// ---- server ------------------------------------------------------------------------------------

/*
 * Serves `services` (generated handler structs) on <run_dir>/<self>/<caller>/rpc.sock for each
 * caller that the policy names, in the loop of `base`. A handler calls closure(&reply,
 * closure_data) once, at once or later, from the loop's thread; the reply is packed inside that
 * call, and the request stays valid until then. closure(NULL, data) answers ERR_INTERNAL. Null
 * handlers and unknown methods answer ERR_UNSUPPORTED, callers outside the policy ERR_DENIED.
 */
struct rpc_server;
NODISCARD enum err rpc_server_open(struct event_base *base, const char *run_dir, enum rpc_party self,
                                   ProtobufCService *const *services, size_t service_count,
                                   struct rpc_server **out, struct errmsg *e);
// Answers what is open: ERR_UNAVAILABLE, for RPC_ONCE ERR_TIMEOUT (outcome not known). Closures that
// are called later do nothing. Not from inside a handler; NULL is fine.
void rpc_server_close(struct rpc_server *server);

// Who called; valid for the `closure_data` a handler was given, until its closure is called.
enum rpc_party rpc_call_party(void *closure_data);

// Sends the number to all who subscribe (see rpc_hint_open). Best effort, never blocks.
void rpc_server_hint(struct rpc_server *server, const char *topic, uint64_t number);

// ---- client ------------------------------------------------------------------------------------

/*
 * A connection from `self` to the daemon `server`. Never fails because the other side is not there:
 * it connects by itself, again and again. All in the loop's thread.
 *
 * A call fails with
 *   ERR_UNAVAILABLE  nobody there for 3 s; a RPC_ONCE call was not sent then
 *   ERR_BUSY         too many calls wait; it was not sent
 *   ERR_TIMEOUT      no answer until the deadline; for RPC_ONCE also: the server was restarted or
 *                    has forgotten the call. Whether it was done is not known
 *   ERR_DENIED, ERR_UNSUPPORTED, ERR_TOO_LARGE   it was not done
 * beside what the handler answers.
 */
struct rpc_client;
NODISCARD enum err rpc_client_open(struct event_base *base, const char *run_dir,
                                   enum rpc_party server, enum rpc_party self,
                                   struct rpc_client **out, struct errmsg *e);
// Completes what is open as above. Not from inside a closure of this client; NULL is fine.
void rpc_client_close(struct rpc_client *client);
bool rpc_client_is_up(const struct rpc_client *client);
// Waits at most `ms` for calls made from now on, where the policy allows longer; 0 = as it says.
void rpc_client_limit_deadline(struct rpc_client *client, uint32_t ms);

/*
 * The service object to give to generated stubs, e.g.
 *   dnsd__zones__list(rpc_client_service(c, &dnsd__zones__descriptor), &request, on_list, ctx);
 * The closure is called exactly once, never from inside the call itself, never with NULL: when the
 * call could not be made or answered it gets an otherwise empty reply whose `error` says why. The
 * reply belongs to the client and is valid inside the closure only. The request may be freed as
 * soon as the stub returned.
 */
ProtobufCService *rpc_client_service(struct rpc_client *client,
                                     const ProtobufCServiceDescriptor *descriptor);

// Calls a method by name and waits in the client's loop: for trellisctl and tests only. An error in
// the reply is returned like one of the call itself. `*reply` is freed by
// protobuf_c_message_free_unpacked.
NODISCARD enum err rpc_call_wait(struct rpc_client *client,
                                 const ProtobufCServiceDescriptor *descriptor, const char *method,
                                 const ProtobufCMessage *request, ProtobufCMessage **reply,
                                 struct errmsg *e);

// ---- hints -------------------------------------------------------------------------------------

// Calls `fn` for each hint of `server` on `topic`, and each 5 s with `number` 0 ("look yourself").
typedef void (*rpc_hint_fn)(void *ctx, uint64_t number);
struct rpc_hint;
NODISCARD enum err rpc_hint_open(struct event_base *base, const char *run_dir,
                                 enum rpc_party server, enum rpc_party self, const char *topic,
                                 rpc_hint_fn fn, void *ctx, struct rpc_hint **out, struct errmsg *e);
void rpc_hint_close(struct rpc_hint *hint);

// ---- small things for handlers -----------------------------------------------------------------

// Fills a reply's error field from `e`; `*error` storage is the caller's. Typical:
//   Trellis__Error error; reply.error = rpc_error(&error, &e);
struct Trellis__Error;
struct Trellis__Error *rpc_error(struct Trellis__Error *storage, struct errmsg *e);
// The other way: ERR_OK when `error` is NULL, else its code with the text put into `e`.
enum err rpc_error_get(const struct Trellis__Error *error, struct errmsg *e);
