#include "ingest/reason.h"

#include "base/check.h"

static const char *const names[IMPORT_REASONS] = {
    [REASON_NONE] = "none",
    [REASON_BROKEN_ROW] = "broken_row",
    [REASON_TOO_LONG] = "too_long",
    [REASON_FIELD_COUNT] = "field_count",
    [REASON_BAD_TEXT] = "bad_text",
    [REASON_DUPLICATE_KEY] = "duplicate_key",
    [REASON_TOO_DEEP] = "too_deep",
    [REASON_MISSING] = "missing",
    [REASON_BAD_ID] = "bad_id",
    [REASON_TEXT_TOO_LONG] = "text_too_long",
    [REASON_BAD_NUMBER] = "bad_number",
    [REASON_OUT_OF_RANGE] = "out_of_range",
    [REASON_BAD_MONEY] = "bad_money",
    [REASON_UNKNOWN_CURRENCY] = "unknown_currency",
    [REASON_BAD_TIME] = "bad_time",
    [REASON_FUTURE_TIME] = "future_time",
    [REASON_ANCIENT_TIME] = "ancient_time",
    [REASON_UNKNOWN_VALUE] = "unknown_value",
    [REASON_UNKNOWN_PRODUCT] = "unknown_product",
    [REASON_BAD_JSON] = "bad_json",
    [REASON_BAD_URL] = "bad_url",
    [REASON_CONFLICT] = "conflict",
    [REASON_REFUSED] = "refused",
};

const char *import_reason_name(enum import_reason r)
{
    CHECK(r >= 0 && r < IMPORT_REASONS);
    return names[r];
}

void import_reasons_write(const uint64_t by_reason[IMPORT_REASONS], struct json_writer *w)
{
    jw_obj(w);
    for (unsigned i = 0; i < IMPORT_REASONS; i++)
        if (by_reason[i]) {
            jw_key(w, str_of(names[i]));
            jw_u64(w, by_reason[i]);
        }
    jw_obj_end(w);
}
