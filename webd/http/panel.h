#pragma once

#include "common/base/err.h"
#include "webd/http/request.h"

/*
 * The panel's files, strictly those of <folder>/manifest.tsv (path, media type, bytes, SHA-256 in
 * hex, has .gz, has .br; tab separated). Without them every page is a short one that says so. The
 * table is immutable; loop's thread.
 */
struct panel;
struct panel *panel_open(const char *folder); // what is wrong with the folder is logged
void panel_close(struct panel *panel);
// Answers a request for anything that is not the API.
void panel_serve(const struct panel *panel, struct web_request *request);
