#pragma once

#include <stdbool.h>
#include <stdint.h>

// When a secondary looks at its primary again. Pure arithmetic: seconds in, milliseconds out.

// Up to a tenth less, so that zones made together drift apart. `random` is any random number.
uint64_t timing_jitter_ms(uint64_t delay_ms, uint64_t random);
// After success: SOA refresh, not less than the setting, nor more than a day.
uint64_t timing_refresh_ms(uint32_t soa_refresh_s, uint32_t min_s);
// After failure number `failures` (from 1): SOA retry, not less than the setting. A zone that holds
// nothing has no SOA: a second, then twice as long each time, up to a minute.
uint64_t timing_retry_ms(bool has_soa, uint32_t soa_retry_s, uint32_t min_s, unsigned failures);
// How long a primary is left alone after so many failures in a row.
uint64_t timing_backoff_ms(unsigned failures);
