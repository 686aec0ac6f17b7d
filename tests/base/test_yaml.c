#include "support/suite.h"

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/yaml.h"

START_TEST(a_tree_keeps_order_kinds_and_lines)
{
    struct err err;
    struct yaml *y;
    ck_ok(yaml_parse(
        &y, STR_LIT("# note\nname: shop\nports:\n  - 80\n  - '81'\nempty:\nn: null\nq: 'null'\n"),
        "a.yaml", &err));
    const struct yaml_node *root = yaml_root(y), *ports = yaml_get(root, "ports");
    ck_assert_uint_eq(root->len, 5);
    ck_assert(str_is(root->child->key, "name") && str_is(root->child->text, "shop"));
    ck_assert_uint_eq(root->child->line, 2);
    ck_assert(ports->kind == YAML_LIST && ports->len == 2);
    ck_assert_uint_eq(ports->child->next->line, 5);
    ck_assert(ports->child->next->quoted && !ports->child->quoted);
    ck_assert(yaml_is_null(yaml_get(root, "empty")) && yaml_is_null(yaml_get(root, "n")));
    ck_assert(!yaml_is_null(yaml_get(root, "q")));
    ck_assert_ptr_null(yaml_get(root, "none"));
    ck_assert_ptr_null(yaml_get(ports, "name"));
    ck_assert_ptr_null(yaml_get(NULL, "name"));
    yaml_close(y);
    yaml_close(NULL);
}
END_TEST

START_TEST(an_empty_text_is_an_empty_mapping)
{
    static const char *const texts[] = {"", "# only a note\n", "---\n", "--- null\n...\n",
                                        "\xef\xbb\xbf"};
    struct err err;
    struct yaml *y;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_ok(yaml_parse(&y, str_of(texts[i]), "a.yaml", &err));
        ck_assert(yaml_root(y)->kind == YAML_MAP && yaml_root(y)->len == 0);
        yaml_close(y);
    }
}
END_TEST

START_TEST(what_is_refused_says_where_and_why)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "a.yaml:3: the key 'a' comes twice"},
        {"a: &x 1\n", "a.yaml:1: anchors and aliases are not accepted"},
        {"a: 1\nb: *a\n", "a.yaml:2: anchors and aliases are not accepted"},
        {"a: !!int 1\n", "a.yaml:1: tags are not accepted"},
        {"? [a]\n: 1\n", "a.yaml:1: a key must be a simple text"},
        {"a: 1\n--- \nb: 2\n", "more than one document"},
        {"a: \"x\\0y\"\n", "a.yaml:1: a text with a NUL character"},
        {"a: [1\nb: 2\n", "a.yaml:2:"},
        {"a:\n\tb: 1\n", "a.yaml:2:"},
        {"a: \xff\n", "a.yaml:"},
    };
    struct err err;
    struct yaml *y;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_err(yaml_parse(&y, str_of(cases[i].text), "a.yaml", &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, cases[i].want), "%s: %s", cases[i].text, err.msg);
    }
}
END_TEST

START_TEST(depth_count_and_size_have_caps)
{
    struct err err;
    struct yaml *y;
    char deep[YAML_DEPTH_MAX + 1];
    memset(deep, '[', sizeof deep);
    ck_err(yaml_parse(&y, (struct str){deep, sizeof deep}, "a.yaml", &err), ERR_LIMIT);
    struct buf b = {.max = YAML_BYTES_MAX + 1};
    for (int i = 0; i < YAML_NODES_MAX; i++)
        buf_puts(&b, "- 1\n");
    ck_err(yaml_parse(&y, buf_str(&b), "a.yaml", &err), ERR_LIMIT);
    while (b.len <= YAML_BYTES_MAX)
        buf_putc(&b, '\n');
    ck_err(yaml_parse(&y, buf_str(&b), "a.yaml", &err), ERR_LIMIT);
    buf_release(&b);
}
END_TEST

