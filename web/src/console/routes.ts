/* routes.ts - the pages of the console, all below /console. */

export const PAGES = [
  'overview',
  'models',
  'training',
  'imports',
  'quarantine',
  'placements',
  'rules',
  'experiments',
  'reports',
  'jobs',
  'settings',
  'keys',
] as const;
export type PageName = (typeof PAGES)[number];

/** What a page about one experiment shows. */
export type ExperimentView = 'results' | 'edit' | 'preview';

export type ConsoleRoute =
  | { name: PageName }
  | { name: 'model'; family: string; version: string }
  | { name: 'new-experiment' }
  | { name: 'experiment'; id: string; view: ExperimentView }
  | { name: 'missing' };

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

export function matchConsole(pathname: string): ConsoleRoute {
  const [root, head, ...rest] = pathname.split('/').filter(Boolean);
  if (root !== 'console') return { name: 'missing' };
  if (head === undefined) return { name: 'overview' };
  if (head === 'models' && rest.length === 2) {
    const [family, version] = rest.map(decode);
    return family && version ? { name: 'model', family, version } : { name: 'missing' };
  }
  if (head === 'experiments' && (rest.length === 1 || rest.length === 2)) {
    const id = decode(rest[0]!);
    const view = (['edit', 'preview'] as const).find((name) => name === rest[1]);
    if (!id || (rest.length === 2 && !view)) return { name: 'missing' };
    return { name: 'experiment', id, view: view ?? 'results' };
  }
  if (head === 'new-experiment' && rest.length === 0) return { name: 'new-experiment' };
  const page = PAGES.find((name) => name === head && name !== 'overview');
  return page && rest.length === 0 ? { name: page } : { name: 'missing' };
}

export const pageUrl = (name: PageName) => (name === 'overview' ? '/console' : `/console/${name}`);

export const modelUrl = (family: string, version: string) =>
  `/console/models/${encodeURIComponent(family)}/${encodeURIComponent(version)}`;

export const experimentUrl = (id: string, view: ExperimentView = 'results') =>
  `/console/experiments/${encodeURIComponent(id)}${view === 'results' ? '' : `/${view}`}`;

/** A new one, as like another as it may be. */
export const newExperimentUrl = (like?: string) =>
  `/console/new-experiment${like === undefined ? '' : `?like=${encodeURIComponent(like)}`}`;
