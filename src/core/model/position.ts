/** A place in a log: the number of an entry and the epoch that gave it. */
export interface StreamPosition {
  seq: number
  epoch: string
}

/**
 * Where a reader stands. `{}`: from now. `{seq: 0}` without an epoch: everything that is retained, which is never a gap.
 * `{seq, epoch}`: after that entry.
 */
export interface Cursor {
  seq?: number
  epoch?: string
}

/** A loss that the log admits: what lay between `from` and `to` can not be shown. */
export interface Gap {
  from: number
  to: number
  reason: 'trimmed' | 'wiped' | 'failover' | 'unknown'
}

/** One life of the store, as a log remembers it: its name and the first seq that it gave. */
export interface Epoch {
  epoch: string
  first: number
}

/** What an engine knows of a log without reading its entries. */
export interface LogState {
  /** The highest seq given so far; 0 for none. */
  seq: number
  /** The highest seq that retention has removed; 0 for none. */
  floor: number
  /** The lives of the store in which the log was written, oldest first; never empty. */
  epochs: readonly Epoch[]
}

/** Where to read on, and the gap to admit first. */
export interface Continuation {
  /** Everything above this seq is to be read. */
  after: number
  gap?: Gap
}

/** The position at the end of a log. Its epoch is the one that wrote last, so that a restart alone breaks no cursor. */
export function headOf(log: LogState): StreamPosition {
  return { seq: log.seq, epoch: log.epochs.at(-1)!.epoch }
}

/** The position of an entry that the log has. */
export function positionAt(log: LogState, seq: number): StreamPosition {
  return { seq, epoch: log.epochs.findLast(({ first }) => first <= seq)!.epoch }
}

/** The part of an epoch's name that says which birth of the log it belongs to: a wipe changes it, a restart does not. */
const incarnationOf = (epoch: string): string => epoch.slice(0, epoch.indexOf('.'))

/**
 * Judges whether a reader at `cursor` can go on without a loss. Both engines answer with the same facts, and this is the
 * only place that draws the conclusion.
 *
 * A cursor is continuous only if its epoch is one of the log's, its seq lies below the first seq of the epoch that came
 * after its own, and retention has removed nothing above it.
 */
export function continueFrom(log: LogState, cursor: Cursor): Continuation {
  if (cursor.seq === undefined) return { after: log.seq }
  if (cursor.epoch === undefined) {
    return cursor.seq === 0
      ? { after: log.floor }
      : { after: log.floor, gap: { from: 1, to: cursor.seq, reason: 'unknown' } }
  }
  const { seq } = cursor
  const index = log.epochs.findIndex(({ epoch }) => epoch === cursor.epoch)
  if (index < 0) {
    if (log.epochs.every(({ epoch }) => incarnationOf(epoch) !== incarnationOf(cursor.epoch!)))
      return { after: log.floor, gap: { from: 1, to: Math.max(seq, log.floor, 1), reason: 'wiped' } }
    // The epochs below the floor are forgotten; an unknown one above it was written by a store that lost a failover.
    if (seq < log.floor) return { after: log.floor, gap: { from: seq + 1, to: log.floor, reason: 'trimmed' } }
    return {
      after: log.floor,
      gap: { from: log.floor + 1, to: Math.max(seq, log.floor + 1), reason: 'failover' },
    }
  }
  const end = log.epochs[index + 1]?.first ?? log.seq + 1
  if (seq >= end) {
    const after = Math.max(end - 1, log.floor)
    return { after, gap: { from: end, to: Math.max(seq, after), reason: 'failover' } }
  }
  if (seq < log.floor) return { after: log.floor, gap: { from: seq + 1, to: log.floor, reason: 'trimmed' } }
  return { after: seq }
}

/**
 * The epochs that are still worth remembering: a cursor of a life that ended below the floor is behind the floor anyway.
 */
export function pruneEpochs(epochs: readonly Epoch[], floor: number): readonly Epoch[] {
  const keep = epochs.findIndex((_, index) => {
    const next = epochs[index + 1]
    return next === undefined || next.first > floor
  })
  return keep > 0 ? epochs.slice(keep) : epochs
}
