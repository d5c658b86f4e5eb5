#include "dnsd/xfr/timing.h"

#define DAY_S           86400u
#define DOUBLE_FIRST_MS 1000u
#define DOUBLE_MAX_MS   60000u

static uint64_t doubling_ms(unsigned failures)
{
    unsigned shift = failures > 0 ? failures - 1 : 0;
    uint64_t ms = (uint64_t)DOUBLE_FIRST_MS << (shift < 16 ? shift : 16);
    return ms < DOUBLE_MAX_MS ? ms : DOUBLE_MAX_MS;
}

static uint64_t bounded_ms(uint32_t value_s, uint32_t min_s)
{
    uint64_t s = value_s > min_s ? value_s : min_s;
    s = s < DAY_S ? s : DAY_S;
    return (s > 0 ? s : 1) * 1000;
}

uint64_t timing_jitter_ms(uint64_t delay_ms, uint64_t random)
{
    uint64_t tenth = delay_ms / 10;
    return delay_ms - (tenth > 0 ? random % (tenth + 1) : 0);
}

uint64_t timing_refresh_ms(uint32_t soa_refresh_s, uint32_t min_s)
{
    return bounded_ms(soa_refresh_s, min_s);
}

uint64_t timing_retry_ms(bool has_soa, uint32_t soa_retry_s, uint32_t min_s, unsigned failures)
{
    return has_soa ? bounded_ms(soa_retry_s, min_s) : doubling_ms(failures);
}

uint64_t timing_backoff_ms(unsigned failures)
{
    return doubling_ms(failures);
}
