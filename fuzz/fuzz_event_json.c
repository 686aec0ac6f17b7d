/* fuzz_event_json.c - any bytes as an event of the API are refused with a place, or are one that the
 * store's own check has an answer for. */
#include <stdint.h>

#include "api/api_int.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "store/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {size ? (const char *)data : "", size};
    struct json_reader r;
    struct arena a;
    struct event e;
    struct err err = {0};
    enum import_reason why = REASON_NONE;
    struct str user_id, anonymous_id;
    arena_init(&a, 0, 1 << 20);
    jr_init(&r, text, &a);
    enum err_code code = event_from_json(&r, &e, &why);
    if (code == ERR_OK)
        code = jr_end(&r, &err);
    else
        CHECK(r.failed && r.err.msg[0] != '\0' && why != REASON_NONE);
    event_owner(text, &a, &user_id, &anonymous_id);
    if (code == ERR_OK) {
        code = event_check(&e, &err);
        CHECK(code == ERR_OK || err.msg[0] != '\0');
        CHECK(e.context.n == 0 || e.context.p[0] == '{');
    }
    arena_release(&a);
    return 0;
}
