/* What tells the variants of one product apart: the words of their titles that differ. */

const BETWEEN = /[\s,，、/|]+/;

export function variantLabels(titles: string[]): string[] {
  const words = titles.map((title) => title.split(BETWEEN).filter(Boolean));
  const shortest = Math.min(...words.map((list) => list.length));
  const same = (pick: (list: string[]) => string | undefined) =>
    words.every((list) => pick(list) === pick(words[0]!));
  let head = 0;
  while (head < shortest && same((list) => list[head])) head++;
  let tail = 0;
  while (tail < shortest - head && same((list) => list.at(-1 - tail))) tail++;
  // A number alone says little: its unit comes along.
  if (tail > 0 && words.some((list) => /\d$/.test(list.at(-1 - tail) ?? ''))) tail--;
  return words.map(
    (list, i) => list.slice(head, list.length - tail).join(' ') || (titles[i] ?? ''),
  );
}
