#pragma once

#include "webd/api/api.h"

// The RPC service webd.Web: status, API calls of trellisctl, the set-up token. Loop's thread.
struct web_service;
struct web_service *web_service_new(struct api *api);
void web_service_free(struct web_service *service);
// To be given to rpc_server_open.
ProtobufCService *web_service_base(struct web_service *service);
