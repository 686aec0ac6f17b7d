import { describe, expect, it } from 'vitest';
import { formatMoney, minorDigits, parseMajor, percentOff, toMajor } from '../src/lib/money';

describe('money', () => {
  it('counts the minor digits of each currency', () => {
    expect(['EUR', 'CNY', 'JPY', 'KWD'].map(minorDigits)).toEqual([2, 2, 0, 3]);
  });

  it('shows minor units as the currency writes them', () => {
    expect(formatMoney(1999, 'EUR', 'en-GB')).toBe('€19.99');
    expect(formatMoney(1999, 'JPY', 'en-GB')).toBe('¥1,999');
    expect(formatMoney(1999, 'KWD', 'en-GB')).toMatch(/KWD.1\.999/);
    expect(formatMoney(12900, 'CNY', 'zh-CN')).toBe('¥129.00');
  });

  it('drops empty decimals only when asked to be short', () => {
    expect(formatMoney(5000, 'CNY', 'zh-CN', true)).toBe('¥50');
    expect(formatMoney(5050, 'CNY', 'zh-CN', true)).toBe('¥50.50');
  });

  it('reads back every amount that it writes', () => {
    for (const currency of ['EUR', 'JPY', 'KWD']) {
      for (const minor of [0, 1, 9, 10, 99, 100, 1005, 123456789]) {
        expect(parseMajor(String(toMajor(minor, currency)), currency)).toBe(minor);
      }
    }
  });

  it('reads what people type, full-width digits and thousands included, and nothing else', () => {
    expect(parseMajor(' １２.5 ', 'CNY')).toBe(1250);
    expect(parseMajor('1,200', 'EUR')).toBe(120000);
    for (const text of ['', '-1', '1e3', 'abc', '1.2.3', 'NaN', '9'.repeat(13)]) {
      expect(parseMajor(text, 'EUR')).toBeNull();
    }
  });

  it('never rounds a saving up', () => {
    expect(percentOff(1999, 2000)).toBe(0);
    expect(percentOff(1500, 2000)).toBe(25);
    expect(percentOff(2000, 1500)).toBe(0);
    expect(percentOff(null, 1500)).toBe(0);
  });
});
