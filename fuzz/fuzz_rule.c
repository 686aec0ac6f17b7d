/* Definitions of rules from outside: taken within the caps or refused with a reason; what was taken has a
 * filter that can be evaluated on shoppers, and a season. */
#include <stdlib.h>

#include "rank/rules_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rule_row row = {.id = STR_LIT("r"), .definition = {(const char *)data, size}};
    const struct str attributes = STR_LIT("{\"a\":[1,\"b\",true],\"n\":3}");
    struct rule rule;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 0, 4 << 20);
    enum err_code code = rule_parse(&row, &arena, &rule, &err);
    if (code != ERR_OK && (code != err.code || err.msg[0] == '\0'))
        abort();
    if (code == ERR_OK) {
        if (rule.places_len > RULE_PLACES_MAX || rule.position > RULE_POSITION_MAX ||
            rule.count > RULE_COUNT_MAX || (unsigned)rule.action >= RULE_ACTIONS)
            abort();
        if (rule.shoppers)
            rules_attributes_match(rule.shoppers, attributes, &arena);
        rule_in_season(&rule, 1750000000000000, 480);
    }
    arena_release(&arena);
    return 0;
}
