/** Counts the connections of each user, and lets no more than `max` in. */
export class UserLimit {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** Counts one more connection of a user; returns false, and counts nothing, if the user has `max` already. */
  enter(user: string): boolean {
    const count = this.#counts.get(user) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(user, count + 1)
    return true
  }

  /** Notes that a connection that was counted has gone. */
  leave(user: string): void {
    const count = this.#counts.get(user)! - 1
    if (count > 0) this.#counts.set(user, count)
    else this.#counts.delete(user)
  }
}
