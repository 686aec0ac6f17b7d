import { useState, type ReactNode } from 'react';
import { categoryUrl, useLocation } from '../lib/router';
import { useCart } from '../state/cart';
import { useCategories } from '../state/categories';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { IconButton } from '../ui/button';
import { Drawer } from '../ui/drawer';
import { Icon } from '../ui/icon';
import { Link } from '../ui/link';
import { Mark } from '../ui/mark';
import { LanguageButton, LanguageSelect, ThemeButton, ThemeSelect } from './preferences';
import { SearchBox } from './search-box';
import { ShopperButton } from './shopper';
import { localText } from '../lib/texts';

function CartLink() {
  const { t } = useSettings();
  const { count } = useCart();
  return (
    <Link to="/cart" className="icon-button cart-link" aria-label={t.cart.open(count)}>
      <Icon name="cart" />
      {count > 0 && <span className="cart-count">{count > 99 ? '99+' : count}</span>}
    </Link>
  );
}

function DepartmentLinks({ onFollow }: { onFollow?: () => void }) {
  const { departments } = useCategories();
  const { pathname } = useLocation();
  return (
    <ul>
      {departments.map(({ path, label }) => (
        <li key={path}>
          <Link
            to={categoryUrl(path)}
            aria-current={pathname === categoryUrl(path) ? 'page' : undefined}
            onClick={onFollow}
          >
            {label}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function MenuButton() {
  const { t } = useSettings();
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <IconButton className="narrow-only" label={t.menu} onClick={() => setOpen(true)}>
        <Icon name="menu" />
      </IconButton>
      <Drawer open={open} onClose={close} title={t.menu}>
        <nav className="menu-departments" aria-label={t.departments}>
          <h3>{t.departments}</h3>
          <DepartmentLinks onFollow={close} />
        </nav>
        <div className="menu-settings">
          <LanguageSelect />
          <ThemeSelect />
        </div>
      </Drawer>
    </>
  );
}

export function Header(): ReactNode {
  const { t, lang } = useSettings();
  const { shop } = useSession();
  return (
    <header className="site-head">
      <div className="site-bar">
        <Link to="/" className="brand">
          <Mark />
          <span>{localText(shop.name, lang) || 'Aisle'}</span>
        </Link>
        <SearchBox />
        <div className="site-tools">
          <LanguageButton />
          <ThemeButton />
          <ShopperButton />
          <CartLink />
          <MenuButton />
        </div>
      </div>
      <nav className="department-bar wide-only" aria-label={t.departments}>
        <DepartmentLinks />
      </nav>
      {shop.read_only && <p className="banner">{t.readOnly}</p>}
    </header>
  );
}
