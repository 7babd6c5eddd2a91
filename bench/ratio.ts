/** The median of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A median with its range, such as `0.41 (0.38–0.44)`. */
export function spread(figures: readonly number[], digits = 2): string {
  const text = (figure: number): string => figure.toFixed(digits)
  return `${text(median(figures))} (${text(Math.min(...figures))}–${text(Math.max(...figures))})`
}

/** What a piece of work took: its time, and how much of one core this process used meanwhile. */
export interface Measured {
  seconds: number
  /** 1 is one core; near 1, this process may be what the others wait for. */
  cores: number
}

/** Times a piece of work and watches what it costs this process. */
export async function measure(work: () => Promise<void>): Promise<Measured> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { seconds, cores: (user + system) / 1e6 / seconds }
}