START_TEST(scalars_read_as_types_with_the_key_in_the_message)
{
    static const char *const names[] = {"port", "debug"};
    struct err err;
    struct yaml *y;
    struct str s;
    int64_t n;
    bool b;
    ck_ok(
        yaml_parse(&y, STR_LIT("port: 99\ndebug: Yes\nprot: 1\nlist: []\nnil:\n"), "a.yaml", &err));
    const struct yaml_node *root = yaml_root(y);
    ck_ok(yaml_i64(y, yaml_get(root, "port"), 0, 99, &n, &err));
    ck_assert_int_eq(n, 99);
    ck_ok(yaml_bool(y, yaml_get(root, "debug"), &b, &err));
    ck_assert(b);
    ck_err(yaml_i64(y, yaml_get(root, "port"), 0, 10, &n, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "a.yaml:1: port: 99 is not between 0 and 10");
    ck_err(yaml_bool(y, yaml_get(root, "port"), &b, &err), ERR_INVALID);
    ck_err(yaml_str(y, yaml_get(root, "list"), &s, &err), ERR_INVALID);
    ck_err(yaml_str(y, yaml_get(root, "nil"), &s, &err), ERR_INVALID);
    ck_err(yaml_check_keys(y, root, names, 2, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "a.yaml:3: unknown key 'prot'; did you mean 'port'?");
    ck_err(yaml_check_keys(y, yaml_get(root, "list"), names, 2, &err), ERR_INVALID);
    yaml_close(y);
}
END_TEST

/* JSON is YAML: what jansson reads from a random JSON text stands in the tree. */
static json_t *random_json(struct rng *rng, unsigned depth)
{
    static const char *const words[] = {"",        "id",  "a\"b\\c\nd", "\xe4\xbd\xa0\xe5\xa5\xbd",
                                        "- x: #y", "null"};
    uint64_t kind = rng_below(rng, depth > 4 ? 1 : 3), n = rng_below(rng, 5);
    json_t *v;
    if (kind == 0)
        return json_string(words[rng_below(rng, 6)]);
    if (kind == 1) {
        v = json_array();
        while (n-- > 0)
            json_array_append_new(v, random_json(rng, depth + 1));
        return v;
    }
    v = json_object();
    while (n-- > 0)
        json_object_set_new(v, words[rng_below(rng, 6)], random_json(rng, depth + 1));
    return v;
}

static bool same(const struct yaml_node *n, json_t *v)
{
    size_t i = 0;
    if (json_is_string(v))
        return n->kind == YAML_SCALAR && str_is(n->text, json_string_value(v));
    if (n->kind != (json_is_array(v) ? YAML_LIST : YAML_MAP))
        return false;
    for (const struct yaml_node *c = n->child; c; c = c->next, i++)
        if (!same(c, json_is_array(v) ? json_array_get(v, i) : json_object_get(v, c->key.p)))
            return false;
    return i == n->len && i == (json_is_array(v) ? json_array_size(v) : json_object_size(v));
}

START_TEST(random_json_reads_as_the_same_tree)
{
    struct err err;
    struct rng rng;
    rng_init(&rng, 9);
    for (int i = 0; i < 2000; i++) {
        struct yaml *y;
        json_t *v = random_json(&rng, 0);
        char *text = json_dumps(v, JSON_ENCODE_ANY | (i % 2 ? JSON_INDENT(2) : 0));
        ck_ok(yaml_parse(&y, str_of(text), "a.yaml", &err));
        ck_assert_msg(same(yaml_root(y), v), "%s", text);
        yaml_close(y);
        free(text);
        json_decref(v);
    }
}
END_TEST

START_TEST(memory_that_is_out_is_reported)
{
    struct err err;
    enum err_code code = ERR_MEMORY;
    long at = 0;
    while (code != ERR_OK) {
        struct yaml *y = NULL;
        mem_fail_at(++at);
        code = yaml_parse(&y, STR_LIT("a: {b: [1, 2, 3], c: text}\n"), "a.yaml", &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        yaml_close(y);
    }
    ck_assert_int_gt(at, 1);
    mem_fail_at(0);
}
END_TEST

SUITE("yaml", a_tree_keeps_order_kinds_and_lines, an_empty_text_is_an_empty_mapping,
      what_is_refused_says_where_and_why, depth_count_and_size_have_caps,
      scalars_read_as_types_with_the_key_in_the_message, random_json_reads_as_the_same_tree,
      memory_that_is_out_is_reported)
