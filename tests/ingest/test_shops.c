/* The ready mappings for shops' exports: what a real file of each looks like, and what becomes of it. */
#include <unistd.h>

#include "ingest/shop.h"

static void import_sample(struct shop *s, const char *text, const char *mapping, size_t products)
{
    struct import_report r;
    struct err err;
    struct import_options o = {.kind = IMPORT_PRODUCTS, .mapping = mapping, .currency = "USD"};
    ck_ok(import_text(s, text, o, &r, &err));
    ck_assert_uint_eq(r.quarantined, 0);
    ck_assert_uint_eq(r.created, products);
}

static void check_google(struct shop *s)
{
    struct product p = product_of(s, "T-1");
    ck_assert(str_is(p.title, "Tea & pot") && str_is(p.brand, "Northpot"));
    ck_assert(str_is(p.description, "Keeps warm."));
    ck_assert(str_is(p.category, "Home > Kitchen"));
    ck_assert_int_eq(p.price_minor, 1299);
    ck_assert_int_eq(p.list_price_minor, 1599);
    char name[4];
    ck_assert_str_eq(currency_name(p.currency, name), "GBP");
    ck_assert(
        str_is(p.images, "[\"http://x/w_3,h_2/a.jpg\",\"http://x/c.jpg\",\"http://x/d.jpg\"]"));
    ck_assert_int_eq(p.stock, STORE_STOCK_UNTRACKED);
    ck_assert(str_is(p.attributes, "{\"colour\":\"red\",\"gtin\":\"0012345\"}"));
    ck_assert(str_is(p.url, "http://x/1"));
    p = product_of(s, "T-2");
    ck_assert_int_eq(p.price_minor, 500);
    ck_assert_int_eq(p.list_price_minor, STORE_NO_AMOUNT);
    ck_assert_int_eq(p.stock, 0);
    ck_assert(p.category.n == 0); /* a number in a taxonomy that we do not have */
    p = product_of(s, "T-3");
    ck_assert_int_eq(p.price_minor, 199900); /* the sale is over */
    ck_assert(str_is(p.group_id, "G"));
    p = product_of(s, "T-4");
    ck_assert_int_eq(p.price_minor, 1050);
    ck_assert_int_eq(p.list_price_minor, 1999);
}

START_TEST(google_feeds_read_the_same_as_tsv_and_as_rss)
{
    struct shop s;
    shop_init(&s);
    import_sample(
        &s,
        "id\ttitle\tdescription\tlink\timage link\tadditional image link\tprice\tsale price\t"
        "sale price effective date\tavailability\tbrand\tproduct type\tgoogle product category\t"
        "color\tgtin\titem group id\n"
        "T-1\tTea & pot\t<p>Keeps warm.</p>\thttp://x/1\thttp://x/w_3,h_2/a.jpg\t"
        "http://x/c.jpg,http://x/d.jpg\t15.99 GBP\t12.99 GBP\t\t"
        "in stock\tNorthpot\tHome > Kitchen\t8\tred\t0012345\t\n"
        "T-2\tCup\tA cup\thttp://x/2\thttp://x/b.jpg\t\t5 GBP\t\t\tout of stock\t\t\t2169\t\t\t\n"
        "T-3\tUrn\t\t\t\t\t1,999.00 GBP\t999 GBP\t2020-02-24T11:07+0100/2020-02-29T23:07+0100\t"
        "preorder\t\t\t\t\t\tG\n"
        "T-4\tJug\t\t\t\t\t19,99 GBP\t10,50 GBP\t2020-02-24T11:07+0100/2999-02-28T23:07+0100\t"
        "backorder\t\t\t\t\t\tG\n",
        "google-merchant", 4);
    check_google(&s);
    shop_release(&s);
    shop_init(&s);
    import_sample(
        &s,
        "<?xml version='1.0'?><rss xmlns:g='g'><channel><item><g:id>T-1</g:id><title>Tea &amp; "
        "pot</title><description>&lt;p&gt;Keeps "
        "warm.&lt;/p&gt;</description><link>http://x/1</link>"
        "<g:image_link>http://x/w_3,h_2/a.jpg</g:image_link>"
        "<g:additional_image_link>http://x/c.jpg</g:additional_image_link>"
        "<g:additional_image_link>http://x/d.jpg</g:additional_image_link><g:price>15.99 "
        "GBP</g:price>"
        "<g:sale_price>12.99 GBP</g:sale_price><g:availability>in stock</g:availability>"
        "<g:brand>Northpot</g:brand><g:product_type>Home &gt; Kitchen</g:product_type>"
        "<g:color>red</g:color><g:gtin>0012345</g:gtin></item>"
        "<item><g:id>T-2</g:id><title>Cup</title><g:price>5 GBP</g:price>"
        "<g:google_product_category>2169</g:google_product_category>"
        "<g:availability>out_of_stock</g:availability></item>"
        "<item><g:id>T-3</g:id><title>Urn</title><g:price>1999 GBP</g:price>"
        "<g:sale_price>999 GBP</g:sale_price><g:item_group_id>G</g:item_group_id>"
        "<g:sale_price_effective_date>2020-02-24T11:07+0100/2020-02-29T23:07+0100"
        "</g:sale_price_effective_date></item>"
        "<item><g:id>T-4</g:id><title>Jug</title><g:price>19.99 GBP</g:price>"
        "<g:sale_price>10.50 GBP</g:sale_price></item></channel></rss>",
        "google-merchant", 4);
    check_google(&s);
    shop_release(&s);
}
END_TEST

