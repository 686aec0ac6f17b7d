/* impressions.ts - a card counts as seen once half of it has been on the screen for a second. */

const VISIBLE_SHARE = 0.5;
const VISIBLE_MS = 1000;

interface Watched {
  seen: () => void;
  timer?: ReturnType<typeof setTimeout>;
}

const watched = new Map<Element, Watched>();
let observer: IntersectionObserver | null = null;

function update(entries: IntersectionObserverEntry[]): void {
  for (const { target, intersectionRatio } of entries) {
    const item = watched.get(target);
    if (!item) continue;
    clearTimeout(item.timer);
    if (intersectionRatio < VISIBLE_SHARE) continue;
    item.timer = setTimeout(() => {
      unwatch(target);
      item.seen();
    }, VISIBLE_MS);
  }
}

function unwatch(element: Element): void {
  clearTimeout(watched.get(element)?.timer);
  watched.delete(element);
  observer?.unobserve(element);
}

/** Calls `seen` once when the element has been looked at; returns how to stop watching. */
export function watchImpression(element: Element, seen: () => void): () => void {
  observer ??= new IntersectionObserver(update, { threshold: [0, VISIBLE_SHARE] });
  watched.set(element, { seen });
  observer.observe(element);
  return () => unwatch(element);
}
