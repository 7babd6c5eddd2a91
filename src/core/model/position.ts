/** A position in a log: the number of an entry and the epoch that gave it. */
export interface StreamPosition {
  seq: number
  epoch: string
}

/**
 * The position of a reader. `{}`: from now on. `{seq: 0}` without an epoch: everything that is retained, which is never a gap.
 * `{seq, epoch}`: after that entry.
 */
export interface Cursor {
  seq?: number
  epoch?: string
}

/** A loss that the log admits: the entries from `from` to `to`, both included, cannot be shown. */
export interface Gap {
  from: number
  to: number
  reason: 'trimmed' | 'wiped' | 'failover' | 'unknown'
}

/**
 * One run of the store, as a log remembers it. `epoch` is `<incarnation>.<run id>`: a log that is founded anew has a new incarnation, a store
 * that starts anew has a new run id. `first`: the first seq that this run gave.
 */
export interface Epoch {
  epoch: string
  first: number
}

/** The facts about a log that an engine knows without reading its entries. */
export interface LogState {
  /** The highest seq given so far; 0 for none. */
  seq: number
  /** The highest seq that retention has removed; 0 for none. */
  floor: number
  /** The runs of the store in which the log was written, oldest first; never empty. */
  epochs: readonly Epoch[]
}

/** The point from which a reader reads on, and the gap to admit first. */
export interface Continuation {
  /** Everything above this seq is to be read. */
  after: number
  gap?: Gap
}

/** The facts about a store that judge a cursor on a log that was not yet written. */
export interface StoreFacts {
  /** The text that the store was given when it was first used: after a wipe it has another one. */
  identity: string
  /** The time for which a log is remembered after its last write, at least; milliseconds. */
  keptFor: number
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The time for which an engine remembers a log after its last write, at least, in milliseconds. `maxAge`: of its entries, milliseconds. */
export const rememberedFor = (maxAge: number): number => Math.max(maxAge, DAY)

/**
 * The epoch of the position of a log that was not yet written, which stands for its beginning: nothing is stored for it. It has the hour of `now`
 * (milliseconds since the epoch), so that a quiet log has the same position for a while.
 */
export const unwrittenEpoch = (identity: string, now: number): string =>
  `${identity}.~${Math.floor(now / HOUR).toString(36)}`

/** True if a position is one of a log that was not yet written. */
export const isUnwritten = ({ epoch }: Pick<StreamPosition, 'epoch'>): boolean => epoch.includes('.~')

/** The facts about a log that was not yet written. `now`: milliseconds since the epoch. */
export const unwrittenLog = (identity: string, now: number): LogState => ({
  seq: 0,
  floor: 0,
  epochs: [{ epoch: unwrittenEpoch(identity, now), first: 1 }],
})

/** The position at the end of a log. Its epoch is that of the last write, so that a restart alone breaks no cursor. */
export function headOf(log: LogState): StreamPosition {
  return { seq: log.seq, epoch: log.epochs.at(-1)!.epoch }
}

/** The position of an entry that the log has. */
export function positionAt(log: LogState, seq: number): StreamPosition {
  return { seq, epoch: log.epochs.findLast(({ first }) => first <= seq)!.epoch }
}

/** The part of an epoch that names the incarnation of the log: a wipe changes it, a restart does not. */
const incarnationOf = (epoch: string): string => epoch.slice(0, epoch.indexOf('.'))

/**
 * Decides whether a reader at `cursor` can go on without a loss. Both engines give the same facts, and only this function draws the
 * conclusion.
 *
 * A cursor is continuous only if its epoch is one of the log's, its seq lies below the first seq of the epoch that came
 * after its own, and retention has removed nothing above it.
 */
export function continueFrom(
  log: LogState,
  cursor: Cursor,
  store: StoreFacts,
  now = Date.now(),
): Continuation {
  if (cursor.seq === undefined) return { after: log.seq }
  if (cursor.epoch === undefined) {
    return cursor.seq === 0
      ? { after: log.floor }
      : { after: log.floor, gap: { from: 1, to: cursor.seq, reason: 'unknown' } }
  }
  if (isUnwritten({ epoch: cursor.epoch })) return continueUnwritten(log, cursor.epoch, store, now)
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
 * Goes on from the beginning of a log that was not yet written when the cursor was given. A log that is written is remembered for `keptFor`, so
 * until then nothing can have been written and forgotten meanwhile.
 */
function continueUnwritten(
  log: LogState,
  epoch: string,
  { identity, keptFor }: StoreFacts,
  now: number,
): Continuation {
  const after = log.floor
  const gap = (reason: Gap['reason']): Continuation => ({
    after,
    gap: { from: 1, to: Math.max(after, 1), reason },
  })
  if (incarnationOf(epoch) !== identity) return gap('wiped')
  const hour = Number.parseInt(epoch.slice(epoch.indexOf('~') + 1), 36)
  // A text that no store has given has no hour.
  if (!(now - hour * HOUR < keptFor)) return gap('unknown')
  return after > 0 ? gap('trimmed') : { after }
}

/** The epochs that are worth remembering: a cursor of a run that ended below the floor is behind the floor anyway. */
export function pruneEpochs(epochs: readonly Epoch[], floor: number): readonly Epoch[] {
  const keep = epochs.findIndex((_, index) => {
    const next = epochs[index + 1]
    return next === undefined || next.first > floor
  })
  return keep > 0 ? epochs.slice(keep) : epochs
}
