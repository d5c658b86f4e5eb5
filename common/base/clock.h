#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t clock_mono_ms(void);    // monotonic; for timers and deadlines
uint64_t clock_mono_us(void);
uint64_t clock_unix_s(void);     // wall clock; for stored times and signatures only
uint64_t clock_unix_ms(void);

// "2026-11-23T08:42:01.123Z"; `size` at least CLOCK_TEXT_SIZE. 0 gives "0001-01-01T00:00:00Z", the
// API's "unset".
#define CLOCK_TEXT_SIZE 32
void clock_text(uint64_t unix_ms, char *dst, size_t size);
