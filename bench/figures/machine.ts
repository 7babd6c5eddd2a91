import { readFileSync } from 'node:fs'
import { ticks } from './processes.ts'

/** What disturbed a measurement, in cores. */
export interface Disturbance {
  /** CPU that processes used which this bench has not started. */
  others: number
  /** CPU that the hypervisor gave to other machines while this one wanted it. */
  stolen: number
}

/** Watches the machine from now on; the answer tells what disturbed since, of what has ended by then. */
export function watchMachine(): () => Disturbance {
  const start = performance.now()
  const [busy, stolen, own] = readings()
  return () => {
    const seconds = (performance.now() - start) / 1000
    const [busyNow, stolenNow, ownNow] = readings()
    const cores = (microseconds: number): number => Math.max(0, microseconds / 1e6 / seconds)
    return { others: cores(busyNow - busy - (ownNow - own)), stolen: cores(stolenNow - stolen) }
  }
}

/** CPU of the machine, stolen CPU, and that of this process with all its children that have ended; microseconds (proc(5)). */
function readings(): [busy: number, stolen: number, own: number] {
  const [user, nice, system, , , irq, softirq, steal] = /^cpu +(.*)$/m
    .exec(readFileSync('/proc/stat', 'utf8'))![1]!
    .split(' ')
    .map(Number)
  const fields = readFileSync('/proc/self/stat', 'utf8').split(' ')
  const own = fields.slice(13, 17).reduce((sum, field) => sum + Number(field), 0)
  return [ticks(user! + nice! + system! + irq! + softirq!), ticks(steal!), ticks(own)]
}