/* --- Shopify ---------------------------------------------------------------------------------- */

#define OLD_HEADER                                                                                 \
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"           \
    "Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory "        \
    "Tracker,"                                                                                     \
    "Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,"       \
    "Variant Barcode,Image Src,Image Position,Image Alt Text,Variant Image,Status\n"
#define NEW_HEADER                                                                                 \
    "URL handle,Title,Description,Vendor,Product category,Type,Tags,Published on online store,"    \
    "Option1 name,Option1 value,Option2 name,Option2 value,SKU,Weight value (grams),"              \
    "Inventory tracker,Inventory quantity,Continue selling when out of stock,Price,"               \
    "Compare-at price,Barcode,Product image URL,Image position,Image alt text,Variant image URL,"  \
    "Status\n"

static const char shopify_rows[] =
    "tee,Cotton tee,\"<ul><li>Soft</li><li>Warm</li></ul>\",Weft,Apparel > Shirts,Shirt,"
    "\"cotton, summer\",true,Size,S,Colour,Red,TEE-S,200,shopify,3,deny,19.90,25.00,'0123,"
    "http://x/2.jpg,2,,,active\n"
    "tee,,,,,,,,,M,,Red,TEE-M,200,shopify,-2,deny,19.90,0.00,,http://x/1.jpg,1,,http://x/m.jpg,\n"
    "tee,,,,,,,,,L,,Red,,200,shopify,0,continue,19.90,,,,,,,\n"
    "tee,,,,,,,,,XL,,,,,,0,deny,,,,,,,,\n"
    "tee,,,,,,,,,,,,,,,,,,,,http://x/4.jpg,4,back,,\n"
    "tee,,,,,,,,,,,,,,,,,,,,http://x/3.jpg,3,side,,\n"
    "tee,,,,,,,,,,,,,,,,,,,,http://x/2.jpg,5,again,,\n"
    "hat,Hat,,Weft,,Hats,,false,Title,Default Title,,,,,shopify,1,deny,9.00,,,http://x/h.jpg,1,,,"
    "active\n"
    "cap,Cap,,Weft,,Hats,,true,Title,Default Title,,,CAP,,shopify,1,deny,9.00,,,,,,,unlisted\n"
    "mug,Mug,,Weft,,Mugs,,,Title,Default Title,,,MUG,,shopify,1,deny,9.00,,,,,,,\n";

