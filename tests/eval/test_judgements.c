/* Judged titles: reading them, and their order by the search engine. */
#include "eval/judgements.h"

#include <math.h>

#include "eval/files.h"
#include "num/vec.h"

START_TEST(lines_are_read_by_header_alias_and_override)
{
    static const struct {
        const char *name, *text, *overrides;
    } cases[] = {
        {"a.csv", "query,title,grade\nred kettle,Red kettle,3\noak,Oak table,1\noak,Red kettle,0\n",
         NULL},
        {"b.tsv",
         "id\trelevance\tsearch_term\tproduct_title\n9\t3\tred kettle\tRed kettle\n"
         "8\t1\toak\tOak table\n7\t0\toak\tRed kettle\n",
         NULL},
        {"c.csv", "g,q,t\n3,red kettle,Red kettle\n1,oak,Oak table\n0,oak,Red kettle\n",
         "query=q, title = t,grade=g"},
        {"d.jsonl",
         "{\"query\":\"red kettle\",\"title\":\"Red kettle\",\"grade\":3}\n"
         "{\"query\":\"oak\",\"title\":\"Oak table\",\"grade\":1}\n"
         "{\"query\":\"oak\",\"title\":\"Red kettle\",\"grade\":\"0\"}\n",
         NULL},
    };
    struct files files;
    struct err err;
    files_init(&files);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct judgements j;
        ck_ok(judgements_init(&j, &err));
        ck_ok(judgements_read(&j, write_text(&files, cases[i].name, cases[i].text),
                              cases[i].overrides, &err));
        ck_assert_uint_eq(j.len, 3);
        ck_assert_uint_eq(j.query_of.len, 2);
        ck_assert_uint_eq(j.product_of.len, 2); /* a title is known by itself */
        ck_assert(j.lines[0].query == 1 && j.lines[0].grade == 3);
        ck_assert(j.lines[1].query == 2 && j.lines[1].product_no == 1 && j.lines[1].grade == 0);
        ck_assert(j.lines[2].query == 2 && j.lines[2].product_no == 2 && j.lines[2].grade == 1);
        judgements_release(&j);
    }
    files_release(&files);
}
END_TEST

START_TEST(titles_with_an_id_are_known_by_it)
{
    struct files files;
    struct judgements j;
    struct err err;
    files_init(&files);
    ck_ok(judgements_init(&j, &err));
    ck_ok(judgements_read(&j,
                          write_text(&files, "a.csv",
                                     "query,title,grade,product_id\nx,Cup,1,c1\nx,Cup,2,c2\n"
                                     "y,Cup,1,c1\n"),
                          NULL, &err));
    ck_assert_uint_eq(j.product_of.len, 2);
    judgements_release(&j);
    files_release(&files);
}
END_TEST

START_TEST(what_is_broken_is_refused_with_line_or_header)
{
    static const struct {
        const char *text, *overrides, *says;
    } cases[] = {
        {"query,title\nx,y\n", NULL,
         "there is no column grade|relevance|score; the header is: query, title"},
        {"q,t,g\nx,y,1\n", NULL, "there is no column query|search_term; the header is: q, t, g"},
        {"query,title,grade\nx,y,1\n", "query=q", "the header is: query, title, grade"},
        {"query,title,grade\nx,y,1\n", "grad=g", "--columns: there is no 'grad'"},
        {"query,title,grade\n", NULL, "holds nothing"},
        {"query,title,grade\nx,y,1\nx,y,good\n", NULL, "line 3: grade"},
        {"query,title,grade\nx,y,nan\n", NULL, "line 2: grade"},
        {"query,title,grade\nx,y,1e300\n", NULL, "line 2: grade: not between"},
        {"query,title,grade\nx,y,\n", NULL, "line 2: grade"},
        {"query,title,grade\n,y,1\n", NULL, "line 2: query or title is empty"},
        {"query,title,grade\nx,  ,1\n", NULL, "line 2: query or title is empty"},
        {"query,title,grade\nx,\"y,1\n", NULL, "line 2: "},
    };
    struct files files;
    struct err err;
    files_init(&files);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct judgements j;
        ck_ok(judgements_init(&j, &err));
        enum err_code code = judgements_read(&j, write_text(&files, "in.csv", cases[i].text),
                                             cases[i].overrides, &err);
        ck_assert_msg(code == ERR_INVALID && strstr(err.msg, cases[i].says), "%zu: %s", i, err.msg);
        judgements_release(&j);
    }
    files_release(&files);
}
END_TEST

START_TEST(scores_are_compared_with_the_grades_query_by_query)
{
    struct files files;
    struct judgements j;
    struct judgements_quality q;
    struct err err;
    ck_ok(vec_init(&err));
    files_init(&files);
    ck_ok(judgements_init(&j, &err));
    /* The engine orders red kettle > kettle > hose for the first query, oak table > table for the second.
     * There the grades are the other way round; those of the third say nothing. */
    ck_ok(judgements_read(&j,
                          write_text(&files, "in.csv",
                                     "query,title,grade\n"
                                     "red kettle,Garden hose,0\nred kettle,Red kettle,2\n"
                                     "red kettle,Blue kettle,1\n"
                                     "oak table,Oak table,0\noak table,Glass table,1\n"
                                     "rope,Rope,1\nrope,Garden hose,1\n"),
                          NULL, &err));
    ck_ok(judgements_score(&j, &err));
    ck_ok(judgements_measure(&j, NAN, &q, &err));
    ck_assert_uint_eq(q.queries, 3);
    ck_assert_uint_eq(q.correlated, 2);
    ck_assert_double_eq_tol(q.spearman, (1 - 1) / 2.0, 1e-12);
    ck_assert_double_eq_tol(q.ndcg, (1 + 1 / log2(3) + 1) / 3, 1e-12);
    ck_assert_double_eq(q.relevant, 2); /* the highest grade: only the first query has it */
    ck_assert_double_eq_tol(q.mrr, 1.0 / 3, 1e-12);
    ck_assert(q.spearman_all > -1 && q.spearman_all < 1 && q.p50_us > 0 && q.p99_us >= q.p50_us);
    ck_ok(judgements_measure(&j, 1, &q, &err));
    ck_assert_double_eq_tol(q.mrr, (1 + 0.5 + 1) / 3, 1e-12);
    judgements_release(&j);
    files_release(&files);
}
END_TEST

SUITE("judgements", lines_are_read_by_header_alias_and_override, titles_with_an_id_are_known_by_it,
      what_is_broken_is_refused_with_line_or_header,
      scores_are_compared_with_the_grades_query_by_query)
