/** How many requests one receiver gets at the same time, so that a dead one does not take everybody's places. */
const MAX_PER_HOST = 4

/** How long somebody waits who found no place at a host, in milliseconds: longer where nothing gets through. */
const SOON = 1000
const LATER = 30_000

/** Who is being called, and whether the last call went well. */
export class Hosts {
  readonly #calls = new Map<string, number>()
  readonly #failing = new Set<string>()

  /** Takes a place at a host; false if it has none. Each that was taken is given back with `leave`. */
  enter(host: string): boolean {
    const calls = this.#calls.get(host) ?? 0
    if (calls >= MAX_PER_HOST) return false
    this.#calls.set(host, calls + 1)
    return true
  }

  leave(host: string, well: boolean): void {
    const calls = this.#calls.get(host)! - 1
    if (calls > 0) this.#calls.set(host, calls)
    else this.#calls.delete(host)
    if (well || calls === 0) this.#failing.delete(host)
    else this.#failing.add(host)
  }

  /** In how many milliseconds to ask again for a place; a part is at random, so that those who wait do not all come at once. */
  patience(host: string): number {
    const least = this.#failing.has(host) ? LATER : SOON
    return least + Math.random() * least
  }
}
