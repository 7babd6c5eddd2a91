import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** The unit of `/proc/<pid>/stat`, in microseconds. */
const TICK = existsSync('/proc/self/stat')
  ? 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  : Number.NaN
/** A process that used no more than a tick for so long is idle; in milliseconds. */
const IDLE = 200
/** Some are never quite idle; in milliseconds. */
const PATIENCE = 5000

/** Ticks of the kernel's clock in microseconds. */
export function ticks(count: number): number {
  return count * TICK
}

/** The CPU that processes have used so far, all threads, user and system: microseconds, in steps of 10 ms (proc(5), fields 14 and 15). */
export function cpuOf(pids: readonly number[]): number {
  let sum = 0
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program comes before, in parentheses, and may have spaces.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    sum += Number(fields[11]) + Number(fields[12])
  }
  return ticks(sum)
}

/** Bytes that a process has handed to write calls so far: files, and most of what it sent. */
export function writtenBy(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1])
}

/** The memory of some processes that is in RAM, in bytes; shared pages count in each. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
    return sum + Number(kibibytes) * 1024
  }, 0)
}

/** Resolves when these have nothing more to do, so that what they do after one measurement does not fall into the next. */
export async function untilIdle(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (let before = cpuOf(pids), after: number; Date.now() < deadline; before = after) {
    await delay(IDLE)
    after = cpuOf(pids)
    if (after - before <= TICK) return
  }
}

/** How many files and connections a process may have open (`ulimit -n`). */
export function openFilesLimit(): number {
  return Number(
    /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ??
      Number.POSITIVE_INFINITY,
  )
}
