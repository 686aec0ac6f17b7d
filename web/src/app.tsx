import { Component, lazy, Suspense, useRef, type ReactNode } from 'react';
import { getShop } from './api/client';
import { usePageChange } from './lib/page-change';
import { matchRoute, useLocation } from './lib/router';
import { useResource } from './lib/use-resource';
import { HomePage } from './pages/home';
import { ProductPage } from './pages/product';
import { SearchPage } from './pages/search';
import { Footer } from './shop/footer';
import { Header } from './shop/header';
import { usePageTitle } from './shop/page';
import { CartProvider } from './state/cart';
import { CategoriesProvider } from './state/categories';
import { NoticesProvider } from './state/notices';
import { SessionProvider, useSession } from './state/session';
import { SettingsProvider, useSettings } from './state/settings';
import { Button, ButtonLink } from './ui/button';
import { EmptyState, ErrorState, Skeleton } from './ui/states';

/* What most visits do not need is loaded when it is. */
const CartPage = lazy(() => import('./pages/cart'));
const CheckoutPage = lazy(() => import('./pages/checkout'));
const OrdersPage = lazy(() => import('./pages/orders'));
const OrderPage = lazy(() => import('./pages/order'));
const AccountPage = lazy(() => import('./pages/account'));

function MissingPage() {
  const { t } = useSettings();
  usePageTitle(t.missing.title);
  return (
    <EmptyState icon="search" heading={1} title={t.missing.title} text={t.missing.text}>
      <ButtonLink to="/" look="primary">
        {t.missing.back}
      </ButtonLink>
    </EmptyState>
  );
}

function Page() {
  const route = matchRoute(useLocation().pathname);
  switch (route.name) {
    case 'home':
      return <HomePage />;
    case 'search':
      return <SearchPage />;
    case 'category':
      return <SearchPage key={route.path} category={route.path} />;
    case 'product':
      return <ProductPage id={route.id} />;
    case 'cart':
      return <CartPage />;
    case 'checkout':
      return <CheckoutPage />;
    case 'orders':
      return <OrdersPage />;
    case 'order':
      return <OrderPage id={route.id} />;
    case 'account':
      return <AccountPage />;
    case 'missing':
      return <MissingPage />;
  }
}

function Crashed() {
  const { t } = useSettings();
  return (
    <div role="alert">
      <EmptyState icon="alert" heading={1} title={t.errors.crashed}>
        <Button look="primary" onClick={() => location.reload()}>
          {t.errors.reload}
        </Button>
      </EmptyState>
    </div>
  );
}

/** A page that fails takes down neither the header nor the pages after it. */
class Guard extends Component<{ page: string; children: ReactNode }, { failedOn: string | null }> {
  override state = { failedOn: null as string | null };

  static getDerivedStateFromError() {
    return { failedOn: location.pathname };
  }

  override render() {
    return this.state.failedOn === this.props.page ? <Crashed /> : this.props.children;
  }
}

function Frame() {
  const { t } = useSettings();
  const { identity } = useSession();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  usePageChange(main);
  const shopper = identity.shopper?.userId ?? identity.anonymousId;
  return (
    <CartProvider key={shopper}>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t.skip}
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        <Guard page={pathname}>
          <Suspense fallback={<Skeleton shape="block" />}>
            <Page />
          </Suspense>
        </Guard>
      </main>
      <Footer />
    </CartProvider>
  );
}

function Opening() {
  const { t } = useSettings();
  const shop = useResource('shop', getShop);
  if (shop.error !== null) {
    return (
      <main className="opening">
        <ErrorState error={shop.error} retry={shop.reload} heading={1} />
      </main>
    );
  }
  if (!shop.data) {
    return (
      <main className="opening" aria-busy="true">
        <span className="sr-only">{t.loading}</span>
      </main>
    );
  }
  return (
    <SessionProvider shop={shop.data}>
      <CategoriesProvider>
        <Frame />
      </CategoriesProvider>
    </SessionProvider>
  );
}

export function App() {
  return (
    <SettingsProvider>
      <NoticesProvider>
        <Opening />
      </NoticesProvider>
    </SettingsProvider>
  );
}
