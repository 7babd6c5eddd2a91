import { setTimeout as delay } from 'node:timers/promises'
import type { Attack } from './attacks.ts'
import type { Random } from './random.ts'

/** Milliseconds beyond the plan in which it tries to hurt with everything. */
const PATIENCE = 20_000

/** Breaks things in an order that the random numbers decide, several at a time, but never one thing twice at once. */
export class Nemesis {
  /** Number of times that each attack was done and hurt. */
  readonly done = new Map<string, number>()
  readonly #attacks: readonly Attack[]
  readonly #random: Random
  readonly #onAttack: (name: string) => void
  readonly #running = new Map<Promise<void>, Attack>()

  /** `onAttack` is called with each attack when it begins. */
  constructor(attacks: readonly Attack[], random: Random, onAttack: (name: string) => void) {
    this.#onAttack = onAttack
    this.#attacks = attacks
    this.#random = random
    for (const { name } of attacks) this.done.set(name, 0)
  }

  /**
   * Attacks for so many milliseconds, one about every `pace`: first each of them once, then by their shares. Goes on with those that have
   * not hurt yet for as long again, and resolves when everything has been mended.
   */
  async run(milliseconds: number, pace: number): Promise<void> {
    const began = performance.now()
    const lasts = (): number => performance.now() - began
    let deck = this.#random.shuffled(this.#attacks)
    while (lasts() < milliseconds || (this.idle.length > 0 && lasts() < milliseconds * 2 + PATIENCE)) {
      await delay(this.#random.between(pace * 0.5, pace * 1.5))
      this.#start(deck)
      // Behind the plan, what is left of it does not matter.
      if (deck.length > 0 && lasts() < milliseconds) continue
      const trying = new Set(this.#running.values())
      const next = lasts() < milliseconds ? this.#attacks : this.idle.filter((attack) => !trying.has(attack))
      deck = this.#random.shuffled(next.flatMap((attack) => Array<Attack>(attack.share).fill(attack)))
    }
    await Promise.all(this.#running.keys())
  }

  /** Those that have not hurt yet. */
  get idle(): Attack[] {
    return this.#attacks.filter(({ name }) => this.done.get(name) === 0)
  }

  /** Starts the next attack of the deck for which something is free. */
  #start(deck: Attack[]): void {
    const index = deck.findIndex(({ targets }) => targets.some(({ free }) => free))
    if (index < 0) return
    const attack = deck[index]!
    deck.splice(index, 1)
    const target = this.#random.pick(attack.targets.filter(({ free }) => free))
    this.#onAttack(attack.name)
    const running = target.during(async () => {
      if (await attack.run(target)) this.done.set(attack.name, this.done.get(attack.name)! + 1)
    })
    this.#running.set(running, attack)
    void running.finally(() => this.#running.delete(running)).catch(() => undefined)
  }
}
