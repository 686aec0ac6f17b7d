/* A migration once released is never edited: what follows from it is a new one at the end of the
 * list. Columns that are mostly empty hold NULL. Times are UTC microseconds, money is in minor
 * units. */
#include "store/schema_int.h"

#include "base/banned.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "store/db_driver.h"
#include "store/store.h"

static const char version_1[] =
    "CREATE TABLE settings (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name)) "
    "$CLUSTERED;"

    "CREATE TABLE changes (position $IDENTITY, aggregate BIGINT NOT NULL, op BIGINT NOT NULL,"
    "  no BIGINT NOT NULL, last_no BIGINT NOT NULL);"

    /* the texts of a product; what changes often lies in product_live */
    "CREATE TABLE products (no $IDENTITY, id TEXT NOT NULL UNIQUE, group_id TEXT, title TEXT,"
    "  description TEXT, brand TEXT, category TEXT, images TEXT, attributes TEXT, tags TEXT,"
    "  rating_mean DOUBLE PRECISION, rating_count BIGINT, supplier_id TEXT, url TEXT,"
    "  translations TEXT, language TEXT);"
    "CREATE TABLE product_live (no BIGINT NOT NULL, status BIGINT NOT NULL, price BIGINT,"
    "  list_price BIGINT, currency BIGINT NOT NULL, stock BIGINT NOT NULL,"
    "  content_hash BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
    "  PRIMARY KEY (no)) $CLUSTERED;"

    /* the one way from outside ids to numbers; kind: 0 known, 1 anonymous */
    "CREATE TABLE user_ids (user_no $IDENTITY, kind BIGINT NOT NULL, id TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL, UNIQUE (kind, id));"
    "CREATE TABLE user_profiles (user_no BIGINT NOT NULL, attributes TEXT,"
    "  personalise BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,"
    "  PRIMARY KEY (user_no)) $CLUSTERED;"
    "CREATE TABLE user_links (anonymous_no BIGINT NOT NULL, user_no BIGINT NOT NULL,"
    "  joined_at BIGINT NOT NULL, PRIMARY KEY (anonymous_no)) $CLUSTERED;"
    "CREATE INDEX user_links_user ON user_links (user_no);"
    /* state: 0 rows remain, 1 being removed, 2 removed */
    "CREATE TABLE erased_users (user_no BIGINT NOT NULL, erased_at BIGINT NOT NULL,"
    "  state BIGINT NOT NULL, PRIMARY KEY (user_no)) $CLUSTERED;"
    "CREATE INDEX erased_users_state ON erased_users (state);"

    /* (time, id) is the identity: mostly appended to, where an index on a random id would not be */
    "CREATE TABLE events (seq $SERIAL, time BIGINT NOT NULL, id TEXT NOT NULL,"
    "  type BIGINT NOT NULL, user_no BIGINT NOT NULL, product_no BIGINT, session_id TEXT,"
    "  query TEXT, quantity BIGINT, value BIGINT, currency BIGINT, rating DOUBLE PRECISION,"
    "  request_id TEXT, place BIGINT, context TEXT, UNIQUE (time, id));"

    "CREATE TABLE carts (user_no BIGINT NOT NULL, version BIGINT NOT NULL,"
    "  updated_at BIGINT NOT NULL, PRIMARY KEY (user_no)) $CLUSTERED;"
    "CREATE TABLE cart_lines (user_no BIGINT NOT NULL, place BIGINT NOT NULL,"
    "  product_no BIGINT NOT NULL, quantity BIGINT NOT NULL, PRIMARY KEY (user_no, place)) "
    "$CLUSTERED;"

    "CREATE TABLE orders (no $SERIAL, id TEXT NOT NULL UNIQUE, user_no BIGINT,"
    "  currency BIGINT NOT NULL, status BIGINT NOT NULL, total BIGINT NOT NULL, address TEXT,"
    "  payment TEXT, coupons TEXT, placed_at BIGINT NOT NULL, paid_at BIGINT, shipped_at BIGINT,"
    "  delivered_at BIGINT, closed_at BIGINT);"
    "CREATE INDEX orders_user ON orders (user_no);"
    "CREATE TABLE order_lines (order_no BIGINT NOT NULL, ordinal BIGINT NOT NULL,"
    "  kind BIGINT NOT NULL, product_no BIGINT, quantity BIGINT NOT NULL,"
    "  unit_price_micro BIGINT NOT NULL, discount BIGINT, amount BIGINT NOT NULL,"
    "  sale_order_no BIGINT, sale_ordinal BIGINT, PRIMARY KEY (order_no, ordinal)) $CLUSTERED;"

    "CREATE TABLE interactions (user_no BIGINT NOT NULL, product_no BIGINT NOT NULL,"
    "  weight DOUBLE PRECISION NOT NULL, count BIGINT NOT NULL, last_at BIGINT NOT NULL,"
    "  PRIMARY KEY (user_no, product_no)) $CLUSTERED;"

    "CREATE TABLE model_versions (no $IDENTITY, family TEXT NOT NULL, version TEXT NOT NULL,"
    "  state BIGINT NOT NULL, live BIGINT NOT NULL, previous TEXT, manifest TEXT,"
    "  created_at BIGINT NOT NULL, published_at BIGINT, UNIQUE (family, version));"

    "CREATE TABLE jobs (no $IDENTITY, kind TEXT NOT NULL, arguments TEXT, state BIGINT NOT NULL,"
    "  progress DOUBLE PRECISION NOT NULL, message TEXT, result TEXT, runner TEXT,"
    "  created_at BIGINT NOT NULL, started_at BIGINT, finished_at BIGINT);"
    "CREATE INDEX jobs_state ON jobs (state, no);"
    "CREATE TABLE leases (name TEXT NOT NULL, holder TEXT NOT NULL, expires_at BIGINT NOT NULL,"
    "  PRIMARY KEY (name)) $CLUSTERED;"

    "CREATE TABLE import_checkpoints (kind TEXT NOT NULL, size BIGINT NOT NULL,"
    "  head_hash BIGINT NOT NULL, tail_hash BIGINT NOT NULL, mtime BIGINT NOT NULL,"
    "  whole_hash BIGINT NOT NULL, byte_offset BIGINT NOT NULL, line BIGINT NOT NULL,"
    "  done BIGINT NOT NULL, counters $BYTES, updated_at BIGINT NOT NULL,"
    "  PRIMARY KEY (kind, size, head_hash, tail_hash)) $CLUSTERED;"
    "CREATE TABLE quarantine (no $IDENTITY, kind TEXT NOT NULL, source TEXT NOT NULL,"
    "  file_key TEXT, line BIGINT NOT NULL, col BIGINT NOT NULL, reason TEXT NOT NULL,"
    "  message TEXT NOT NULL, raw $BYTES, raw_cut BIGINT NOT NULL, state BIGINT NOT NULL,"
    "  at BIGINT NOT NULL, UNIQUE (kind, file_key, line));"

    "CREATE TABLE api_keys (no $IDENTITY, name TEXT NOT NULL, scope TEXT NOT NULL,"
    "  hint TEXT NOT NULL, hash $BYTES NOT NULL UNIQUE, created_at BIGINT NOT NULL,"
    "  revoked_at BIGINT);"
    "CREATE TABLE idempotency (scope TEXT NOT NULL, key TEXT NOT NULL,"
    "  request_hash BIGINT NOT NULL, status BIGINT NOT NULL, reply TEXT,"
    "  expires_at BIGINT NOT NULL, PRIMARY KEY (scope, key)) $CLUSTERED;"
    "CREATE INDEX idempotency_expiry ON idempotency (expires_at);";

