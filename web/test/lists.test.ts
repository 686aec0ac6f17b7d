import { describe, expect, it } from 'vitest';
import { checkAddress, emptyAddress, tidyAddress } from '../src/lib/address';
import { variantLabels } from '../src/lib/variants';
import type { AttributeValue } from '../src/api/types';
import { en } from '../src/i18n/en';
import { zh } from '../src/i18n/zh';
import { pageNumbers } from '../src/ui/pagination';
import { withQuantity } from '../src/state/cart';
import { commonAttributes } from '../src/shop/found';

describe('variantLabels', () => {
  it('names only what differs', () => {
    expect(variantLabels(['Enamel kettle 1.5 l, red', 'Enamel kettle 1.5 l, blue'])).toEqual([
      'red',
      'blue',
    ]);
    expect(variantLabels(['搪瓷水壶 1.5升 红色', '搪瓷水壶 1.5升 蓝色'])).toEqual(['红色', '蓝色']);
    expect(variantLabels(['Coat S red', 'Coat M red'])).toEqual(['S', 'M']);
    expect(variantLabels(['Game 2-4 players', 'Game 3-6 players'])).toEqual([
      '2-4 players',
      '3-6 players',
    ]);
  });

  it('falls back to the title where nothing is left', () => {
    expect(variantLabels(['Coat', 'Coat red'])).toEqual(['Coat', 'red']);
    expect(variantLabels(['Coat', 'Coat'])).toEqual(['Coat', 'Coat']);
  });
});

describe('pageNumbers', () => {
  it('shows the ends and the neighbours, and fills a gap of one', () => {
    expect(pageNumbers(1, 1)).toEqual([1]);
    expect(pageNumbers(1, 4)).toEqual([1, 2, 3, 4]);
    expect(pageNumbers(5, 9)).toEqual([1, null, 4, 5, 6, null, 9]);
    expect(pageNumbers(3, 20)).toEqual([1, 2, 3, 4, null, 20]);
  });
});

describe('withQuantity', () => {
  const lines = [
    { product_id: 'a', quantity: 1 },
    { product_id: 'b', quantity: 2 },
  ];

  it('changes, adds and removes one line and leaves the order alone', () => {
    expect(withQuantity(lines, 'a', (n) => n + 2)[0]).toEqual({ product_id: 'a', quantity: 3 });
    expect(withQuantity(lines, 'c', (n) => n + 1).map((l) => l.product_id)).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(withQuantity(lines, 'a', () => 0)).toEqual([{ product_id: 'b', quantity: 2 }]);
    expect(withQuantity(lines, 'c', () => 0)).toEqual(lines);
    expect(withQuantity(lines, 'a', () => 1e6)[0]!.quantity).toBe(99);
  });
});

describe('checkAddress', () => {
  const good = {
    name: '林月',
    phone: '+86 (10) 1234-5678',
    country: 'CN',
    region: '',
    city: '北京',
    street: '长安街 1 号',
    postcode: '１０００００',
  };

  it('takes an address as people write it', () => {
    expect(checkAddress(good, en)).toEqual({});
    expect(tidyAddress(good).postcode).toBe('100000');
  });

  it('names every field that is missing or wrong', () => {
    expect(Object.keys(checkAddress(emptyAddress('CN'), zh))).toEqual([
      'name',
      'phone',
      'city',
      'postcode',
      'street',
    ]);
    expect(checkAddress({ ...good, phone: 'call me' }, en).phone).toBe(en.checkout.phoneInvalid);
    expect(checkAddress({ ...good, postcode: '#' }, en).postcode).toBe(en.checkout.postcodeInvalid);
    expect(checkAddress({ ...good, street: 'x'.repeat(121) }, en).street).toBeDefined();
  });
});

it('commonAttributes offers attributes with words, the most frequent first', () => {
  const products: { attributes: Record<string, AttributeValue> }[] = [
    { attributes: { color: 'red', capacity_ml: 100 } },
    { attributes: { color: 'blue', material: ['wood', 'steel'] } },
    { attributes: { color: 'red', material: 'wood', fits: true } },
  ];
  expect(commonAttributes(products)).toEqual(['color', 'material']);
});

it('both languages have texts wherever one has', () => {
  const keys = (value: object): string[] =>
    Object.entries(value).flatMap(([key, inner]) =>
      typeof inner === 'object' ? keys(inner).map((rest) => `${key}.${rest}`) : [key],
    );
  expect(keys(zh).sort()).toEqual(keys(en).sort());
});
