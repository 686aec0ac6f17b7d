import { useSettings } from '../state/settings';
import { Icon } from './icon';
import { Link } from './link';

/** The page numbers to offer: the ends, the current one and its neighbours; null is a gap. */
export function pageNumbers(page: number, pages: number): (number | null)[] {
  const wanted = [1, page - 1, page, page + 1, pages].filter((n) => n >= 1 && n <= pages);
  const shown = [...new Set(wanted)].sort((a, b) => a - b);
  return shown.flatMap((n, i) => {
    const gap = i > 0 ? n - shown[i - 1]! : 1;
    if (gap === 1) return [n];
    return gap === 2 ? [n - 1, n] : [null, n];
  });
}

export function Pagination(props: { page: number; pages: number; url: (page: number) => string }) {
  const { t } = useSettings();
  const { page, pages, url } = props;
  if (pages <= 1) return null;
  return (
    <nav className="pagination" aria-label={t.pages.label}>
      {page > 1 && (
        <Link to={url(page - 1)} rel="prev" aria-label={t.pages.previous}>
          <Icon name="left" />
        </Link>
      )}
      <ol>
        {pageNumbers(page, pages).map((n, i) => (
          <li key={n ?? `gap${i}`}>
            {n === null ? (
              <span aria-hidden="true">…</span>
            ) : (
              <Link
                to={url(n)}
                aria-label={t.pages.page(n)}
                aria-current={n === page ? 'page' : undefined}
              >
                {n}
              </Link>
            )}
          </li>
        ))}
      </ol>
      {page < pages && (
        <Link to={url(page + 1)} rel="next" aria-label={t.pages.next}>
          <Icon name="right" />
        </Link>
      )}
    </nav>
  );
}
