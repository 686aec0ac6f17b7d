/* app.tsx - the console: a key at the door, then a frame around one page. */
import { Component, lazy, Suspense, useRef, useState, type ReactNode } from 'react';
import { getShop } from '../api/client';
import { usePageChange } from '../lib/page-change';
import { useLocation } from '../lib/router';
import { localText } from '../lib/texts';
import { useResource } from '../lib/use-resource';
import { LanguageButton, LanguageSelect, ThemeButton, ThemeSelect } from '../shop/preferences';
import { NoticesProvider } from '../state/notices';
import { SettingsProvider, useSettings } from '../state/settings';
import { Button, ButtonLink, IconButton } from '../ui/button';
import { Drawer } from '../ui/drawer';
import { Icon, type IconName } from '../ui/icon';
import { Link } from '../ui/link';
import { Mark } from '../ui/mark';
import { EmptyState, ErrorState, Skeleton } from '../ui/states';
import { LoginPage } from './pages/login';
import { OverviewPage } from './pages/overview';
import { Page } from './parts/page';
import { zoneName } from './parts/times';
import { matchConsole, PAGES, pageUrl, type ExperimentView, type PageName } from './routes';
import { ConsoleProvider, useConsole, useKey } from './session';
import { useTexts } from './texts';

const ModelsPage = lazy(() => import('./pages/models'));
const ModelPage = lazy(() => import('./pages/model'));
const TrainingPage = lazy(() => import('./pages/training'));
const ImportsPage = lazy(() => import('./pages/imports'));
const QuarantinePage = lazy(() => import('./pages/quarantine'));
const PlacementsPage = lazy(() => import('./pages/placements'));
const RulesPage = lazy(() => import('./pages/rules'));
const ExperimentsPage = lazy(() => import('./pages/experiments'));
const ExperimentPage = lazy(() => import('./pages/experiment'));
const ExperimentFormPage = lazy(() => import('./pages/experiment-form'));
const ExperimentPreviewPage = lazy(() => import('./pages/experiment-preview'));
const ReportsPage = lazy(() => import('./pages/reports'));
const SettingsPage = lazy(() => import('./pages/settings'));
const JobsPage = lazy(() => import('./pages/jobs'));
const KeysPage = lazy(() => import('./pages/keys'));

const ICONS: Record<PageName, IconName> = {
  overview: 'home',
  models: 'trend',
  training: 'spark',
  imports: 'upload',
  quarantine: 'filter',
  placements: 'eye',
  rules: 'check',
  experiments: 'split',
  reports: 'bars',
  jobs: 'clock',
  settings: 'gear',
  keys: 'key',
};

function Missing() {
  const { t } = useSettings();
  const c = useTexts();
  return (
    <Page title={t.missing.title}>
      <EmptyState icon="search" title={t.missing.text}>
        <ButtonLink to={pageUrl('overview')} look="primary">
          {c.nav.overview}
        </ButtonLink>
      </EmptyState>
    </Page>
  );
}

function OneExperiment({ id, view }: { id: string; view: ExperimentView }) {
  if (view === 'edit') return <ExperimentFormPage id={id} />;
  return view === 'preview' ? <ExperimentPreviewPage id={id} /> : <ExperimentPage id={id} />;
}

function CurrentPage() {
  const route = matchConsole(useLocation().pathname);
  switch (route.name) {
    case 'overview':
      return <OverviewPage />;
    case 'models':
      return <ModelsPage />;
    case 'model':
      return <ModelPage key={route.version} family={route.family} version={route.version} />;
    case 'training':
      return <TrainingPage />;
    case 'imports':
      return <ImportsPage />;
    case 'quarantine':
      return <QuarantinePage />;
    case 'placements':
      return <PlacementsPage />;
    case 'rules':
      return <RulesPage />;
    case 'experiments':
      return <ExperimentsPage />;
    case 'new-experiment':
      return <ExperimentFormPage id={null} />;
    case 'experiment':
      return <OneExperiment key={route.id} id={route.id} view={route.view} />;
    case 'reports':
      return <ReportsPage />;
    case 'settings':
      return <SettingsPage />;
    case 'jobs':
      return <JobsPage />;
    case 'keys':
      return <KeysPage />;
    case 'missing':
      return <Missing />;
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

/** A page that fails takes down neither the frame nor the pages after it. */
class Guard extends Component<{ page: string; children: ReactNode }, { failedOn: string | null }> {
  override state = { failedOn: null as string | null };

  static getDerivedStateFromError() {
    return { failedOn: location.pathname };
  }

  override render() {
    return this.state.failedOn === this.props.page ? <Crashed /> : this.props.children;
  }
}

function PageLinks({ follow }: { follow?: () => void }) {
  const c = useTexts();
  const route = matchConsole(useLocation().pathname);
  const above: Record<string, PageName> = {
    model: 'models',
    experiment: 'experiments',
    'new-experiment': 'experiments',
  };
  const current = above[route.name] ?? route.name;
  return (
    <ul className="pages">
      {PAGES.map((name) => (
        <li key={name}>
          <Link
            to={pageUrl(name)}
            aria-current={name === current ? 'page' : undefined}
            onClick={follow}
          >
            <Icon name={ICONS[name]} />
            {c.nav[name]}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function MenuButton() {
  const c = useTexts();
  const { logOut } = useConsole();
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <IconButton className="narrow-only" label={c.menu} onClick={() => setOpen(true)}>
        <Icon name="menu" />
      </IconButton>
      <Drawer open={open} onClose={close} title={c.title}>
        <nav aria-label={c.pages}>
          <PageLinks follow={close} />
        </nav>
        <div className="menu-settings">
          <LanguageSelect />
          <ThemeSelect />
          <a href="/">{c.toShop}</a>
          <Button onClick={logOut}>{c.logOut}</Button>
        </div>
      </Drawer>
    </>
  );
}

function Head() {
  const c = useTexts();
  const { lang } = useSettings();
  const { shop, logOut } = useConsole();
  return (
    <header className="console-head">
      <Link to={pageUrl('overview')} className="brand">
        <Mark />
        <span>{localText(shop.name, lang) || 'Aisle'}</span>
        <span className="brand-part">{c.title}</span>
      </Link>
      <div className="console-tools">
        <a className="text-link wide-only" href="/">
          {c.toShop}
        </a>
        <LanguageButton />
        <ThemeButton />
        <Button className="wide-only" onClick={logOut}>
          {c.logOut}
        </Button>
        <MenuButton />
      </div>
    </header>
  );
}

function Frame() {
  const { t } = useSettings();
  const c = useTexts();
  const { shop } = useConsole();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  usePageChange(main);
  return (
    <>
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
      <Head />
      <div className="console-body">
        <nav className="console-nav wide-only" aria-label={c.pages}>
          <PageLinks />
          <p className="fine">{c.zone(zoneName())}</p>
        </nav>
        <main id="main" ref={main} tabIndex={-1}>
          {shop.read_only && <p className="stale">{c.readOnly}</p>}
          <Guard page={pathname}>
            <Suspense fallback={<Skeleton shape="block" />}>
              <CurrentPage />
            </Suspense>
          </Guard>
        </main>
      </div>
    </>
  );
}

function Opening() {
  const { t } = useSettings();
  const session = useKey();
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
  if (session.key === null) return <LoginPage shop={shop.data} session={session} />;
  return (
    <ConsoleProvider shop={shop.data} sessionKey={session.key} end={session.end}>
      <Frame />
    </ConsoleProvider>
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
