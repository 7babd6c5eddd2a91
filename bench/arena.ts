import type { Contestant } from './contestants/contestant.ts'
import { openFilesLimit } from './figures/processes.ts'
import { LoadClient } from './load/client.ts'
import type { TabTarget } from './load/protocols.ts'

/** Files and connections that a process has open besides its tabs. */
const OTHER_FILES = 150

/** A priority as of `nice`. */
const PUNCTUAL = -10

/** Where contestants and load processes run; whatever was started in it ends with it. */
export class Arena {
  readonly #ends = { clients: [] as (() => Promise<void>)[], contestants: [] as (() => Promise<void>)[] }

  private constructor() {}

  /** Runs some work in an arena of its own. */
  static async run<Result>(work: (arena: Arena) => Promise<Result>): Promise<Result> {
    const arena = new Arena()
    try {
      return await work(arena)
    } finally {
      // The load first, so that no server finds its clients gone one by one.
      for (const end of [...arena.#ends.clients, ...arena.#ends.contestants]) await end()
    }
  }

  /** Starts contestants one after the other. */
  async start<Started extends Contestant>(...starters: (() => Promise<Started>)[]): Promise<Started[]> {
    const started: Started[] = []
    for (const start of starters) {
      const contestant = await start()
      this.#ends.contestants.push(() => contestant.stop())
      started.push(contestant)
    }
    return started
  }

  /**
   * Starts a load process that comes before the servers: it keeps a schedule, and sees when something arrives, as if it were another
   * machine. It wakes up for each event, which costs the servers more, so that it is nothing for measuring throughput.
   */
  punctualClient(): Promise<LoadClient> {
    return this.client(PUNCTUAL)
  }

  /** Starts a load process. */
  async client(priority = 0): Promise<LoadClient> {
    const client = await LoadClient.start(priority)
    this.#ends.clients.push(() => client.stop())
    return client
  }
}

/** Throws if a process of this system cannot have so many tabs open. */
export function requireOpenFiles(tabs: number): void {
  const wanted = tabs + OTHER_FILES
  const limit = openFilesLimit()
  if (limit < wanted)
    throw new Error(
      `it wants ${wanted} open files per process and the limit is ${limit}: try ulimit -n ${wanted}`,
    )
}

/** All processes of a contestant. */
export function processesOf({ roles }: Contestant): number[] {
  return Object.values(roles).flat()
}

/** Names of users. */
export function users(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
}

/** The same names in an order that jumps about, always the same: in turn, neighbours in a store would be met one after the other. */
export function shuffled(names: readonly string[]): string[] {
  const result = [...names]
  let state = 1
  for (let last = result.length - 1; last > 0; last--) {
    // Numerical Recipes' generator.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (last + 1)
    ;[result[last], result[other]] = [result[other]!, result[last]!]
  }
  return result
}

/** Tabs of some users, so many for each, spread over the workers of the contestant. */
export function tabsFor(contestant: Contestant, names: readonly string[], each = 1): TabTarget[] {
  return Array.from({ length: each }, () => names.map((user, index) => contestant.tab(user, index))).flat()
}

/**
 * Measures all subjects in each round, in turn and then in the opposite order. Round 0 warms up and does not count: V8 needs some tens of
 * thousands of calls until it has compiled what is called most.
 */
export async function interleave<Subject, Result>(
  rounds: number,
  subjects: readonly Subject[],
  measure: (subject: Subject, round: number) => Promise<Result>,
): Promise<Map<Subject, Result[]>> {
  const results = new Map<Subject, Result[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const result = await measure(subject, round)
      if (round > 0) results.get(subject)!.push(result)
    }
  }
  return results
}
