import type { RecommendedRows } from '../api/types';
import { categoryUrl } from '../lib/router';
import type { Resource } from '../lib/use-resource';
import { useCategories } from '../state/categories';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { ButtonLink } from '../ui/button';
import { Link } from '../ui/link';
import { ErrorState } from '../ui/states';
import { ProductCard } from '../shop/product-card';
import { CardSkeletons, Row, SHELF_SIZE, useRows } from '../shop/shelf';
import { useShopperName } from '../shop/shopper';
import { usePageTitle } from '../shop/page';

const WINDOW_SIZE = 3;

interface PicksProps {
  list: Resource<RecommendedRows>;
}

/** The welcome, with the first picks in the shop window and the rest on the shelf below. */
function Picks({ list }: PicksProps) {
  const { t } = useSettings();
  const { identity } = useSession();
  const name = useShopperName();
  const first = list.data?.rows[0];
  const items = list.data ? (first?.items ?? []) : null;
  const personal = list.data ? first?.code === 'for_you' : identity.shopper !== null;
  const requestId = list.data?.request_id;
  const known = identity.shopper !== null;

  return (
    <>
      <section className="hero">
        <div className="hero-text">
          <p className="eyebrow">{known ? t.hero.shopper(name) : t.hero.guest}</p>
          <h1>{known ? t.hero.title : t.hero.titleGuest}</h1>
          <p className="lead">{t.hero.text}</p>
          <ButtonLink to="/search" look="primary">
            {t.hero.browse}
          </ButtonLink>
        </div>
        {list.error === null && (
          <div className="hero-window">
            <h2 className="hero-sign">{personal ? t.hero.pick : t.hero.pickGuest}</h2>
            <ul>
              {items === null ? (
                <CardSkeletons count={WINDOW_SIZE} />
              ) : (
                items.slice(0, WINDOW_SIZE).map((card, i) => (
                  <li key={card.id}>
                    <ProductCard
                      card={card}
                      reason={card.reason}
                      origin={{ requestId, position: i + 1 }}
                      eager
                    />
                  </li>
                ))
              )}
            </ul>
          </div>
        )}
      </section>
      <Row
        title={personal ? t.rows.forYou : t.rows.popular}
        text={personal ? t.rows.forYouText : t.rows.popularText}
        items={items?.slice(WINDOW_SIZE) ?? null}
        offset={WINDOW_SIZE}
        requestId={requestId}
        error={list.error}
        retry={list.reload}
      />
    </>
  );
}

/** The departments as the signs that hang over the aisles of a shop. */
function Departments() {
  const { t, number } = useSettings();
  const { departments, error, loading, reload } = useCategories();
  if (error !== null) return <ErrorState error={error} retry={reload} />;
  if (!loading && departments.length === 0) return null;
  return (
    <section className="signs" aria-labelledby="departments">
      <h2 id="departments">{t.departments}</h2>
      <ul aria-busy={loading}>
        {departments.map(({ path, label, products }, i) => (
          <li key={path}>
            <Link to={categoryUrl(path)} className="sign">
              <span className="sign-number" aria-hidden="true">
                {number(i + 1)}
              </span>
              <span className="sign-label">{label}</span>
              <span className="sign-count">{t.search.inStock(products)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function HomePage() {
  const { t } = useSettings();
  const list = useRows({ page: 'home', limit: SHELF_SIZE + WINDOW_SIZE });
  usePageTitle(t.home);
  return (
    <>
      <Picks list={list} />
      <Departments />
      {list.data?.rows.slice(1).map(({ code, title, items }, i) => (
        <Row
          key={`${code}/${i}`}
          title={title}
          items={items}
          requestId={list.data?.request_id}
          retry={list.reload}
        />
      ))}
    </>
  );
}
