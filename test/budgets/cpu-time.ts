/**
 * A set-up file of vitest: says what a test file has cost, with all the programs that it has started, in seconds of a core. Unlike the time on
 * the clock, that is much the same on a loaded machine.
 */
import { readFileSync } from 'node:fs'
import { afterAll } from 'vitest'

/** Linux counts in hundredths of a second, whatever the machine. */
const TICKS = 100

/** Seconds that earlier files of this process have cost. */
const spent = globalThis as { cpuOfEarlierFiles?: number }

// This runs after what a file itself does at its end: hooks of that kind run in reverse order.
// biome-ignore lint/correctness/noEmptyPattern: vitest reads from the text of a hook which fixtures it wants
afterAll(({}, suite) => {
  const total = secondsOfCpu()
  suite.meta.cpu = total - (spent.cpuOfEarlierFiles ?? 0)
  spent.cpuOfEarlierFiles = total
})

/** Of this process since its start, and of those that it has started and seen end. Elsewhere than on Linux of this process only. */
function secondsOfCpu(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    // The name of the process may have spaces, and ends with a parenthesis: behind it, user, system, and both of the children.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000_000
  }
}
