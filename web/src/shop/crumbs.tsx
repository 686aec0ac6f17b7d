import { categoryUrl } from '../lib/router';
import { localText } from '../lib/texts';
import { pathSteps, useCategories } from '../state/categories';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Link } from '../ui/link';

/** The way from the home page to a category; with `whole`, the last step is a link as well. */
export function Crumbs({ path, whole = false }: { path: string; whole?: boolean }) {
  const { t, lang } = useSettings();
  const { shop } = useSession();
  const { label } = useCategories();
  const steps = pathSteps(path);
  return (
    <nav className="crumbs" aria-label={t.product.breadcrumbs}>
      <ol>
        <li>
          <Link to="/">{localText(shop.name, lang) || t.home}</Link>
        </li>
        {steps.map((step, i) => (
          <li key={step}>
            {whole || i < steps.length - 1 ? (
              <Link to={categoryUrl(step)}>{label(step)}</Link>
            ) : (
              <span aria-current="page">{label(step)}</span>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
