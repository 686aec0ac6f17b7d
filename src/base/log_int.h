/* log_int.h - the limit on repeated messages, apart so that a test can turn its clock. */
#ifndef BASE_LOG_INT_H
#define BASE_LOG_INT_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LIMIT_SLOTS = 128 };

/* Messages are kept by hash; two that share a slot only forget each other's count. */
struct log_limit {
    struct {
        uint64_t hash;
        int64_t since_ns;  /* start of the window */
        unsigned passed;   /* in the window */
        unsigned withheld; /* since the last that passed */
    } slots[LOG_LIMIT_SLOTS];
};

/* May this message be written now? *repeated: how many like it were withheld since the last one. */
bool log_limit_pass(struct log_limit *l, uint64_t hash, int64_t now_ns, unsigned *repeated);

#endif