static void check_shopify(struct shop *s)
{
    struct product p = product_of(s, "TEE-S");
    ck_assert(str_is(p.title, "Cotton tee") && str_is(p.group_id, "tee"));
    ck_assert(str_is(p.description, "- Soft\n- Warm") && str_is(p.category, "Apparel > Shirts"));
    ck_assert(str_is(p.attributes, "{\"Size\":\"S\",\"Colour\":\"Red\",\"barcode\":\"0123\","
                                   "\"grams\":200}"));
    ck_assert(str_is(p.images, "[\"http://x/1.jpg\",\"http://x/2.jpg\",\"http://x/3.jpg\","
                               "\"http://x/4.jpg\"]"));
    ck_assert_int_eq(p.list_price_minor, 2500);
    ck_assert_int_eq(p.stock, 3);
    p = product_of(s, "TEE-M");
    ck_assert(str_is(p.title, "Cotton tee") && str_is(p.tags, "[\"cotton\",\"summer\"]"));
    ck_assert(str_is(p.images, "[\"http://x/m.jpg\",\"http://x/1.jpg\",\"http://x/2.jpg\","
                               "\"http://x/3.jpg\",\"http://x/4.jpg\"]"));
    ck_assert_int_eq(p.list_price_minor, STORE_NO_AMOUNT); /* 0.00 */
    ck_assert_int_eq(p.stock, 0);                          /* two sold too many */
    p = product_of(s, "tee-L-Red");
    ck_assert_int_eq(p.stock, STORE_STOCK_UNTRACKED); /* sold all the same */
    p = product_of(s, "tee-XL");
    ck_assert_int_eq(p.price_minor, STORE_NO_AMOUNT);
    ck_assert_int_eq(p.stock, STORE_STOCK_UNTRACKED); /* nobody counts */
    p = product_of(s, "hat");
    ck_assert_int_eq(p.status, PRODUCT_INACTIVE);
    ck_assert(p.attributes.n == 0);
    ck_assert_int_eq(product_of(s, "CAP").status, PRODUCT_INACTIVE);
    p = product_of(s, "MUG");
    ck_assert_int_eq(p.status, PRODUCT_ACTIVE);
    ck_assert(p.images.n == 0);
}

START_TEST(a_shopify_export_reads_the_same_with_its_old_and_its_new_column_names)
{
    struct shop s;
    shop_init(&s);
    import_sample(&s, arena_printf(&s.arena, "%s%s", OLD_HEADER, shopify_rows).p, "shopify", 7);
    check_shopify(&s);
    shop_release(&s);
    shop_init(&s);
    import_sample(&s, arena_printf(&s.arena, "%s%s", NEW_HEADER, shopify_rows).p, "shopify", 7);
    check_shopify(&s);
    shop_release(&s);
}
END_TEST

/* Each row of a family in its place, or anywhere: the pictures are the same. */
static const char scattered[] =
    "Handle,Title,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position\n"
    "a,Ape,x,A1,1.00,http://x/a3.jpg,3\n"
    "b,Bee,x,B1,1.00,http://x/b1.jpg,1\n"
    "a,,,,,http://x/a2.jpg,2\n"
    "c,Cow,x,C1,1.00,,\n"
    "b,,,,,http://x/b2.jpg,2\n"
    "a,,,,,http://x/a1.jpg,1\n"
    "c,,,,,http://x/c1.jpg,1\n"
    "a,,,,,http://x/a4.jpg,\n";

static void check_scattered(struct shop *s)
{
    ck_assert(str_is(product_of(s, "A1").images, "[\"http://x/a1.jpg\",\"http://x/a2.jpg\","
                                                 "\"http://x/a3.jpg\",\"http://x/a4.jpg\"]"));
    ck_assert(str_is(product_of(s, "B1").images, "[\"http://x/b1.jpg\",\"http://x/b2.jpg\"]"));
    ck_assert(str_is(product_of(s, "C1").images, "[\"http://x/c1.jpg\"]"));
}

