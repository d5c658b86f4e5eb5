#include "common/conf/value_form.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/dns/name.h"

/*
 * One row a form: words for the error text and the function that checks and rewrites. Pure
 * functions of their arguments; any thread. Texts are at most VALUE_FORM_MAX - 1 bytes.
 */
struct address {
    int family; // AF_INET, AF_INET6
    uint8_t bytes[16];
};

typedef bool (*form_fn)(const char *text, char *dst);

static bool is_printable(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == 0x7F) {
            return false;
        }
    }
    return true;
}

static bool copy_out(char *dst, const char *text)
{
    return str_copy(dst, VALUE_FORM_MAX, text);
}

// ---- addresses ---------------------------------------------------------------------------------

static bool parse_address(const char *text, struct address *out)
{
    if (inet_pton(AF_INET, text, out->bytes) == 1) {
        out->family = AF_INET;
        return true;
    }
    if (inet_pton(AF_INET6, text, out->bytes) == 1) {
        out->family = AF_INET6;
        return true;
    }
    return false;
}

// The same, brackets allowed around IPv6.
static bool parse_bracketed(const char *text, struct address *out)
{
    size_t len = strlen(text);
    if (text[0] != '[') {
        return parse_address(text, out);
    }
    char inner[INET6_ADDRSTRLEN];
    if (len < 3 || text[len - 1] != ']' || len - 2 >= sizeof inner) {
        return false;
    }
    memcpy(inner, text + 1, len - 2);
    inner[len - 2] = '\0';
    return parse_address(inner, out) && out->family == AF_INET6;
}

static void print_address(const struct address *address, bool brackets, char *dst)
{
    char text[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(address->family, address->bytes, text, sizeof text);
    bool wrap = brackets && address->family == AF_INET6;
    (void)snprintf(dst, VALUE_FORM_MAX, wrap ? "[%s]" : "%s", text);
}

// Splits "host:port", "[v6]:port", "[v6]", "host" and a bare IPv6 address. `*port` is 0 when there
// is none.
static bool split_port(const char *text, char *host, size_t host_size, uint32_t *port)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    bool has_port = colon != NULL && (text[0] == '[' ? bracket != NULL && colon == bracket + 1
                                                     : strchr(text, ':') == colon);
    size_t len = has_port ? (size_t)(colon - text) : strlen(text);
    if (len == 0 || len >= host_size) {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    *port = 0;
    return !has_port || (str_to_u32(colon + 1, 65535, port) == ERR_OK && *port != 0);
}

static bool form_address(const char *text, char *dst)
{
    struct address address;
    if (!parse_bracketed(text, &address)) {
        return false;
    }
    print_address(&address, false, dst);
    return true;
}

static bool form_bind_address(const char *text, char *dst)
{
    struct address address;
    if (!parse_bracketed(text, &address)) {
        return false;
    }
    print_address(&address, true, dst);
    return true;
}

static bool form_endpoint(const char *text, char *dst)
{
    char host[64];
    uint32_t port = 0;
    struct address address;
    if (!split_port(text, host, sizeof host, &port) || !parse_bracketed(host, &address)) {
        return false;
    }
    print_address(&address, true, dst);
    size_t len = strlen(dst);
    (void)snprintf(dst + len, VALUE_FORM_MAX - len, ":%u", port == 0 ? 53 : port);
    return true;
}

static void clear_host_bits(struct address *address, uint32_t prefix)
{
    size_t size = address->family == AF_INET ? 4 : 16;
    for (size_t i = 0; i < size; i++) {
        uint32_t bits = prefix > 8 * i ? prefix - (uint32_t)(8 * i) : 0;
        if (bits < 8) {
            address->bytes[i] &= (uint8_t)(0xFF00U >> bits);
        }
    }
}

// `family` 0 = either.
static bool network(const char *text, int family, char *dst)
{
    char host[64];
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    struct address address;
    if (len >= sizeof host) {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    if (!parse_bracketed(host, &address) || (family != 0 && address.family != family)) {
        return false;
    }
    uint32_t full = address.family == AF_INET ? 32 : 128;
    uint32_t prefix = full;
    if (slash != NULL && str_to_u32(slash + 1, full, &prefix) != ERR_OK) {
        return false;
    }
    clear_host_bits(&address, prefix);
    print_address(&address, false, dst);
    if (prefix < full) {
        len = strlen(dst);
        (void)snprintf(dst + len, VALUE_FORM_MAX - len, "/%u", prefix);
    }
    return true;
}

static bool form_cidr(const char *text, char *dst)
{
    return network(text, 0, dst);
}

static bool form_cidr4(const char *text, char *dst)
{
    return network(text, AF_INET, dst);
}

static bool form_cidr6(const char *text, char *dst)
{
    return network(text, AF_INET6, dst);
}

static bool form_acl(const char *text, char *dst)
{
    if (text[0] != '!') {
        return network(text, 0, dst);
    }
    char bare[VALUE_FORM_MAX];
    if (!network(text + 1, 0, bare)) {
        return false;
    }
    (void)snprintf(dst, VALUE_FORM_MAX, "!%.*s", VALUE_FORM_MAX - 2, bare);
    return true;
}

// ---- names -------------------------------------------------------------------------------------

static bool form_domain(const char *text, char *dst)
{
    struct name name;
    char folded[NAME_MAX_TEXT];
    if (text[0] == '\0' || name_from_text(text, &name, NULL) != ERR_OK || name.len <= 1) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ' ' || *p == '\t' || *p == '@') {
            return false;
        }
    }
    name_fold(name.wire);
    name_to_text(name.wire, folded);
    return copy_out(dst, folded);
}

