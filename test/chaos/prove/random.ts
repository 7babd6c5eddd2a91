/** Numbers that follow from a seed, so that a run can be planned the same way again. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, and without, 1. Mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  /** True if something that has this chance, from 0 to 1, happens now. */
  happens(chance: number): boolean {
    return this.next() < chance
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!
  }

  shuffled<T>(from: readonly T[]): T[] {
    const all = [...from]
    for (let last = all.length - 1; last > 0; last--) {
      const other = Math.floor(this.next() * (last + 1))
      ;[all[last], all[other]] = [all[other]!, all[last]!]
    }
    return all
  }
}
