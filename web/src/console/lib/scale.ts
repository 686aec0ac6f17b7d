/* scale.ts - axes of charts: round numbers that hold the values. */

/** From the outer bounds of values to ticks at 1, 2 or 5 times a power of ten, about `count` of them. */
export function niceTicks(low: number, high: number, count = 4): number[] {
  if (!(high > low)) {
    const around = Math.abs(low) || 1;
    return niceTicks(low - around / 2, low + around / 2, count);
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((times) => times * power >= rough)! * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  /* Multiplied, not summed: no error grows, and 3 * 0.1 is written as 0.3. */
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Maps [from] to [to] along a line. */
export function linear(from: [number, number], to: [number, number]): (value: number) => number {
  const span = from[1] - from[0];
  return (value) => to[0] + (span === 0 ? 0.5 : (value - from[0]) / span) * (to[1] - to[0]);
}
