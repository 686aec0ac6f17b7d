/* experiment_set.h - the experiments that serve, as every view has them.
 *
 * Model:   those that run or are decided, read from the record by the engine (engine_options.experiments) when one has
 *          changed, and swapped with the view: what a request reads of experiments, their versions of the model and
 *          their rules is of one moment.
 * Decided: a version that was decided for serves until another is published after the decision: else the trainings of
 *          a shop would change nothing any more. The set then says that the variant names none.
 * Threads: immutable; any. */
#ifndef RECOMMEND_EXPERIMENT_SET_H
#define RECOMMEND_EXPERIMENT_SET_H

#include "engine/view.h"
#include "recommend/experiment.h"

struct experiment_set {
    struct served_experiments base; /* must come first */
    struct arena arena;
    struct experiment_entry *entries; /* [len] oldest first, in the arena */
    size_t len;
};

/** Give this to the engine (engine_options). */
extern const struct experiments_reader experiments_reader;

/** Those of the view; NULL: nobody reads them. */
static inline const struct experiment_set *experiments_of(const struct view *view)
{
    return (const struct experiment_set *)view->experiments;
}

/** Those that run or are decided, oldest first; a definition that cannot be read serves nobody and is left out.
 *  *entries  [EXPERIMENTS_MAX] in the arena, texts too
 *  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code experiments_read_serving(struct db *db, struct arena *arena,
                                                    struct experiment_entry **entries, size_t *len,
                                                    struct err *err);

/** The model and rules that a definition names, looked for in the record.
 *  ERR_INVALID  one is not there: the message names variant and field */
ERR_MUST_USE enum err_code experiment_check_named(struct db *db, const struct experiment *e,
                                                  struct arena *arena, struct err *err);

/** May entry begin to run beside others [n], as far as versions of the model and rules are concerned?
 *  ERR_CONFLICT  more than VIEW_VERSIONS_MAX versions would be kept; a decided experiment has put one of its rules in
 *                force */
ERR_MUST_USE enum err_code experiment_check_room(const struct experiment_entry *entry,
                                                 const struct experiment_entry *others, size_t n,
                                                 struct err *err);

/** May entry be decided for the variant, beside others [n]?
 *  ERR_CONFLICT  a running experiment compares one of its rules; EXPERIMENT_DECIDED_RULES_MAX name rules already */
ERR_MUST_USE enum err_code experiment_check_decision(const struct experiment_entry *entry,
                                                     size_t variant,
                                                     const struct experiment_entry *others,
                                                     size_t n, struct err *err);

/** *named: does any experiment of the record name this version? One that is decided names that of its decision alone;
 *  drafts and stopped ones count, since they may yet serve. */
ERR_MUST_USE enum err_code experiments_name_version(struct db *db, struct str version, bool *named,
                                                    struct err *err);

/** Does an entry that serves decide about the rule of that id? */
bool experiment_entry_names_rule(const struct experiment_entry *entry, struct str id);

/** *id: of a running experiment that names this rule; empty: none does. In the arena. */
ERR_MUST_USE enum err_code experiments_name_rule(struct db *db, struct str rule,
                                                 struct arena *arena, struct str *id,
                                                 struct err *err);

#endif