static bool form_email(const char *text, char *dst)
{
    const char *at = strrchr(text, '@');
    char domain[VALUE_FORM_MAX];
    if (at == NULL || at == text || at - text > 64 || !form_domain(at + 1, domain)) {
        return false;
    }
    for (const char *p = text; p < at; p++) {
        if (!isgraph((unsigned char)*p) || *p == '@' || *p == '\\' || *p == ',') {
            return false;
        }
    }
    return copy_out(dst, text);
}

// A name that without its last dot would read as an address or network is none.
static bool form_name_only(const char *text, char *dst)
{
    char address[VALUE_FORM_MAX];
    return form_domain(text, dst) && !form_cidr(dst, address);
}

static bool form_host(const char *text, char *dst)
{
    return form_address(text, dst) || form_name_only(text, dst);
}

static bool form_bypass(const char *text, char *dst)
{
    return form_cidr(text, dst) || form_name_only(text, dst);
}

// A token of RFC 9110 section 5.6.2.
static bool form_header(const char *text, char *dst)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("!#$%&'*+-.^_`|~", *p) == NULL) {
            return false;
        }
    }
    return text[0] != '\0' && copy_out(dst, text);
}

// ---- addresses of servers and lists ------------------------------------------------------------

// "host[:port]" behind a scheme, up to the first slash.
static bool is_authority(const char *text)
{
    char authority[320];
    char host[NAME_MAX_TEXT];
    char canonical[VALUE_FORM_MAX];
    uint32_t port = 0;
    size_t len = strcspn(text, "/?#");
    if (len == 0 || len >= sizeof authority) {
        return false;
    }
    memcpy(authority, text, len);
    authority[len] = '\0';
    return split_port(authority, host, sizeof host, &port) && form_host(host, canonical);
}

static bool has_blank(const char *text)
{
    return strpbrk(text, " \t") != NULL;
}

static bool form_list_url(const char *text, char *dst)
{
    if (text[0] == '#') {
        return is_printable(text) && copy_out(dst, text);
    }
    const char *url = text[0] == '!' ? text + 1 : text;
    bool is_file = str_starts(url, "file:///") && url[8] != '\0';
    bool is_http = (str_starts(url, "http://") && is_authority(url + 7)) ||
                   (str_starts(url, "https://") && is_authority(url + 8));
    return (is_file || is_http) && !has_blank(url) && is_printable(url) && copy_out(dst, text);
}

// The part behind a name: " (ip)" or " (ip:port)".
static bool is_parenthesized_address(const char *text)
{
    char inner[64];
    char canonical[VALUE_FORM_MAX];
    size_t len = strlen(text);
    if (len < 3 || text[0] != '(' || text[len - 1] != ')' || len - 2 >= sizeof inner) {
        return false;
    }
    memcpy(inner, text + 1, len - 2);
    inner[len - 2] = '\0';
    return form_endpoint(inner, canonical);
}

