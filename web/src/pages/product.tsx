import { useEffect, useState } from 'react';
import { ApiError } from '../api/client';
import type { AttributeValue, Product } from '../api/types';
import { productUrl, useLocation } from '../lib/router';
import { useResource } from '../lib/use-resource';
import { variantLabels } from '../lib/variants';
import { Crumbs } from '../shop/crumbs';
import { attributeTitle } from '../shop/facets';
import { usePageTitle } from '../shop/page';
import { Rows, Shelf } from '../shop/shelf';
import { useCart } from '../state/cart';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Button, ButtonLink } from '../ui/button';
import { Quantity } from '../ui/forms';
import { Link } from '../ui/link';
import { Picture, Price, Rating } from '../ui/product-bits';
import { EmptyState, ErrorState, Skeleton } from '../ui/states';

const FEW = 5;

function Gallery({ product }: { product: Product }) {
  const { t } = useSettings();
  const [at, setAt] = useState(0);
  const { images, title } = product;
  return (
    <div className="gallery">
      <div className="gallery-main">
        <Picture src={images[at]} alt={title} eager />
      </div>
      {images.length > 1 && (
        <ul className="gallery-thumbs" aria-label={t.product.pictures}>
          {images.map((image, i) => (
            <li key={image}>
              <button
                type="button"
                aria-label={t.product.picture(i + 1, images.length)}
                aria-pressed={i === at}
                onClick={() => setAt(i)}
              >
                <Picture src={image} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Variants({ product }: { product: Product }) {
  const { t } = useSettings();
  const others = product.variants.filter(({ id }) => id !== product.id);
  if (others.length === 0) return null;
  /* In one order on every page of the group, whichever of them is open. */
  const self = { ...product, image: product.images[0] ?? null };
  const variants = [self, ...others].sort((a, b) => (a.id < b.id ? -1 : 1));
  const labels = variantLabels(variants.map((variant) => variant.title));
  return (
    <nav className="variants" aria-label={t.product.variants}>
      <p className="label">{t.product.variants}</p>
      <ul>
        {variants.map((variant, i) => (
          <li key={variant.id}>
            <Link
              to={productUrl(variant.id)}
              replace
              className="variant"
              aria-current={variant.id === product.id ? 'true' : undefined}
              data-out={variant.in_stock ? undefined : ''}
            >
              <Picture src={variant.image} />
              <span>{labels[i]}</span>
              {!variant.in_stock && <span className="sr-only">{t.product.soldOut}</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Stock({ product }: { product: Product }) {
  const { t } = useSettings();
  const { stock, in_stock } = product;
  if (!in_stock) {
    return (
      <p className="stock" data-level="none">
        {t.product.soldOut}
      </p>
    );
  }
  const few = stock !== null && stock <= FEW;
  return (
    <p className="stock" data-level={few ? 'few' : 'good'}>
      {few ? t.product.fewLeft(stock) : t.product.inStock}
    </p>
  );
}

function Purchase({ product }: { product: Product }) {
  const { t } = useSettings();
  const { add } = useCart();
  const { origin } = useLocation();
  const [quantity, setQuantity] = useState(1);
  const [busy, setBusy] = useState(false);
  if (!product.in_stock || product.price === null) return null;
  const buy = async () => {
    setBusy(true);
    await add(product, quantity, origin);
    setBusy(false);
  };
  return (
    <div className="purchase">
      <Quantity
        label={t.product.quantity}
        value={quantity}
        max={product.stock}
        onChange={setQuantity}
      />
      <Button look="primary" busy={busy} onClick={() => void buy()}>
        {t.product.add}
      </Button>
    </div>
  );
}

function attributeText(value: AttributeValue, yes: string, no: string): string {
  if (Array.isArray(value)) return value.map((item) => attributeText(item, yes, no)).join(', ');
  if (typeof value === 'boolean') return value ? yes : no;
  return String(value ?? '');
}

function Details({ product }: { product: Product }) {
  const { t } = useSettings();
  const attributes = Object.entries(product.attributes ?? {});
  return (
    <div className="product-details">
      {product.description && (
        <section aria-labelledby="about">
          <h2 id="about">{t.product.description}</h2>
          {product.description.split(/\n+/).map((paragraph, i) => (
            <p key={i}>{paragraph}</p>
          ))}
        </section>
      )}
      <section aria-labelledby="details">
        <h2 id="details">{t.product.attributes}</h2>
        <table className="attributes">
          <tbody>
            {attributes.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{attributeTitle(name, t.attributeNames)}</th>
                <td>{attributeText(value, t.yes, t.no)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">{t.product.number}</th>
              <td className="code">{product.id}</td>
            </tr>
          </tbody>
        </table>
      </section>
    </div>
  );
}

function ProductSkeleton() {
  const { t } = useSettings();
  return (
    <div className="product" aria-busy="true">
      <span className="sr-only">{t.loading}</span>
      <div className="gallery-main">
        <Skeleton shape="picture" />
      </div>
      <div className="product-main">
        <Skeleton />
        <Skeleton shape="title" />
        <Skeleton />
        <Skeleton shape="block" />
      </div>
    </div>
  );
}

function MissingProduct({ id }: { id: string }) {
  const { t } = useSettings();
  usePageTitle(t.product.missing);
  return (
    <>
      <EmptyState icon="box" heading={1} title={t.product.missing} text={t.product.missingText}>
        <ButtonLink to="/search">{t.hero.browse}</ButtonLink>
      </EmptyState>
      <Shelf title={t.rows.instead} query={{ placement: 'trending', exclude: [id] }} optional />
    </>
  );
}

export function ProductPage({ id }: { id: string }) {
  const { api, track } = useSession();
  const { origin, key } = useLocation();
  const resource = useResource(`product/${api.scope}/${id}`, (signal) => api.product(id, signal));
  const product = resource.data;
  const viewed = product?.id;
  usePageTitle(product?.title);

  useEffect(() => {
    if (!viewed) return;
    track('view', { product_id: viewed, request_id: origin.requestId, position: origin.position });
    // One view for each visit of the page, whoever shops and however the texts change.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [viewed, key]);

  if (resource.error instanceof ApiError && resource.error.status === 404) {
    return <MissingProduct id={id} />;
  }
  if (resource.error !== null) {
    return <ErrorState error={resource.error} retry={resource.reload} heading={1} />;
  }
  if (!product) return <ProductSkeleton />;
  return (
    <>
      {product.category && <Crumbs path={product.category} whole />}
      <article className="product">
        <Gallery key={product.id} product={product} />
        <div className="product-main">
          {product.brand && (
            <Link className="product-brand" to={`/search?q=${encodeURIComponent(product.brand)}`}>
              {product.brand}
            </Link>
          )}
          <h1>{product.title}</h1>
          <Rating rating={product.rating} />
          <p className="product-price">
            <Price
              price={product.price}
              listPrice={product.list_price}
              currency={product.currency}
              large
            />
          </p>
          <Variants product={product} />
          <Stock product={product} />
          <Purchase key={product.id} product={product} />
          <Details product={product} />
        </div>
      </article>
      <Rows query={{ page: 'product', product_id: product.id }} />
    </>
  );
}
