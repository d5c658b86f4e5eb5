#pragma once

#include "common/app/app.h"
#include "webd/api/api.h"

/*
 * Follows the config: settings in force, role of this node, what listens, the certificate, the
 * built-in users and groups of a first start, the set-up token. Loop's thread.
 */
struct follow;
NODISCARD enum err follow_open(struct app *app, struct api *api, struct follow **out,
                               struct errmsg *e);
void follow_close(struct follow *follow);
// SIGHUP: read the certificate again.
void follow_reload(struct follow *follow);
