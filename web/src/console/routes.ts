/* routes.ts - the pages of the console, all below /console. */

export const PAGES = [
  'overview',
  'models',
  'training',
  'imports',
  'quarantine',
  'placements',
  'rules',
  'jobs',
  'keys',
] as const;
export type PageName = (typeof PAGES)[number];

export type ConsoleRoute =
  { name: PageName } | { name: 'model'; family: string; version: string } | { name: 'missing' };

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
  const page = PAGES.find((name) => name === head && name !== 'overview');
  return page && rest.length === 0 ? { name: page } : { name: 'missing' };
}

export const pageUrl = (name: PageName) => (name === 'overview' ? '/console' : `/console/${name}`);

export const modelUrl = (family: string, version: string) =>
  `/console/models/${encodeURIComponent(family)}/${encodeURIComponent(version)}`;
