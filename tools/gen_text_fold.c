/* gen_text_fold.c - make the table of text/fold.c. Runs at build time.
 *
 * Reads Unihan_Variants.txt from the standard input and writes C arrays to the standard output. For
 * every code point the table holds its class (text/fold_int.h), whether it may combine with what
 * stands before it, and what it folds to on its own:
 *
 *     NFKC_Casefold, Latin accents off, Latin letters that Unicode does not decompose, typographic
 *     hyphens and apostrophes, decimal digits to 0-9, traditional to simplified Chinese
 *
 * repeated until nothing changes, so that folding is idempotent.
 *
 * Traditional to simplified is an equivalence for matching. Unihan's kSimplifiedVariant gives
 * most of it. A character that has several simplified forms takes the first that is not itself
 * (the commoner one, within the BMP where there is one): 乾 -> 干 although 乾坤 keeps it, 著 -> 着
 * although 著名 keeps it. Both sides of a comparison are folded, so 著名 still finds 著名, and 餅乾
 * finds 饼干. VARIANTS adds what Unihan calls mere variants, and replaces some of its choices that
 * nobody types. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include "text/fold_int.h"

enum {
    CODE_POINTS = 0x110000,
    BLOCK = 256,
    MAX_FOLDED = 32,     /* code points; U+FDFA gives 18 */
    MIN_VARIANTS = 6000, /* fewer: the input was cut short */
    FIRST_MAPPING = 32,  /* smaller values: class and the bit below */
    JOINS = 16
};

static const uint32_t VARIANTS[] =
    U"裏里綫线羣群峯峰牀床麪面麫面衞卫爲为溼湿鷄鸡鑑鉴擡抬兇凶佈布週周祕秘僱雇佔占嚐尝妳你遊游慾欲"
    "汙污唸念歎叹菸烟喫吃粧妆痠酸豔艳讚赞彆别籤签嶽岳蹟迹嚮向祇只衹只鹼碱鹸碱鹻碱礆碱硷碱衆众"
    "麴曲鎚锤鍊炼錬炼袴裤韈袜椀碗盌碗盃杯碁棋棊棋鞵鞋緜绵艸草榦干葯药甦苏蘓苏囌苏捱挨託托昇升陞升"
    "畧略槓杠糉粽糭粽脣唇脩修鑵罐鬨哄閧哄蒐搜蔴麻蓆席蔘参葠参敎教菓果甕瓮痺痹皁皂筯箸紮扎絃弦綵彩"
    "綑捆罎坛脇胁臙胭舖铺荳豆蝨虱襍杂谿溪跴踩踫碰鑪炉闇暗隄堤靭韧餬糊餵喂鬪斗鶏鸡龢和牠它鉢钵"
    "鎔熔鎗枪樑梁櫈凳氷冰洩泄滷卤燻熏瑯琅甎砖疎疏癡痴皷鼓砲炮稜棱箒帚簷檐籐藤糰团姪侄媿愧崑昆"
    "帬裙裠裙徧遍悽凄慼戚搥捶撢掸攷考暱昵朶朵枴拐柺拐栢柏椶棕楳梅槀槁毬球淨净濬浚煖暖煑煮燄焰"
    "犂犁獃呆瘉愈砦寨碪砧穅糠竝并篐箍簑蓑緐繁繖伞翫玩耡锄肧胚臈腊艪橹蛕蛔蟇蟆覈核觔斤誖悖諠喧諮咨"
    "譁哗豓艳貍狸賸剩躭耽躰体輭软迺乃遶绕邨村酧酬醻酬醃腌鉋刨銲焊鑛矿阬坑陜陕霑沾韮韭頫俯顋腮颺扬"
    "飃飘飜翻驘骡骾鲠鬀剃鵰雕彫雕琱雕麤粗黏粘鼃蛙瀰弥滙汇";

static const struct {
    UChar32 from;
    const char *to;
} LETTERS[] = {
    {0xe6, "ae"},  {0x153, "oe"}, {0xf8, "o"},   {0x111, "d"},  {0xf0, "d"},   {0xfe, "th"},
    {0x142, "l"},  {0x127, "h"},  {0x131, "i"},  {0x167, "t"},  {0x14b, "n"},  {0x138, "k"},
    {0x2010, "-"}, {0x2011, "-"}, {0x2012, "-"}, {0x2013, "-"}, {0x2212, "-"}, {0x60, "'"},
    {0x2bc, "'"},  {0x2018, "'"}, {0x2019, "'"}, {0x201b, "'"}, {0x2032, "'"},
};

struct folded {
    UChar32 cp[MAX_FOLDED];
    int n;
};

static const UNormalizer2 *nfkc_cf, *nfd, *nfc;
static UChar32 simplified[CODE_POINTS]; /* 0: none */
static uint16_t value[CODE_POINTS];

static void die(const char *what)
{
    fprintf(stderr, "gen_text_fold: %s\n", what);
    exit(1);
}

