#include <stdio.h>

#include "base/signal.h"
#include "cli/commands.h"
#include "cli/eval.h"

static const struct flag flags[] = {
    {"--train", "F", "recommend, sessions: what is known"},
    {"--test", "F", "recommend, sessions: what is to be foretold"},
    {"--before", "F", "recommend: als begins with the factors of a fit on this"},
    {"--format", "F", "recommend: adjacency (a line is a user and the items) or pairs (adjacency)"},
    {"--model", "M", "recommend: als, propagation, neighbours or popularity (als)"},
    {"--params", "K=V,...",
     "the model's parameters; lists, cold, refit, als: as for `aisle train`; next, sessions: "
     "theirs"},
    {"--exact", NULL, "recommend: als scores every item instead of the nearest cells"},
    {"--placement", "P",
     "lists: home, home_guest, similar, viewed_after, bought_together or cart (all)"},
    {"--weights", "P.S=V,...", "lists: weights of sources, for example home.factors=0.8"},
    {"--every", "HOURS", "refit: between two refits (24)"},
    {"--rounds", "N", "refit: so many, each from the one before (7)"},
    {"--warm", "N", "refit: pairs of half steps of each (1)"},
    {"--until", "TIME", "lists, again, refit: as if nothing had happened from then on"},
    {"--test-share", "X", "lists, again: share of the acts that is held out (0.2)"},
    {"--lists", "N", "lists: measure at most so many of each placement (5000)"},
    {"--fold", "N",
     "cold: which tenth of the products nobody had, 0..9 (0, which is left out of all others)"},
    {"--alike", "W", "cold: what reads alike beside the factors (as on home pages)"},
    {"--tune", NULL, "lists: look for better weights on the very lists that are measured"},
    {"--ranker", NULL, "lists: with a learned ranker, trained on what came before the test part"},
    {"--k", "N",
     "recommend, lists, cold, refit, next, sessions: length of the lists (20; next: 10)"},
    {"--sequences", "F", "next: a line is a user and the items in order of time"},
    {"--attributes", "F", "next: JSON, of item to a list of attributes"},
    {"--validate", NULL, "next: foretell the item before the last; the last is not looked at"},
    {"--keep-seen", NULL, "next: rank what the shopper had too"},
    {"--events", "F", "sessions: session and position of those to be measured (all but the first)"},
    {"--judgements", "F",
     "search: query, title, grade, and product_id where titles are not unique"},
    {"--relevant", "G", "search: grades from this one up count for mrr@10 (the highest)"},
    {"--log", "F", "ope: a decision a line, with the propensity of its action"},
    {"--clip", "W", "ope: weights above W become W (none do)"},
    {"--level", "L", "ope: of the intervals (0.95)"},
    {"--columns", "K=NAME,...", "what the file calls them: query=term,grade=score"},
    {"--threads", "N", "how many threads (all processors)"},
};

enum { QUEUE = 64 };

enum err_code eval_pool(unsigned threads, struct pool **out, struct err *err)
{
    *out = NULL;
    return threads == 1 ? ERR_OK : pool_new(out, "eval", threads ? threads - 1 : 0, QUEUE, err);
}

/* --- results --------------------------------------------------------------------------------- */

void eval_key_at(struct json_writer *w, const char *metric, size_t k)
{
    char name[64];
    snprintf(name, sizeof name, "%s@%zu", metric, k);
    jw_key(w, str_of(name));
}

enum cli_exit eval_end(const struct args *args, struct result *r, enum err_code code,
                       const struct err *err)
{
    enum cli_exit status = code == ERR_OK ? print_json(args, &r->w) : fail(args, err);
    buf_release(&r->text);
    return status;
}

static enum cli_exit run(const struct args *args)
{
    signal_watch_stop();
    if (strcmp(args->words[0], "recommend") == 0)
        return eval_recommend(args);
    if (strcmp(args->words[0], "lists") == 0)
        return eval_lists(args);
    if (strcmp(args->words[0], "again") == 0)
        return eval_again(args);
    if (strcmp(args->words[0], "cold") == 0)
        return eval_cold(args);
    if (strcmp(args->words[0], "search") == 0)
        return eval_search(args);
    if (strcmp(args->words[0], "next") == 0)
        return eval_next(args);
    if (strcmp(args->words[0], "sessions") == 0)
        return eval_sessions(args);
    if (strcmp(args->words[0], "ope") == 0)
        return eval_ope(args);
    if (strcmp(args->words[0], "refit") == 0)
        return eval_refit(args);
    return fail_usage(
        args,
        "'%s': expected recommend, lists, cold, again, refit, next, sessions, search or "
        "ope",
        args->words[0]);
}

