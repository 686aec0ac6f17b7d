/* address.ts - what a delivery address must be, so that a parcel can arrive. */
import type { Address } from '../api/types';
import type { Messages } from '../i18n/en';

export type AddressErrors = Partial<Record<keyof Address, string>>;

export const ADDRESS_FIELDS = [
  'name',
  'phone',
  'country',
  'region',
  'city',
  'postcode',
  'street',
] as const satisfies readonly (keyof Address)[];

/** ISO 3166 codes; their names come from the browser, in the shopper's language. */
export const COUNTRIES =
  'CN HK MO TW SG MY JP KR AU NZ CA US GB IE DE AT CH FR BE NL LU ES PT IT DK SE NO FI PL CZ'.split(
    ' ',
  );

const MAX_LENGTH = 120;

export function emptyAddress(country: string): Address {
  return { name: '', phone: '', country, region: '', city: '', street: '', postcode: '' };
}

function fieldError(field: keyof Address, value: string, t: Messages): string | undefined {
  const text = t.checkout;
  if (value === '') return field === 'region' ? undefined : text.required(text[field]);
  if (value.length > MAX_LENGTH) return text.tooLong(MAX_LENGTH);
  if (field === 'phone') {
    const digits = value.replace(/[\s()+.-]/g, '');
    if (!/^\d{5,20}$/.test(digits)) return text.phoneInvalid;
  }
  if (field === 'postcode' && !/^[a-z0-9][a-z0-9 -]{1,8}[a-z0-9]$/i.test(value)) {
    return text.postcodeInvalid;
  }
  return undefined;
}

/** The address as it is sent: full-width letters and digits made plain, spaces trimmed. */
export function tidyAddress(address: Address): Address {
  const tidy = { ...address };
  for (const field of ADDRESS_FIELDS) tidy[field] = address[field].normalize('NFKC').trim();
  return tidy;
}

export function checkAddress(address: Address, t: Messages): AddressErrors {
  const tidy = tidyAddress(address);
  const errors: AddressErrors = {};
  for (const field of ADDRESS_FIELDS) {
    const error = fieldError(field, tidy[field], t);
    if (error) errors[field] = error;
  }
  return errors;
}
