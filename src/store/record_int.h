/* record_int.h - between columns and records: what NULL means, and texts that outlive a row. */
#ifndef STORE_RECORD_INT_H
#define STORE_RECORD_INT_H

#include "base/arena.h"
#include "store/db.h"
#include "store/records.h"

/** STORE_NO_AMOUNT is NULL. */
static inline struct db_arg db_amount(int64_t minor)
{
    return minor == STORE_NO_AMOUNT ? db_null() : db_i64(minor);
}

static inline int64_t db_col_amount(const struct db_rows *rows, int col)
{
    return db_col_is_null(rows, col) ? STORE_NO_AMOUNT : db_col_i64(rows, col);
}

static inline struct db_arg db_double_or_null(double v)
{
    return v != 0 ? db_double(v) : db_null();
}

static inline uint32_t db_col_u32(const struct db_rows *rows, int col)
{
    return (uint32_t)db_col_i64(rows, col);
}

/** Copy a text of a row into the arena, in place. */
static inline void keep_text(struct arena *arena, struct str *text)
{
    *text = arena_str(arena, *text);
}

/** Numbers of shoppers and products are 32 bits wide. */
ERR_MUST_USE enum err_code record_number(const char *what, int64_t wide, uint32_t *no,
                                         struct err *err);

/** 0 <= amount <= STORE_AMOUNT_MAX. */
ERR_MUST_USE enum err_code record_check_amount(const char *what, int64_t amount, struct err *err);

/** Years 1900 to 9999. */
ERR_MUST_USE enum err_code record_check_time(const char *what, int64_t us, struct err *err);

#endif
