#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dnsd/xfr/in.h"
#include "dnsd/xfr/message.h"

// What another server sends: the answers to a SOA query, and the messages of a transfer, each with
// a length in front as by TCP.

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct name apex = {
    .len = 9, .wire = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0}
};

static void try_soa(uint8_t *message, size_t size)
{
    struct tsig_state tsig = {.key = NULL};
    struct dns_header header;
    struct message_soa soa;
    struct errmsg e;
    size_t offset;
    uint16_t id = size >= 2 ? (uint16_t)(message[0] << 8 | message[1]) : 0;
    if (message_check_answer(message, &size, id, OPCODE_QUERY, &apex, TYPE_SOA, &tsig, &header,
                             &offset, &e) == ERR_OK) {
        (void)message_read_soa(message, size, &header, offset, &apex, &soa, &e);
    }
}

static enum xfr_in_status try_transfer(struct xfr_in *in, uint8_t *message, size_t size)
{
    struct tsig_state tsig = {.key = NULL};
    struct dns_header header;
    struct errmsg e;
    size_t offset;
    uint16_t id = size >= 2 ? (uint16_t)(message[0] << 8 | message[1]) : 0;
    if (message_check_answer(message, &size, id, OPCODE_QUERY, &apex, TYPE_AXFR, &tsig, &header,
                             &offset, &e) != ERR_OK) {
        return XFR_IN_FAILED;
    }
    return xfr_in_message(in, message, size, &header, offset, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t message[65536];
    struct xfr_in *in = xfr_in_new(&apex);
    enum xfr_in_status status = XFR_IN_MORE;
    size_t at = 0;
    while (status == XFR_IN_MORE && size - at > 2) {
        size_t len = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        len = len < size - at ? len : size - at;
        memcpy(message, data + at, len);
        try_soa(message, len);
        memcpy(message, data + at, len);
        status = try_transfer(in, message, len);
        at += len;
    }
    xfr_in_free(in);
    return 0;
}