/* A row in quarantine says how it can be read again, and which line of its order it is. */
static const char version_2[] = "ALTER TABLE quarantine ADD COLUMN record $BYTES;"
                                "ALTER TABLE quarantine ADD COLUMN order_id TEXT;"
                                "ALTER TABLE quarantine ADD COLUMN ordinal BIGINT;";

/* What training derives lies in the model's packed histories; nothing ever read this table. */
static const char version_3[] = "DROP TABLE interactions;";

/* Whose row in quarantine it is, and how many rows of each kind there are. */
static const char version_4[] =
    "ALTER TABLE quarantine ADD COLUMN user_id TEXT;"
    "ALTER TABLE quarantine ADD COLUMN anonymous_id TEXT;"
    "CREATE INDEX quarantine_user ON quarantine (user_id);"
    "CREATE INDEX quarantine_anonymous ON quarantine (anonymous_id);"
    "CREATE TABLE quarantine_kinds (kind TEXT NOT NULL, kept BIGINT NOT NULL,"
    "  dropped BIGINT NOT NULL, PRIMARY KEY (kind)) $CLUSTERED;"
    "INSERT INTO quarantine_kinds (kind, kept, dropped)"
    "  SELECT kind, COUNT(*), 0 FROM quarantine GROUP BY kind;";

static const char version_5[] =
    /* what a guest's cart gave to the shopper that it was joined to */
    "CREATE TABLE cart_moves (anonymous_no BIGINT NOT NULL, product_no BIGINT NOT NULL,"
    "  user_no BIGINT NOT NULL, quantity BIGINT NOT NULL, PRIMARY KEY (anonymous_no, product_no)) "
    "$CLUSTERED;"
    "CREATE INDEX cart_moves_user ON cart_moves (user_no);";

/* An event may be feedback (feedback.h): events.feedback is then its type, and negative once it was
 * withdrawn. Events that are none have no part in the indexes. */
static const char version_6[] =
    "CREATE TABLE feedback_types (no $IDENTITY, name TEXT NOT NULL UNIQUE);"
    "ALTER TABLE events ADD COLUMN feedback BIGINT;"
    "CREATE UNIQUE INDEX events_feedback ON events (feedback, user_no, product_no)"
    "  WHERE feedback IS NOT NULL;"
    "CREATE INDEX events_feedback_product ON events (product_no, feedback)"
    "  WHERE feedback IS NOT NULL;";

