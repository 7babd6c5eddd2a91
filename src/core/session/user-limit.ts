/** Counts the connections of each user, and lets only so many in. */
export class UserLimit {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** Takes one more connection of a user in; answers false if there is no place. */
  enter(user: string): boolean {
    const count = this.#counts.get(user) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(user, count + 1)
    return true
  }

  /** A connection that was taken in has gone. */
  leave(user: string): void {
    const count = this.#counts.get(user)! - 1
    if (count > 0) this.#counts.set(user, count)
    else this.#counts.delete(user)
  }
}
