/* ope_log.c - decisions from a file that somebody brings. */
#include "eval/ope.h"
#include "eval/table.h"

enum {
    ACTION,
    PROPENSITY,
    REWARD,
    TARGET_PROPENSITY,
    TARGET_ACTION,
    CONTEXT,
    MODEL_LOGGED,
    MODEL_TARGET,
    COLUMNS
};

static const double amount_max = 1e15;

struct reading {
    struct ope_log *log;
    const struct table_column *columns; /* [COLUMNS] */
    const struct record *rec;           /* the line at hand */
};

/* Empty where the line has none. */
static struct str text_of(const struct reading *r, int column)
{
    int at = r->columns[column].at;
    if (at < 0 || (size_t)at >= r->rec->fields_len)
        return (struct str){0};
    return str_trim(r->rec->fields[at].text);
}

static struct str name_of(const struct reading *r, int column)
{
    struct str names = str_of(r->columns[column].names);
    return str_split(&names, '|');
}

static enum err_code number_of(const struct reading *r, int column, double low, double high,
                               double *out, struct err *err)
{
    struct str text = text_of(r, column), name = name_of(r, column);
    if (text.n == 0)
        return err_set(err, ERR_INVALID, "%.*s: missing", STR_ARG(name));
    enum err_code code = str_parse_double(text, out, err);
    if (code != ERR_OK)
        return err_prefix(err, code, "%.*s", STR_ARG(name));
    if (!(*out >= low && *out <= high))
        return err_set(err, ERR_INVALID, "%.*s: %g is not within %g and %g", STR_ARG(name), *out,
                       low, high);
    return ERR_OK;
}

/* The target's probability of the action that was logged. */
static enum err_code target_of(const struct reading *r, struct str action, double *out,
                               struct err *err)
{
    struct str chosen = text_of(r, TARGET_ACTION), probability = text_of(r, TARGET_PROPENSITY);
    if (chosen.n && probability.n)
        return err_set(err, ERR_INVALID, "target_action and target_propensity: one of them");
    if (!chosen.n && !probability.n)
        return err_set(err, ERR_INVALID, "target_action or target_propensity: missing");
    if (probability.n)
        return number_of(r, TARGET_PROPENSITY, 0, 1, out, err);
    *out = str_eq(chosen, action);
    return ERR_OK;
}

static enum err_code context_of(const struct reading *r, uint32_t *out, struct err *err)
{
    struct str name = text_of(r, CONTEXT);
    struct ope_log *log = r->log;
    bool added = true;
    uint64_t *at = NULL;
    if (name.n > OPE_NAME_MAX)
        return err_set(err, ERR_INVALID, "context: more than %d bytes", OPE_NAME_MAX);
    if (name.n)
        at = map_str_at(&log->context_of, name, &added);
    if (!added) {
        *out = (uint32_t)*at;
        return ERR_OK;
    }
    *out = log->contexts++;
    if (at)
        *at = *out;
    return ERR_OK;
}

static enum err_code model_of(const struct reading *r, struct ope_decision *d, struct err *err)
{
    bool modelled = text_of(r, MODEL_LOGGED).n || text_of(r, MODEL_TARGET).n;
    if (r->log->len == 0)
        r->log->modelled = modelled;
    else if (modelled != r->log->modelled)
        return err_set(err, ERR_INVALID, "model_logged and model_target: in all lines or in none");
    if (!modelled)
        return ERR_OK;
    enum err_code code = number_of(r, MODEL_LOGGED, -amount_max, amount_max, &d->model_logged, err);
    return code == ERR_OK
               ? number_of(r, MODEL_TARGET, -amount_max, amount_max, &d->model_target, err)
               : code;
}

static enum err_code take_decision(const struct reading *r, struct err *err)
{
    struct ope_decision d = {0};
    struct str action = text_of(r, ACTION);
    double propensity, target;
    if (action.n == 0)
        return err_set(err, ERR_INVALID, "action: missing");
    enum err_code code = number_of(r, PROPENSITY, 1e-9, 1, &propensity, err);
    if (code == ERR_OK)
        code = number_of(r, REWARD, -amount_max, amount_max, &d.reward, err);
    if (code == ERR_OK)
        code = target_of(r, action, &target, err);
    if (code == ERR_OK)
        code = model_of(r, &d, err);
    if (code == ERR_OK)
        code = context_of(r, &d.context, err);
    if (code != ERR_OK)
        return code;
    d.weight = target / propensity;
    return ope_log_add(r->log, &d, err);
}

static enum err_code read_lines(struct reading *r, struct reader *lines, struct err *err)
{
    enum err_code code;
    while ((code = reader_next(lines, &r->rec, err)) == ERR_OK && r->rec) {
        code = r->rec->fault != REASON_NONE ? err_set(err, ERR_INVALID, "%s", r->rec->message)
                                            : take_decision(r, err);
        if (code != ERR_OK)
            return err_prefix(err, code, "line %llu", (unsigned long long)r->rec->line);
    }
    if (code == ERR_OK && r->log->len == 0)
        code = err_set(err, ERR_INVALID, "it holds no decisions");
    return code;
}

enum err_code ope_log_read(struct ope_log *log, const char *path, const char *overrides,
                           struct err *err)
{
    struct table_column columns[COLUMNS] = {
        [ACTION] = {"action|product_id", false, -1},
        [PROPENSITY] = {"propensity", false, -1},
        [REWARD] = {"reward", false, -1},
        [TARGET_PROPENSITY] = {"target_propensity", true, -1},
        [TARGET_ACTION] = {"target_action", true, -1},
        [CONTEXT] = {"context|shopper|user_id|session_id", true, -1},
        [MODEL_LOGGED] = {"model_logged", true, -1},
        [MODEL_TARGET] = {"model_target", true, -1},
    };
    struct reading r = {.log = log, .columns = columns};
    struct reader *lines;
    enum err_code code = table_open(path, overrides, columns, COLUMNS, &lines, err);
    if (code != ERR_OK)
        return code;
    code = read_lines(&r, lines, err);
    reader_close(lines);
    return code == ERR_OK ? code : err_prefix(err, code, "%s", path);
}
