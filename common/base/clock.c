#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

// The two clocks. No state; any thread.

static uint64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_unix_s(void)
{
    return read_us(CLOCK_REALTIME) / 1000000;
}

uint64_t clock_unix_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

void clock_text(uint64_t unix_ms, char *dst, size_t size)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm t;
    if (unix_ms == 0 || gmtime_r(&seconds, &t) == NULL) {
        snprintf(dst, size, "0001-01-01T00:00:00Z");
        return;
    }
    snprintf(dst, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", t.tm_year + 1900, t.tm_mon + 1,
             t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (unsigned)(unix_ms % 1000));
}