static const char version_7[] =
    /* reports are of a time */
    "CREATE INDEX orders_placed ON orders (placed_at);"
    "CREATE TABLE experiments (no $IDENTITY, id TEXT NOT NULL UNIQUE, state BIGINT NOT NULL,"
    "  definition TEXT NOT NULL, salt TEXT NOT NULL, first_bucket BIGINT NOT NULL, decision TEXT,"
    "  reason TEXT, created_at BIGINT NOT NULL, started_at BIGINT, stopped_at BIGINT,"
    "  decided_at BIGINT);";

static const char version_8[] =
    /* the definition is a JSON object, whose meaning is above the store */
    "CREATE TABLE rules (no $IDENTITY, id TEXT NOT NULL UNIQUE, name TEXT,"
    "  enabled BIGINT NOT NULL, priority BIGINT NOT NULL, definition TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);"
    "CREATE INDEX rules_order ON rules (priority, no);";

static const char version_9[] =
    /* what a product costs the shop, of the currency of its prices */
    "ALTER TABLE product_live ADD COLUMN cost BIGINT;";

static const char *const migrations[] = {version_1, version_2, version_3, version_4, version_5,
                                         version_6, version_7, version_8, version_9};

enum { SCHEMA_VERSION = sizeof migrations / sizeof *migrations, SCRIPT_MAX = 1 << 20 };

int store_schema_version(void)
{
    return SCHEMA_VERSION;
}

/* Words that begin with $ become what the driver calls them. */
static void translate(const struct db_driver *driver, const char *sql, struct buf *out)
{
    const struct {
        const char *word, *means;
    } words[] = {{"$IDENTITY", driver->identity},
                 {"$SERIAL", driver->serial},
                 {"$CLUSTERED", driver->clustered},
                 {"$BYTES", driver->bytes}};
    struct str rest = str_of(sql);
    while (rest.n) {
        size_t i, n = sizeof words / sizeof *words;
        for (i = 0; i < n && !str_starts(rest, str_of(words[i].word)); i++)
            ;
        size_t taken = i < n ? strlen(words[i].word) : 1;
        if (i < n)
            buf_puts(out, words[i].means);
        else
            buf_putc(out, *rest.p);
        rest = (struct str){rest.p + taken, rest.n - taken};
    }
}

enum err_code schema_version(struct db *db, int64_t *version, struct err *err)
{
    return db_query_i64(db, "SELECT MAX(version) FROM schema_versions", DB_NO_ARGS, version, NULL,
                        err);
}

static enum err_code apply(struct db *db, int64_t version, struct err *err)
{
    struct buf script;
    buf_init(&script, SCRIPT_MAX);
    translate(db_driver_of(db), migrations[version - 1], &script);
    enum err_code code = buf_ok(&script, "a migration", err);
    if (!code)
        code = db_script(db, script.data, err);
    if (!code)
        code = db_run(db, "INSERT INTO schema_versions (version, at) VALUES (?, ?)",
                      DB_ARGS(db_i64(version), db_i64(clock_now_us())), NULL, err);
    buf_release(&script);
    return code;
}

static enum err_code refuse_newer(int64_t version, struct err *err)
{
    return err_set(err, ERR_CONFLICT,
                   "the data has schema version %lld, this program knows up to %d: use a newer one",
                   (long long)version, SCHEMA_VERSION);
}

/* One step; *version is where it left off. */
static enum err_code migrate_once(struct db *db, int64_t target, int64_t *version, struct err *err)
{
    enum err_code code = db_begin(db, err);
    if (code)
        return code;
    code = db_script(db,
                     "CREATE TABLE IF NOT EXISTS schema_versions "
                     "(version BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (version))",
                     err);
    if (!code)
        code = schema_version(db, version, err);
    if (!code && *version > SCHEMA_VERSION)
        code = refuse_newer(*version, err);
    if (!code && *version < target)
        code = apply(db, ++*version, err);
    if (code) {
        db_rollback(db);
        return code;
    }
    return db_commit(db, err);
}

enum err_code schema_migrate_to(struct db *db, int64_t target, struct err *err)
{
    int64_t version = 0;
    enum err_code code = ERR_OK;
    CHECK(target >= 1 && target <= SCHEMA_VERSION);
    while (!code && version < target)
        code = migrate_once(db, target, &version, err);
    return code;
}

enum err_code schema_migrate(struct db *db, struct err *err)
{
    return schema_migrate_to(db, SCHEMA_VERSION, err);
}

enum err_code schema_check(struct db *db, struct err *err)
{
    int64_t version;
    enum err_code code = schema_version(db, &version, err);
    if (code)
        return code;
    if (version > SCHEMA_VERSION)
        return refuse_newer(version, err);
    if (version < SCHEMA_VERSION)
        return err_set(err, ERR_UNAVAILABLE,
                       "the data has schema version %lld, %d is needed: open it for writing once",
                       (long long)version, SCHEMA_VERSION);
    return ERR_OK;
}
