const OFFSET = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000

/** Microseconds of the machine's monotonic clock, which is the same in all processes. */
export function now(): number {
  return OFFSET + performance.now() * 1000
}
