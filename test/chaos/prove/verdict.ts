import type { StreamPosition } from '../../../src/core/model/position.ts'
import type { Backend, Receipt } from './backend.ts'
import type { JudgedTab } from './judged-tab.ts'
import { incarnationOf, type Reading } from './reading.ts'
import { ROOM_RETENTION, USER_RETENTION } from './stage.ts'

/** The findings of a run; every number of `broken` must be zero. */
export interface Verdict {
  published: number
  acknowledged: number
  indeterminate: number
  /** Publications that tabs were shown, over all tabs. */
  delivered: number
  /** Gaps that tabs received, by reason. */
  gaps: Record<string, number>
  /** Publications that a gap covers, over all tabs. */
  admitted: number
  /** Shown again after a wipe, which forgets the idempotency keys with the rest. */
  repeatedAfterWipe: number
  retries: number
  replayed: number
  reconnects: number
  broken: {
    /** Acknowledged, never shown to a tab, and not within a gap that it received. */
    lost: number
    /** Shown twice, or stored twice under one key. */
    duplicated: number
    /** Shown after a later one, numbered against the order of the answers, or in another order than in another tab. */
    disordered: number
    /** Something is missing between two events, and there was no gap. */
    falseContinuity: number
    /** A gap that nothing explains. */
    needlessGaps: number
    /** Posts that were refused for good. */
    refused: number
    /** Tabs that gave up. */
    stranded: number
    /** Processes that ended by themselves, or not with 0. */
    crashes: number
  }
}

type Acknowledged = Receipt & { position: NonNullable<Receipt['position']> }

const acknowledgedBy = ({ receipts }: Backend): Acknowledged[] =>
  receipts.filter((receipt): receipt is Acknowledged => receipt.position !== undefined)

/** The highest seq of each incarnation of a log. */
function topsOf(receipts: readonly Acknowledged[]): Map<string, number> {
  const tops = new Map<string, number>()
  for (const { position } of receipts) {
    const incarnation = incarnationOf(position.epoch)
    tops.set(incarnation, Math.max(tops.get(incarnation) ?? 0, position.seq))
  }
  return tops
}

/** Judges what the tabs saw against what the backends were answered. */
export function judge(
  backends: readonly Backend[],
  tabs: readonly JudgedTab[],
  { crashes, wipes }: { crashes: number; wipes: number },
): Verdict {
  const sum = <T>(of: readonly T[], value: (one: T) => number): number =>
    of.reduce((total, one) => total + value(one), 0)
  const readings = tabs.flatMap((tab) => [...tab.readings.values()])
  const receipts = backends.flatMap(({ receipts }) => receipts)
  const count = (outcome: Receipt['outcome']): number =>
    receipts.filter((receipt) => receipt.outcome === outcome).length
  const gaps: Record<string, number> = {}
  for (const { reason } of readings.flatMap((reading) => reading.gaps)) gaps[reason] = (gaps[reason] ?? 0) + 1
  let lost = 0
  let admitted = 0
  let needlessGaps = 0
  let disordered = sum(readings, (reading) => reading.disordered)
  for (const backend of backends) {
    const acknowledged = acknowledgedBy(backend)
    const retention = backend.channel.startsWith('user:') ? USER_RETENTION : ROOM_RETENTION
    const tops = topsOf(acknowledged)
    disordered += outOfOrder(acknowledged)
    const listening = tabs.flatMap((tab) => tab.readings.get(backend.channel) ?? [])
    disordered += contradictionsOf(acknowledged, listening)
    for (const reading of listening) {
      for (const receipt of acknowledged) {
        if (reading.seen.has(receipt.name) || isBefore(receipt, reading)) continue
        if (isAdmitted(receipt, reading, (tops.get(incarnationOf(receipt.position.epoch)) ?? 0) - retention))
          admitted++
        else lost++
      }
      for (const { reason, to, epoch } of reading.gaps) {
        // What was never acknowledged may have been numbered too, so the top may lie a little higher.
        const trimmed = reason === 'trimmed' && to <= (tops.get(incarnationOf(epoch)) ?? 0) + 10 - retention
        if (!trimmed && !(reason === 'wiped' && wipes > 0)) needlessGaps++
      }
    }
  }
  return {
    published: receipts.length,
    acknowledged: count('acknowledged'),
    indeterminate: count('indeterminate'),
    delivered: sum(readings, ({ seen }) => seen.size),
    gaps,
    admitted,
    repeatedAfterWipe: sum(readings, (reading) => reading.repeatedAfterWipe),
    retries: sum(backends, ({ retries }) => retries),
    replayed: sum(backends, ({ replayed }) => replayed),
    reconnects: sum(tabs, ({ reconnects }) => reconnects),
    broken: {
      lost,
      duplicated:
        sum(readings, ({ duplicated }) => duplicated) + sum(backends, ({ contradictions }) => contradictions),
      disordered,
      falseContinuity: sum(readings, ({ falseContinuity }) => falseContinuity),
      needlessGaps,
      refused: count('failed'),
      stranded: tabs.filter(({ stranded }) => stranded).length,
      crashes,
    },
  }
}

/** It was published before this page began. */
function isBefore({ position }: Acknowledged, { start }: Reading): boolean {
  return (
    start !== undefined &&
    incarnationOf(start.epoch) === incarnationOf(position.epoch) &&
    position.seq <= start.seq
  )
}

/** A gap covers its own numbers; one after a wipe covers what was numbered before it, and what retention has taken since (up to `trimmed`). */
function isAdmitted({ position }: Acknowledged, { gaps }: Reading, trimmed: number): boolean {
  const { seq, epoch } = position
  return gaps.some((gap) =>
    incarnationOf(gap.epoch) === incarnationOf(epoch)
      ? gap.from <= seq && seq <= gap.to && (gap.reason !== 'wiped' || seq <= trimmed)
      : gap.reason === 'wiped',
  )
}

/** A backend publishes one after the other, so what it was answered must rise. */
function outOfOrder(acknowledged: readonly Acknowledged[]): number {
  return acknowledged.filter(({ position: { seq, epoch } }, index) => {
    const before = acknowledged[index - 1]?.position
    return before !== undefined && incarnationOf(before.epoch) === incarnationOf(epoch) && before.seq >= seq
  }).length
}

/** Each page saw its events in rising order, so all saw one order if each number was the same publication for all of them. */
function contradictionsOf(acknowledged: readonly Acknowledged[], readings: readonly Reading[]): number {
  const names = new Map<string, string>()
  let contradictions = 0
  const note = (name: string, { seq, epoch }: StreamPosition): void => {
    const position = `${incarnationOf(epoch)} ${seq}`
    if ((names.get(position) ?? name) !== name) contradictions++
    names.set(position, name)
  }
  for (const { name, position } of acknowledged) note(name, position)
  for (const { seen } of readings) for (const [name, position] of seen) note(name, position)
  return contradictions
}
