#include <stdlib.h>

#include "store/records.h"

#include "base/banned.h"

/* ISO 4217, currencies in use, by the digits behind their point; each list in byte order. */
static const char two_digits[] =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP "
    "GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR "
    "ZMW ZWG ZWL ";
static const char no_digits[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF "
                                "XPF ";
static const char three_digits[] = "BHD IQD JOD KWD LYD OMR TND ";
static const char four_digits[] = "CLF UYW ";

/* One step of a list is a code and the space behind it. */
static bool lists(const char *list, size_t size, const char code[3])
{
    size_t low = 0, high = size / 4;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = memcmp(code, list + mid * 4, 3);
        if (order == 0)
            return true;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

bool currency_of(struct str name, currency_code *code)
{
    if (name.n != 3)
        return false;
    if (!lists(two_digits, sizeof two_digits - 1, name.p) &&
        !lists(no_digits, sizeof no_digits - 1, name.p) &&
        !lists(three_digits, sizeof three_digits - 1, name.p) &&
        !lists(four_digits, sizeof four_digits - 1, name.p))
        return false;
    *code = (uint32_t)name.p[0] << 16 | (uint32_t)name.p[1] << 8 | (uint32_t)name.p[2];
    return true;
}

char *currency_name(currency_code code, char out[4])
{
    out[0] = (char)(code >> 16);
    out[1] = (char)(code >> 8);
    out[2] = (char)code;
    out[3] = 0;
    return out;
}

int currency_exponent(currency_code code)
{
    char name[4];
    currency_name(code, name);
    if (lists(no_digits, sizeof no_digits - 1, name))
        return 0;
    if (lists(three_digits, sizeof three_digits - 1, name))
        return 3;
    if (lists(four_digits, sizeof four_digits - 1, name))
        return 4;
    return 2;
}

static const int64_t powers_of_ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* text times 10^places, rounded half away from zero; what is cut off decides *exact. */
static enum err_code parse_decimal(struct str text, int places, int64_t max, int64_t *out,
                                   bool *exact, struct err *err)
{
    char quoted[64];
    bool negative = text.n && text.p[0] == '-';
    size_t at = negative;
    int64_t value = 0;
    int decimals = -1; /* digits seen behind the point; -1: no point yet */
    bool digits = false, round_up = false, cut = false;
    for (; at < text.n; at++) {
        char c = text.p[at];
        if (c == '.' && decimals < 0 && digits) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9')
            goto invalid;
        digits = true;
        if (decimals == places)
            round_up = c >= '5';
        if (decimals >= 0)
            decimals++;
        if (decimals > places) {
            cut = cut || c != '0';
            continue;
        }
        value = value * 10 + (c - '0');
        if (value > max)
            goto too_large;
    }
    if (!digits || text.p[text.n - 1] == '.')
        goto invalid;
    for (int d = decimals < 0 ? 0 : decimals; d < places; d++) {
        value *= 10;
        if (value > max)
            goto too_large;
    }
    value += round_up;
    if (value > max)
        goto too_large;
    *out = negative ? -value : value;
    if (exact)
        *exact = !cut;
    return ERR_OK;
invalid:
    return err_set(err, ERR_INVALID, "%s is not a decimal number",
                   err_quote(quoted, sizeof quoted, text.p, text.n));
too_large:
    return err_set(err, ERR_INVALID, "%s is too large",
                   err_quote(quoted, sizeof quoted, text.p, text.n));
}

enum err_code money_parse_minor(struct str text, currency_code currency, int64_t *minor,
                                bool *exact, struct err *err)
{
    return parse_decimal(text, currency_exponent(currency), STORE_AMOUNT_MAX, minor, exact, err);
}

enum err_code money_parse_micro(struct str text, int64_t *micro, struct err *err)
{
    char quoted[64];
    int64_t value;
    bool exact;
    enum err_code code = parse_decimal(text, 6, STORE_MICRO_MAX, &value, &exact, err);
    if (code)
        return code;
    if (!exact)
        return err_set(err, ERR_INVALID, "%s has more than six decimals",
                       err_quote(quoted, sizeof quoted, text.p, text.n));
    *micro = value;
    return ERR_OK;
}

enum err_code money_line_minor(int64_t quantity, int64_t unit_price_micro, currency_code currency,
                               int64_t *minor, struct err *err)
{
    int64_t divisor = powers_of_ten[6 - currency_exponent(currency)];
    __int128 micro = (__int128)quantity * unit_price_micro;
    __int128 rounded = (micro < 0 ? micro - divisor / 2 : micro + divisor / 2) / divisor;
    if (rounded > STORE_AMOUNT_MAX || rounded < -STORE_AMOUNT_MAX)
        return err_set(err, ERR_LIMIT, "the amount of %lld pieces is too large",
                       (long long)quantity);
    *minor = (int64_t)rounded;
    return ERR_OK;
}
