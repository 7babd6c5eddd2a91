import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { LogPage, PageLimit } from '../../../src/core/engine/broker.ts'
import type { Engine, EngineOptions } from '../../../src/core/engine/engine.ts'
import { type Channel, roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import type { Draft } from '../../../src/core/model/publication.ts'
import { draftOf } from '../../support/drafts.ts'
import { isLong } from '../../support/long.ts'

/** Something that engines store in. */
export interface Store {
  /** An engine on it; another one each time. Without `shared`, the last one has been closed by then. */
  open(options: EngineOptions): Promise<Engine>
  /** With `restart`: ends the store without a warning, brings it back, and answers an engine on it: the same one if it survives that. */
  restart?(engine: Engine): Promise<Engine>
  /** Forgets everything, and answers an engine on it: the same one if it survives that. */
  wipe(engine: Engine): Promise<Engine>
  /** Ends it for good. */
  stop(): Promise<void>
}

/** Abilities that only some engines have. */
export interface Features {
  /** Two engines on one store hear each other. */
  shared: boolean
  /** The store can be killed and come back, with everything that was acknowledged. */
  restart: boolean
  /** The law runs in its short form, unless it is `npm run test:long`: another store of the same kind has the full one. */
  short?: boolean
}

/** Enough for everything that a test writes. */
export const PLENTY = { count: 1000, seconds: 86_400 }

/** A page that holds everything that a test writes. */
export const ALL: PageLimit = { entries: 100_000, bytes: 100_000_000 }

export type RetentionOptions = Partial<EngineOptions['retention']>

/** Everything that a test of the law has at hand: a store, and engines that are closed after the test. */
export class Harness {
  readonly features: Features
  readonly makeStore: () => Promise<Store>
  /** Errors that engines reported in this test; a test that expects some takes them out. */
  readonly reported: unknown[] = []
  #store: Store | undefined
  readonly #opened = new Set<Engine>()
  readonly #read = new Set<string>()

  constructor(makeStore: () => Promise<Store>, features: Features) {
    this.makeStore = makeStore
    this.features = new Proxy(features, {
      get: (target, flag: keyof Features) => {
        this.#read.add(flag)
        return target[flag]
      },
    })
    beforeAll(async () => {
      this.#store = await makeStore()
    })
    afterEach(async () => {
      for (const engine of this.#opened) await engine.close()
      this.#opened.clear()
      expect(this.reported.splice(0)).toEqual([])
    })
    afterAll(() => this.#store?.stop())
  }

  get store(): Store {
    return this.#store!
  }

  /** True in the short form of the law. */
  get isShort(): boolean {
    return this.features.short === true && !isLong
  }

  /** A test that waits for seconds, or does something thousands of times: the short form of the law leaves it out. */
  longTest(name: string, run: () => Promise<void>): void {
    if (!this.isShort) test(name, run)
  }

  /** The flags that no test has asked for. */
  get unreadFlags(): string[] {
    return Object.keys(this.features).filter((flag) => !this.#read.has(flag))
  }

  async open(retention: RetentionOptions = {}, store = this.store): Promise<Engine> {
    return this.adopt(
      await store.open({
        retention: { user: PLENTY, room: PLENTY, ...retention },
        report: (error) => this.reported.push(error),
      }),
    )
  }

  /** Sees to it that an engine is closed after the test. */
  adopt(engine: Engine): Engine {
    this.#opened.add(engine)
    return engine
  }
}

/** A room that nobody else uses. */
export const someRoom = (): Channel => roomChannel(randomUUID())

/** A user that nobody else is. */
export const someUser = (): Channel => userChannel(randomUUID())

/** Publishes so many drafts in the order of their numbers, from 1; each says its number. */
export async function publishMany(
  engine: Pick<Engine, 'broker'>,
  channel: Channel,
  count: number,
  extra: Partial<Draft> = {},
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  await Promise.all(numbers.map((number) => engine.broker.publish(draftOf(channel, number, extra))))
}

/** 1, 2, 3 … */
export const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

export const seqsOf = ({ publications }: LogPage): number[] => publications.map(({ seq }) => seq)