static bool is_url_scheme(const char *text)
{
    return str_starts(text, "https://") || str_starts(text, "h3://");
}

static bool form_name_server(const char *text, char *dst)
{
    static const char *const plain[] = {"udp://", "tcp://", "tls://", "quic://"};
    char server[VALUE_FORM_MAX];
    if (!copy_out(server, text) || !is_printable(text)) {
        return false;
    }
    char *blank = strchr(server, ' ');
    if (blank != NULL) {
        *blank = '\0';
        if (!is_parenthesized_address(str_trim(blank + 1))) {
            return false;
        }
    }
    if (is_url_scheme(server)) {
        return is_authority(strstr(server, "://") + 3) && copy_out(dst, text);
    }
    const char *host = server;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (str_starts(server, plain[i])) {
            host = server + strlen(plain[i]);
            break;
        }
    }
    return strpbrk(host, "/?#") == NULL && is_authority(host) && copy_out(dst, text);
}

// ---- the table ---------------------------------------------------------------------------------

static bool form_any(const char *text, char *dst)
{
    return is_printable(text) && copy_out(dst, text);
}

static const struct {
    const char *words;
    form_fn check;
} forms[SETTING_FORM_COUNT] = {
    [SETTING_FORM_ANY] = {"text without control characters",                   form_any         },
    [SETTING_FORM_TTL] = {"seconds, or text like 1w2d3h4m5s",                  form_any         },
    [SETTING_FORM_DOMAIN] = {"a domain name",                                     form_domain      },
    [SETTING_FORM_EMAIL] = {"a mail address",                                    form_email       },
    [SETTING_FORM_HOST] = {"an IP address or domain name",                      form_host        },
    [SETTING_FORM_HEADER] = {"an HTTP header name",                               form_header      },
    [SETTING_FORM_ADDRESS] = {"an IP address",                                     form_address     },
    [SETTING_FORM_BIND_ADDRESS] = {"an IP address",                                     form_bind_address},
    [SETTING_FORM_ENDPOINT] = {"an IP address with port (1 to 65535)",              form_endpoint    },
    [SETTING_FORM_CIDR] = {"an IP address or network",                          form_cidr        },
    [SETTING_FORM_CIDR4] = {"an IPv4 address or network",                        form_cidr4       },
    [SETTING_FORM_CIDR6] = {"an IPv6 address or network",                        form_cidr6       },
    [SETTING_FORM_ACL] = {"an IP address or network, with ! in front to deny", form_acl         },
    [SETTING_FORM_LIST_URL] = {"an http, https or file URL",                        form_list_url    },
    [SETTING_FORM_NAME_SERVER] = {"a name server address",                             form_name_server },
    [SETTING_FORM_BYPASS] = {"an IP address, network or domain name",             form_bypass      },
};

bool value_form_check(enum setting_form form, const char *text, char *dst)
{
    return strlen(text) < VALUE_FORM_MAX && forms[form].check(text, dst);
}

const char *value_form_words(enum setting_form form)
{
    return forms[form].words;
}

enum err value_form_ttl(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {
        {'w', 604800},
        {'d', 86400 },
        {'h', 3600  },
        {'m', 60    },
        {'s', 1     }
    };
    const int64_t most = INT64_C(1) << 40;
    if (str_to_i64(text, 0, most, seconds) == ERR_OK) {
        return ERR_OK;
    }
    int64_t sum = 0;
    size_t next = 0;
    const char *p = text;
    while (*p != '\0') {
        int64_t number = 0;
        const char *start = p;
        for (; isdigit((unsigned char)*p) && number < most; p++) {
            number = number * 10 + (*p - '0');
        }
        size_t unit = next;
        while (unit < sizeof units / sizeof units[0] &&
               units[unit].unit != tolower((unsigned char)*p)) {
            unit++;
        }
        if (p == start || unit == sizeof units / sizeof units[0]) {
            return ERR_INVALID;
        }
        if (number > most / units[unit].seconds) {
            return ERR_INVALID;
        }
        sum += number * units[unit].seconds;
        next = unit + 1;
        p++;
    }
    if (text[0] == '\0') {
        return ERR_INVALID;
    }
    *seconds = sum;
    return ERR_OK;
}
