import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Continuation,
  type Cursor,
  continueFrom,
  type Epoch,
  headOf,
  isUnwritten,
  type LogState,
  pruneEpochs,
  type StreamPosition,
  unwrittenEpoch,
  unwrittenLog,
} from '../../../src/core/model/position.ts'

/** Seqs 1–4 in the first run, 5–9 in the second, 10–12 in the third; retention has removed up to 6, and the first run with it. */
const LOG: LogState = {
  seq: 12,
  floor: 6,
  epochs: [
    { epoch: 'B.two', first: 5 },
    { epoch: 'B.three', first: 10 },
  ],
}
const STORE = { identity: 'Astoria1', keptFor: 86_400_000 }
const NOW = 1_800_000_000_000
const FRESH: LogState = { seq: 0, floor: 0, epochs: [{ epoch: 'B.one', first: 1 }] }

describe('continueFrom', () => {
  test.each<[string, Cursor, Continuation]>([
    ['from now', {}, { after: 12 }],
    ['from now, with an epoch', { epoch: 'B.two' }, { after: 12 }],
    ['everything that is retained', { seq: 0 }, { after: 6 }],
    ['no epoch', { seq: 8 }, { after: 6, gap: { from: 1, to: 8, reason: 'unknown' } }],
    ['the head', { seq: 12, epoch: 'B.three' }, { after: 12 }],
    ['the epoch of now', { seq: 10, epoch: 'B.three' }, { after: 10 }],
    ['the end of an earlier epoch', { seq: 9, epoch: 'B.two' }, { after: 9 }],
    ['before an epoch that goes on', { seq: 7, epoch: 'B.three' }, { after: 7 }],
    ['the floor', { seq: 6, epoch: 'B.two' }, { after: 6 }],
    ['below the floor', { seq: 5, epoch: 'B.two' }, { after: 6, gap: { from: 6, to: 6, reason: 'trimmed' } }],
    ['the beginning', { seq: 0, epoch: 'B.two' }, { after: 6, gap: { from: 1, to: 6, reason: 'trimmed' } }],
    [
      'given again by the next run',
      { seq: 10, epoch: 'B.two' },
      { after: 9, gap: { from: 10, to: 10, reason: 'failover' } },
    ],
    [
      'far beyond its epoch',
      { seq: 40, epoch: 'B.two' },
      { after: 9, gap: { from: 10, to: 40, reason: 'failover' } },
    ],
    [
      'ahead of the head',
      { seq: 13, epoch: 'B.three' },
      { after: 12, gap: { from: 13, to: 13, reason: 'failover' } },
    ],
    ['a forgotten run', { seq: 4, epoch: 'B.one' }, { after: 6, gap: { from: 5, to: 6, reason: 'trimmed' } }],
    [
      'a run that the log never had',
      { seq: 9, epoch: 'B.lost' },
      { after: 6, gap: { from: 7, to: 9, reason: 'failover' } },
    ],
    [
      'another incarnation',
      { seq: 9, epoch: 'A.two' },
      { after: 6, gap: { from: 1, to: 9, reason: 'wiped' } },
    ],
    [
      'another incarnation, earlier',
      { seq: 2, epoch: 'A.two' },
      { after: 6, gap: { from: 1, to: 6, reason: 'wiped' } },
    ],
    [
      'a name that is no epoch',
      { seq: 2, epoch: 'nonsense' },
      { after: 6, gap: { from: 1, to: 6, reason: 'wiped' } },
    ],
  ])('%s', (_, cursor, continuation) => {
    expect(continueFrom(LOG, cursor, STORE, NOW)).toEqual(continuation)
  })

  test.each<[string, Cursor, Continuation]>([
    ['from now', {}, { after: 0 }],
    ['everything', { seq: 0 }, { after: 0 }],
    ['its own position', { seq: 0, epoch: 'B.one' }, { after: 0 }],
    ['ahead', { seq: 1, epoch: 'B.one' }, { after: 0, gap: { from: 1, to: 1, reason: 'failover' } }],
    ['wiped', { seq: 5, epoch: 'A.one' }, { after: 0, gap: { from: 1, to: 5, reason: 'wiped' } }],
  ])('of an empty log: %s', (_, cursor, continuation) => {
    expect(continueFrom(FRESH, cursor, STORE, NOW)).toEqual(continuation)
  })
})

describe('the position of a log that was not yet written', () => {
  const position = (age: number, identity = STORE.identity): Cursor => ({
    seq: 0,
    epoch: unwrittenEpoch(identity, NOW - age),
  })
  const WRITTEN: LogState = { seq: 3, floor: 0, epochs: [{ epoch: 'B.one', first: 1 }] }

  test.each<[string, LogState, Cursor, Continuation]>([
    ['that is still not written', unwrittenLog(STORE.identity, NOW), position(0), { after: 0 }],
    ['that has been written since', WRITTEN, position(STORE.keptFor - 3_600_000), { after: 0 }],
    [
      'that has been trimmed since',
      LOG,
      position(0),
      { after: 6, gap: { from: 1, to: 6, reason: 'trimmed' } },
    ],
    [
      'that may have been forgotten since',
      WRITTEN,
      position(STORE.keptFor),
      { after: 0, gap: { from: 1, to: 1, reason: 'unknown' } },
    ],
    [
      'of a store that was wiped',
      LOG,
      position(0, 'Another1'),
      { after: 6, gap: { from: 1, to: 6, reason: 'wiped' } },
    ],
    [
      'with no hour in it',
      WRITTEN,
      { seq: 0, epoch: `${STORE.identity}.~` },
      { after: 0, gap: { from: 1, to: 1, reason: 'unknown' } },
    ],
  ])('%s', (_, log, cursor, continuation) => {
    expect(continueFrom(log, cursor, STORE, NOW)).toEqual(continuation)
  })

  test('is the same for an hour, and no other position looks like it', () => {
    const hour = NOW - (NOW % 3_600_000)
    expect(unwrittenEpoch('a', hour)).toBe(unwrittenEpoch('a', hour + 3_599_999))
    expect(unwrittenEpoch('a', hour)).not.toBe(unwrittenEpoch('a', hour + 3_600_000))
    expect(isUnwritten({ epoch: unwrittenEpoch('a', hour) })).toBe(true)
    expect(isUnwritten(headOf(LOG))).toBe(false)
  })
})

