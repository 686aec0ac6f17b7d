import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Link } from '../ui/link';

export function Footer() {
  const { t } = useSettings();
  const { shop } = useSession();
  return (
    <footer className="site-foot">
      <div>
        <p>{t.footer.about}</p>
        {shop.demo && <p>{t.footer.demo}</p>}
      </div>
      <ul>
        <li>
          <Link to="/orders">{t.orders.title}</Link>
        </li>
        <li>
          <Link to="/account">{t.account.title}</Link>
        </li>
        <li>{t.footer.version(shop.version)}</li>
      </ul>
    </footer>
  );
}