START_TEST(pictures_come_in_order_whatever_the_batches_and_wherever_their_rows_stand)
{
    for (uint32_t rows = 1; rows < 12; rows++) {
        struct shop s;
        struct import_report r;
        struct err err;
        struct import_options o = {
            .kind = IMPORT_PRODUCTS, .mapping = "shopify", .currency = "EUR", .batch_rows = rows};
        shop_init(&s);
        const char *whole = arena_printf(&s.arena, "%s%s", OLD_HEADER, shopify_rows).p;
        for (int round = 0; round < 2; round++) {
            ck_ok(import_text(&s, whole, o, &r, &err));
            check_shopify(&s);
            ck_assert_uint_eq(r.accepted, round == 0 ? 7 : 0);
            ck_ok(import_text(&s, scattered, o, &r, &err));
            check_scattered(&s);
            ck_assert_uint_eq(r.accepted, round == 0 ? 3 : 0);
            ck_assert_uint_eq(r.quarantined, 0);
        }
        shop_release(&s);
    }
}
END_TEST

START_TEST(late_pictures_of_a_pipe_are_refused_because_nobody_knows_their_place)
{
    struct shop s;
    struct import_report r;
    struct err err;
    struct import_options o = {
        .kind = IMPORT_PRODUCTS, .mapping = "shopify", .currency = "EUR", .path = "-"};
    shop_init(&s);
    ck_assert_ptr_nonnull(freopen(write_file(s.dir, "in", str_of(scattered), 1), "r", stdin));
    ck_ok(import_text(&s, NULL, o, &r, &err));
    ck_assert_uint_eq(r.accepted, 3);
    ck_assert_uint_eq(r.by_reason[REASON_REFUSED], 5);
    ck_assert_int_eq(count(&s, "SELECT COUNT(*) FROM quarantine WHERE message LIKE"
                               " '%the rows of ''a'' stand apart%'"),
                     3);
    shop_release(&s);
}
END_TEST

START_TEST(a_full_feed_does_not_take_a_row_of_a_picture_for_a_product)
{
    static const char one[] = "Handle,Title,Option1 Value,Variant SKU,Variant Price,Image Src\n"
                              "a,Ape,x,,1.00,\nb,Bee,x,,1.00,\nc,Cow,x,,1.00,\nd,Dog,x,,1,\n"
                              "e,Eel,Default Title,,1,\n";
    struct shop s;
    struct import_report r;
    struct err err;
    struct import_options o = {
        .kind = IMPORT_PRODUCTS, .mapping = "shopify", .currency = "EUR", .full = true};
    shop_init(&s);
    ck_ok(import_text(&s, one, o, &r, &err));
    ck_assert_uint_eq(r.created, 5);
    struct str two = arena_printf(&s.arena, "%.*se,,,,,http://x/1.jpg\n",
                                  (int)(strstr(one, "e,Eel") - one), one);
    ck_ok(import_text(&s, two.p, o, &r, &err));
    ck_assert_uint_eq(r.deactivated, 1);
    shop_release(&s);
}
END_TEST

/* --- WooCommerce ------------------------------------------------------------------------------ */

static const char woo[] =
    "ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,Visibility in catalog,Description,"
    "Date sale price starts,Date sale price ends,In stock?,Stock,Backorders allowed?,Sale price,"
    "Regular price,Categories,Tags,Images,Parent,Attribute 1 name,Attribute 1 value(s),"
    "Attribute 4 name,Attribute 4 value(s)\n"
    "1,variable,MUG,,Mug,1,visible,\"Fine &amp; big\\n<b>Blue</b>\",,,1,,0,,,"
    "\"Home, Home > Mugs > Big\\, round, Gifts\",gift,\"http://x/1.jpg, http://x/2.jpg\",,Colour,"
    "\"red, blue\",,\n"
    "2,variation,MUG-R,,Mug - red,1,visible,,,,1,7,0,4.50,6,,,http://x/r.jpg,MUG,Colour,red,,\n"
    "3,\"variation, virtual\",,,Mug - blue,1,visible,,,,0,parent,0,,\"6,5\",,,,id:1,Colour,blue,,\n"
    "4,simple,,4006381333931,Spoon,1,visible,,,,backorder,-3,notify,,\"1.002,50\",Home,,,,"
    "Material,\"steel, wood\\, oiled\",Length,12\n"
    "5,\"simple, downloadable\",BOOK,,Book,1,visible,,,2020-01-01 0:00:00,1,,0,3,9,Books,,,,,,,\n"
    "6,simple,SOON,,Soon,1,visible,,2999-01-01 0:00:00,,0,,0,3,9,Books,,,,,,,\n"
    "7,simple,D1,,Draft,'-1,visible,,,,1,,0,,9,,,,,,,,\n"
    "8,simple,D2,,Hidden,1,hidden,,,,1,2.5,0,,9,,,,,,,,\n"
    "9,variable,,,Jar,1,visible,,,,1,,0,,,Jars,,,,,,,\n"
    "10,variation,JAR-1,,Jar - one,1,visible,,,,1,,0,,9,,,,id:9,,,,\n";

