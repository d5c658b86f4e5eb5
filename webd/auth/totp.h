#pragma once

#include <stdbool.h>
#include <stdint.h>

// Time-based one-time codes (RFC 6238: SHA-1, 30 s, six digits), one step early or late accepted.
// `secret` is base32. `*last_step` is the newest step used by this account (0 = none): an older or
// equal one is refused (section 5.2), a right one is stored there. Any thread.
bool totp_check(const char *secret, const char *code, uint64_t now_s, uint64_t *last_step);
