import { ApiError } from '../api/client';
import type { Messages } from '../i18n/en';

/** One line for people about why something failed. */
export function errorText(error: unknown, t: Messages): string {
  if (!(error instanceof ApiError)) return t.errors.unknown;
  if (error.code === 'offline') return t.errors.offline;
  if (error.code === 'busy') return t.errors.busy;
  return error.status >= 500 && error.status !== 503 ? t.errors.unknown : error.message;
}
