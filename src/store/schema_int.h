/* schema_int.h - the tables, as a list of migrations. */
#ifndef STORE_SCHEMA_INT_H
#define STORE_SCHEMA_INT_H

#include "store/db.h"

/** Bring the database to this program's schema: one transaction per version, under the write lock.
 *  ERR_CONFLICT  it is newer. */
ERR_MUST_USE enum err_code schema_migrate(struct db *db, struct err *err);

/** As schema_migrate, up to an older version: what an older program would have left. For tests.
 *  1 <= target <= store_schema_version(). */
ERR_MUST_USE enum err_code schema_migrate_to(struct db *db, int64_t target, struct err *err);

/** Version of the stored schema; 0 for an empty database. */
ERR_MUST_USE enum err_code schema_version(struct db *db, int64_t *version, struct err *err);

/** For reading only: ERR_UNAVAILABLE  it is older; ERR_CONFLICT  it is newer. */
ERR_MUST_USE enum err_code schema_check(struct db *db, struct err *err);

#endif