const struct command cmd_eval = {
    .name = "eval",
    .summary = "Measure recommendation and search on files of your own",
    .usage = "recommend --train F --test F | lists | cold | again | refit | next --sequences F | "
             "sessions --train F --test F | search --judgements F | ope --log F",
    .text =
        "Fits and answers with the code that serves, and prints one JSON object. Only lists, "
        "cold,\n"
        "again and refit need a data folder.\n\n"
        "recommend  recall@k, ndcg@k (binary gain) and hit@k are means over the users of the test\n"
        "           file that the training file knows; what a user had there is neither shown nor\n"
        "           wanted. coverage is the share of items that any list shows, gini how "
        "unequally\n"
        "           it shows them. A line of pairs is user, item[, time], by header or place.\n"
        "           propagation takes user_exponent, out_exponent, in_exponent, keep, dim, gamma,\n"
        "           low_user, low_item, low_out, low_in, flat, binary, seed; neighbours takes\n"
        "           neighbours, shrink, support, group_max, bm25, b; both and popularity score "
        "every item.\n"
        "lists      the same of whole lists of the shop in the data folder, as pages show them: "
        "fitted\n"
        "           on the earlier acts, asked for the later ones. home: what a shopper did with "
        "products\n"
        "           new to them; home_guest: how a guest's session under way went on; similar,\n"
        "           viewed_after: the same after its first product; bought_together, cart: the "
        "rest\n"
        "           of an order.\n"
        "cold       of products that nobody had: a tenth of the shop's, hidden from training and "
        "ranked\n"
        "           together with all others, and among themselves. tower is the factor model, "
        "content\n"
        "           also what reads alike, titles its rival: kNN over TF-IDF words of titles.\n"
        "again      of what shoppers of the data folder bought again in the next order, how much "
        "stood\n"
        "           in the first 5, 10 and 20 of all they had bought: as the row `buy again` "
        "orders it,\n"
        "           by the last purchase, and by the number of purchases.\n"
        "refit      of home pages of a model that is refitted every day (`aisle train --refit`), "
        "of one\n"
        "           fitted anew every day, and of one that stays as it was before the first; by "
        "what\n"
        "           shoppers did in the week after each day.\n"
        "next       hit@k, ndcg@k and mrr@k of the last item of each line, foretold from those "
        "before\n"
        "           it; fitted on the same. Beside it, popularity.\n"
        "sessions   hit@k and mrr@k of every event of a test session but its first, foretold from "
        "those\n"
        "           before it. Columns: session, item, time, by header.\n"
        "search     orders the judged titles of each query. spearman is the mean over queries of\n"
        "           the rank correlation of score and grade, spearman_all that over all lines;\n"
        "           ndcg@10 gains 2^grade - 1. Aliases: query|search_term, title|product_title,\n"
        "           grade|relevance|score, product_id|product_uid.\n"
        "ope        what another policy would have brought a decision, with intervals, from the "
        "log "
        "of\n"
        "           one that chose at random: by inverse propensities (ips), self-normalised "
        "(snips)\n"
        "           and, where a model's rewards are given, doubly robust (dr). Columns: action,\n"
        "           propensity, reward, target_propensity or target_action; context, model_logged "
        "(of\n"
        "           the action) and model_target (mean under the target) may be there. weight is 1 "
        "if\n"
        "           the propensities are true; effective is how many decisions of equal weight "
        "would\n"
        "           say as much.\n\n"
        "  aisle eval recommend --train train.txt --test test.txt --params dim=128\n"
        "  aisle eval next --sequences sequences.txt --attributes attributes.json\n"
        "  aisle eval search --judgements judgements.csv --columns grade=relevance\n"
        "  aisle eval ope --log decisions.jsonl --clip 20\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 1,
    .dense = true,
    .run = run,
};
