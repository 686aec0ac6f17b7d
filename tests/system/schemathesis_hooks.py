"""What schemathesis cannot know of itself: how lines of JSON are made and sent. See test_schemathesis.py."""

import json

import schemathesis
from hypothesis import strategies as st

NDJSON = "application/x-ndjson"
WORDS = st.text(max_size=20)

products = st.fixed_dictionaries({}, optional={
    "id": WORDS, "title": WORDS, "brand": WORDS | st.none(), "price": st.integers() | st.floats(),
    "currency": st.sampled_from(["EUR", "JPY", "AAA", ""]), "stock": st.integers(-1, 10) | st.none(),
    "tags": st.lists(WORDS, max_size=3), "attributes": st.dictionaries(WORDS, WORDS, max_size=3)})
lines = st.lists(products.map(json.dumps) | WORDS, max_size=20).map("\n".join)

schemathesis.openapi.media_type(NDJSON, lines.map(lambda text: text.encode(errors="surrogatepass")))


@schemathesis.serializer(NDJSON)
def send_lines(_context, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@schemathesis.hook
def filter_query(_context, query):
    """An empty value is as good as none (docs/http-api.md), so it breaks no schema: such a request proves nothing."""
    return not query or "" not in query.values()