describe('headOf', () => {
  test('is of the run that wrote last', () => {
    expect(headOf(LOG)).toEqual({ seq: 12, epoch: 'B.three' })
  })
})

describe('pruneEpochs', () => {
  const epochs: Epoch[] = [1, 5, 10].map((first) => ({ epoch: `B.${first}`, first }))

  test.each([
    [0, [1, 5, 10]],
    [4, [1, 5, 10]],
    [5, [5, 10]],
    [9, [5, 10]],
    [10, [10]],
    [99, [10]],
  ])('with the floor at %i', (floor, firsts) => {
    expect(pruneEpochs(epochs, floor).map(({ first }) => first)).toEqual(firsts)
  })
})

/** A log as it really is: which entry has which seq, and what is said of it. */
class Model {
  entries: string[] = []
  floor = 0
  #runs = 0
  #incarnations = 0
  #written = 0
  #runId = ''
  #incarnation = ''
  #epochs: readonly Epoch[] = []
  /** Positions that readers were given, each with what the log held up to it. */
  readonly readers: { cursor: StreamPosition; held: string[] }[] = []

  constructor() {
    this.restart()
    this.wipe()
  }

  get log(): LogState {
    return { seq: this.entries.length, floor: this.floor, epochs: this.#epochs }
  }

  publish(): void {
    this.entries.push(`entry ${++this.#written}`)
    const epoch = `${this.#incarnation}.${this.#runId}`
    if (headOf(this.log).epoch !== epoch)
      this.#epochs = pruneEpochs([...this.#epochs, { epoch, first: this.entries.length }], this.floor)
    this.note()
  }

  note(): void {
    this.readers.push({ cursor: headOf(this.log), held: [...this.entries] })
  }

  trim(count: number): void {
    this.floor = Math.min(this.floor + count, this.entries.length)
    this.#epochs = pruneEpochs(this.#epochs, this.floor)
  }

  restart(): void {
    this.#runId = `run${++this.#runs}`
  }

  /** Another server, which has not heard of the last entries, goes on. */
  failOver(lost: number): void {
    const kept = Math.max(this.floor, this.entries.length - lost)
    this.entries = this.entries.slice(0, kept)
    this.#epochs = this.#epochs.filter(({ first }, index) => index === 0 || first <= kept)
    this.restart()
  }

  wipe(): void {
    this.#incarnation = `incarnation${++this.#incarnations}`
    this.entries = []
    this.floor = 0
    this.#epochs = [{ epoch: `${this.#incarnation}.${this.#runId}`, first: 1 }]
    this.note()
  }
}

type Step = [name: 'publish' | 'trim' | 'restart' | 'failOver' | 'wipe' | 'note', count: number]

const stepsOf = (...names: Step[0][]): fc.Arbitrary<Step[]> =>
  fc.array(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max: 4 })), { maxLength: 40 })

function play(steps: Step[]): Model {
  const model = new Model()
  for (const [name, count] of steps) model[name](count)
  return model
}

/** True if a reader has been given what the log has up to there, and nothing above it has been removed. */
const isWhole = ({ entries, floor }: Model, { cursor, held }: Model['readers'][number]): boolean =>
  floor <= cursor.seq &&
  held.length <= entries.length &&
  held.every((entry, index) => entries[index] === entry)

describe('whatever happens to a log', () => {
  const anything = stepsOf('publish', 'publish', 'publish', 'trim', 'restart', 'failOver', 'wipe', 'note')
  const noLoss = stepsOf('publish', 'publish', 'publish', 'trim', 'restart', 'note')

  test('continuity is never claimed wrongly', () => {
    fc.assert(
      fc.property(anything, (steps) => {
        const model = play(steps)
        for (const reader of model.readers) {
          const { after, gap } = continueFrom(model.log, reader.cursor, STORE, NOW)
          if (gap === undefined) expect([isWhole(model, reader), after]).toEqual([true, reader.cursor.seq])
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('a gap names a stretch, and reading goes on within the log', () => {
    fc.assert(
      fc.property(anything, (steps) => {
        const { log, readers } = play(steps)
        for (const { cursor } of readers) {
          const { after, gap } = continueFrom(log, cursor, STORE, NOW)
          expect(after).toBeGreaterThanOrEqual(log.floor)
          expect(after).toBeLessThanOrEqual(log.seq)
          if (gap !== undefined && cursor.seq > 0) expect(gap.to).toBeGreaterThanOrEqual(gap.from)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('restarts and retention alone never make a gap where nothing is missing', () => {
    fc.assert(
      fc.property(noLoss, (steps) => {
        const model = play(steps)
        for (const reader of model.readers)
          expect(continueFrom(model.log, reader.cursor, STORE, NOW).gap === undefined).toBe(
            isWhole(model, reader),
          )
      }),
      { numRuns: 1000 },
    )
  })
})
