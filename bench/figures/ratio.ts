/** The median of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The quotients of two rows of figures, round by round. */
export function quotients(dividends: readonly number[], divisors: readonly number[]): number[] {
  return dividends.map((dividend, round) => dividend / divisors[round]!)
}

/** The figure below which so much of all are, by the nearest rank; `share` is between 0 and 1. Sorts a copy. */
export function percentile(figures: Float64Array, share: number): number {
  const sorted = figures.toSorted()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}