static void check(UErrorCode status, const char *what)
{
    if (U_FAILURE(status)) {
        fprintf(stderr, "gen_text_fold: %s: %s\n", what, u_errorName(status));
        exit(1);
    }
}

/* --- traditional to simplified --------------------------------------------------------------- */

static UChar32 first_choice(UChar32 from, const char *list)
{
    UChar32 beyond = 0;
    for (const char *p = list; (p = strstr(p, "U+")); p++) {
        UChar32 to = (UChar32)strtol(p + 2, NULL, 16);
        if (to <= 0 || to >= CODE_POINTS)
            die("Unihan names no code point");
        if (to == from)
            continue;
        if (to <= 0xffff)
            return to;
        if (!beyond)
            beyond = to;
    }
    return beyond;
}

static void read_unihan(FILE *in)
{
    char line[1024];
    int found = 0;
    while (fgets(line, sizeof line, in)) {
        char *field = strstr(line, "\tkSimplifiedVariant\t");
        if (strncmp(line, "U+", 2) != 0 || !field)
            continue;
        UChar32 from = (UChar32)strtol(line + 2, NULL, 16);
        if (from <= 0 || from >= CODE_POINTS)
            die("Unihan names no code point");
        simplified[from] = first_choice(from, field);
        found++;
    }
    if (found < MIN_VARIANTS)
        die("the standard input is not the whole of Unihan_Variants.txt");
}

static void read_variants(void)
{
    _Static_assert(sizeof VARIANTS / sizeof *VARIANTS % 2 == 1, "pairs and a terminator");
    for (const uint32_t *pair = VARIANTS; *pair; pair += 2)
        simplified[pair[0]] = (UChar32)pair[1];
}

/* --- one code point -------------------------------------------------------------------------- */

static int normalise(const UNormalizer2 *form, const UChar *in, int n, UChar *out)
{
    UErrorCode status = U_ZERO_ERROR;
    n = unorm2_normalize(form, in, n, out, 2 * MAX_FOLDED, &status);
    check(status, "normalise");
    return n;
}

/* Decomposed text without the marks that follow a Latin letter. */
static int strip_latin_marks(UChar *text, int n)
{
    int32_t at = 0, kept = 0;
    bool latin = false;
    while (at < n) {
        UChar32 c;
        UBool bad = false;
        U16_NEXT(text, at, n, c);
        if (u_getCombiningClass(c) == 0)
            latin = uscript_getScript(c, &(UErrorCode){U_ZERO_ERROR}) == USCRIPT_LATIN;
        else if (latin)
            continue;
        U16_APPEND(text, kept, n, c, bad);
        if (bad)
            die("a text grew by losing its marks");
    }
    return kept;
}

static void append(struct folded *f, UChar32 c)
{
    if (f->n == MAX_FOLDED)
        die("a code point folds to too many");
    f->cp[f->n++] = c;
}

static void append_folded(struct folded *f, UChar32 c)
{
    for (size_t i = 0; i < sizeof LETTERS / sizeof *LETTERS; i++) {
        if (LETTERS[i].from == c) {
            for (const char *p = LETTERS[i].to; *p; p++)
                append(f, *p);
            return;
        }
    }
    if (u_charType(c) == U_DECIMAL_DIGIT_NUMBER)
        append(f, '0' + u_charDigitValue(c));
    else
        append(f, simplified[c] ? simplified[c] : c);
}

static struct folded fold_once(const struct folded *from)
{
    UChar a[2 * MAX_FOLDED], b[2 * MAX_FOLDED];
    int32_t n = 0, at = 0;
    for (int i = 0; i < from->n; i++)
        U16_APPEND_UNSAFE(a, n, from->cp[i]);
    n = normalise(nfkc_cf, a, n, b);
    n = normalise(nfd, b, n, a);
    n = strip_latin_marks(a, n);
    n = normalise(nfc, a, n, b);
    struct folded to = {.n = 0};
    while (at < n) {
        UChar32 c;
        U16_NEXT(b, at, n, c);
        append_folded(&to, c);
    }
    return to;
}

static bool same(const struct folded *a, const struct folded *b)
{
    return a->n == b->n && memcmp(a->cp, b->cp, (size_t)a->n * sizeof *a->cp) == 0;
}

static struct folded fold(UChar32 c)
{
    struct folded now = {{c}, 1};
    for (int round = 0; round < 8; round++) {
        struct folded next = fold_once(&now);
        if (same(&now, &next))
            return now;
        now = next;
    }
    fprintf(stderr, "U+%04X: ", (unsigned)c);
    die("folding goes in a circle");
    return now;
}

