#pragma once

#include "webd/api/api.h"

/*
 * The first start: built-in groups, permissions and the user admin are put into the config when
 * they are not there; the administrator's password comes from admin_password_file where one is
 * given, else the set-up token opens the panel for it. Loop's thread.
 */
struct first;
struct first *first_new(struct api *api);
void first_free(struct first *first);
// Looks what is missing, after each change of the config.
void first_look(struct first *first);
// Can somebody log in, or set up, once the web service listens?
bool first_is_settled(const struct first *first);