START_TEST(a_woocommerce_export_gives_simple_products_and_variations_with_what_their_parent_says)
{
    struct shop s;
    shop_init(&s);
    import_sample(&s, woo, "woocommerce", 10);
    struct product p = product_of(&s, "MUG");
    ck_assert_int_eq(p.status, PRODUCT_INACTIVE);
    ck_assert(str_is(p.category, "Home > Mugs > Big, round"));
    ck_assert(str_is(p.description, "Fine & big Blue"));
    ck_assert(str_is(p.attributes, "{\"Colour\":[\"red\",\"blue\"]}"));
    p = product_of(&s, "MUG-R");
    ck_assert(str_is(p.group_id, "MUG") && str_is(p.category, "Home > Mugs > Big, round"));
    ck_assert(str_is(p.tags, "[\"gift\"]") && str_is(p.images, "[\"http://x/r.jpg\"]"));
    ck_assert(p.price_minor == 450 && p.list_price_minor == 600 && p.stock == 7);
    ck_assert(str_is(p.attributes, "{\"Colour\":\"red\"}"));
    p = product_of(&s, "3");
    ck_assert(str_is(p.group_id, "1") && str_is(p.tags, "[\"gift\"]"));
    ck_assert(str_is(p.images, "[\"http://x/1.jpg\",\"http://x/2.jpg\"]"));
    ck_assert(p.price_minor == 650 && p.stock == 0);
    p = product_of(&s, "4");
    ck_assert(p.price_minor == 100250 && p.stock == STORE_STOCK_UNTRACKED);
    ck_assert(str_is(p.attributes, "{\"gtin\":4006381333931,\"Material\":[\"steel\","
                                   "\"wood, oiled\"],\"Length\":12}"));
    p = product_of(&s, "BOOK"); /* its sale is over */
    ck_assert(p.price_minor == 900 && p.list_price_minor == STORE_NO_AMOUNT);
    ck_assert_int_eq(p.stock, STORE_STOCK_UNTRACKED);
    p = product_of(&s, "SOON"); /* its sale is to come */
    ck_assert(p.price_minor == 900 && p.stock == 0);
    ck_assert_int_eq(product_of(&s, "D1").status, PRODUCT_INACTIVE);
    p = product_of(&s, "D2");
    ck_assert(p.status == PRODUCT_INACTIVE && p.stock == 2);
    p = product_of(&s, "JAR-1");
    ck_assert(str_is(p.category, "Jars") && str_is(p.group_id, "9"));
    shop_release(&s);
}
END_TEST

SUITE("shops", google_feeds_read_the_same_as_tsv_and_as_rss,
      a_shopify_export_reads_the_same_with_its_old_and_its_new_column_names,
      pictures_come_in_order_whatever_the_batches_and_wherever_their_rows_stand,
      late_pictures_of_a_pipe_are_refused_because_nobody_knows_their_place,
      a_full_feed_does_not_take_a_row_of_a_picture_for_a_product,
      a_woocommerce_export_gives_simple_products_and_variations_with_what_their_parent_says)