static enum fold_class class_of(UChar32 c)
{
    static const UScriptCode cjk[] = {USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA,
                                      USCRIPT_HANGUL, USCRIPT_BOPOMOFO};
    if (u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT)
        return FOLD_COMPLEX;
    if (U_GET_GC_MASK(c) & U_GC_M_MASK)
        return FOLD_MARK;
    if (u_charType(c) == U_DECIMAL_DIGIT_NUMBER)
        return FOLD_DIGIT;
    if (!u_isUAlphabetic(c) && !(U_GET_GC_MASK(c) & U_GC_L_MASK))
        return FOLD_OTHER;
    for (size_t i = 0; i < sizeof cjk / sizeof *cjk; i++)
        if (uscript_hasScript(c, cjk[i]))
            return FOLD_CJK;
    return FOLD_LETTER;
}

/* --- output ---------------------------------------------------------------------------------- */

static void print_mappings(void)
{
    int mappings = 0, at = 0;
    printf("/* Made by tools/gen_text_fold.c: do not edit. */\n"
           "enum { FIRST_MAPPING = %d, JOINS = %d };\n\nstatic const uint32_t mapped[] = {",
           FIRST_MAPPING, JOINS);
    static int starts[UINT16_MAX];
    for (UChar32 c = 0; c < CODE_POINTS; c++) {
        value[c] = (uint16_t)class_of(c);
        if (U_IS_SURROGATE(c))
            continue;
        if (!unorm2_hasBoundaryBefore(nfkc_cf, c)) {
            value[c] |= JOINS;
            continue;
        }
        struct folded f = fold(c);
        if (same(&f, &(struct folded){{c}, 1}))
            continue;
        if (mappings + FIRST_MAPPING >= UINT16_MAX - 1)
            die("too many mappings");
        value[c] = (uint16_t)(FIRST_MAPPING + mappings);
        starts[mappings++] = at;
        for (int i = 0; i < f.n; i++, at++)
            printf("%s%u,", at % 10 ? " " : "\n    ",
                   (unsigned)f.cp[i] | (unsigned)class_of(f.cp[i]) << 24);
    }
    starts[mappings++] = at;
    printf("\n};\n\nstatic const uint16_t mapping_start[] = {");
    if (at > UINT16_MAX)
        die("the mappings are too long together");
    for (int i = 0; i < mappings; i++)
        printf("%s%d,", i % 14 ? " " : "\n    ", starts[i]);
    printf("\n};\n\n");
}

static void print_blocks(void)
{
    static UChar32 distinct[CODE_POINTS / BLOCK];
    static uint16_t block_of[CODE_POINTS / BLOCK];
    int blocks = 0;
    printf("static const uint16_t block_value[][%d] = {", BLOCK);
    for (UChar32 c = 0; c < CODE_POINTS; c += BLOCK) {
        int b = 0;
        while (b < blocks && memcmp(value + distinct[b], value + c, sizeof *value * BLOCK) != 0)
            b++;
        block_of[c / BLOCK] = (uint16_t)b;
        if (b < blocks)
            continue;
        distinct[blocks++] = c;
        printf("\n    {");
        for (int i = 0; i < BLOCK; i++)
            printf("%s%u,", i % 16 ? " " : "\n        ", value[c + i]);
        printf("\n    },");
    }
    printf("\n};\n\nstatic const uint16_t block_of[] = {");
    for (int i = 0; i < CODE_POINTS / BLOCK; i++)
        printf("%s%u,", i % 16 ? " " : "\n    ", block_of[i]);
    printf("\n};\n\n");
}

/* Which first bytes of a UTF-8 sequence may begin a character that joins what stands before it. */
static void print_leads(void)
{
    bool joins[256] = {false};
    for (UChar32 c = 0; c < CODE_POINTS; c++) {
        uint8_t utf8[4];
        int n = 0;
        if (U_IS_SURROGATE(c) || value[c] >= FIRST_MAPPING || !(value[c] & JOINS))
            continue;
        U8_APPEND_UNSAFE(utf8, n, c);
        joins[utf8[0]] = true;
    }
    printf("static const bool lead_may_join[256] = {");
    for (int i = 0; i < 256; i++)
        printf("%s%d,", i % 32 ? " " : "\n    ", joins[i]);
    printf("\n};\n");
}

/* Every ASCII character folds to one: a table without detours for the commonest texts. */
static void print_ascii(void)
{
    printf("\nstatic const uint32_t ascii_folded[128] = {");
    for (UChar32 c = 0; c < 128; c++) {
        struct folded f = fold(c);
        if (f.n != 1)
            die("an ASCII character folds to several");
        printf("%s%u,", c % 8 ? " " : "\n    ",
               (unsigned)f.cp[0] | (unsigned)class_of(f.cp[0]) << 24);
    }
    printf("\n};\n");
}

int main(void)
{
    UErrorCode status = U_ZERO_ERROR;
    nfkc_cf = unorm2_getNFKCCasefoldInstance(&status);
    nfd = unorm2_getNFDInstance(&status);
    nfc = unorm2_getNFCInstance(&status);
    check(status, "open");
    read_unihan(stdin);
    read_variants();
    print_mappings();
    print_blocks();
    print_leads();
    print_ascii();
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
