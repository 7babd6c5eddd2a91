/** The longest that a slice is to take with all that it sets off, in milliseconds: a room of thousands must not block the process. */
const GOAL = 10

/** The bounds of a slice: fewer items would cost more in turns than they spare, and more are never done without one. */
const LEAST = 100
const MOST = 2000

/** The most bytes of work that are done together for one item. */
const MOST_BYTES = 65_536

interface Work<Item> {
  items: ReadonlySet<Item>
  action: (item: Item) => void
  bytes: number
}

/** Does something for every item of a set, in the order in which it is asked; at once for a few, in slices for thousands. */
export class Slices<Item> {
  /** Work that waits for the slices of the work before it. */
  readonly #queue: Work<Item>[] = []
  #working: PromiseWithResolvers<void> | undefined
  /** The number of items after which the event loop has a turn, by the time that the last slices took. */
  #size = 500

  /** The number of pieces of work that wait for the one before them. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Resolves when all that was asked for until now has been done. */
  async idle(): Promise<void> {
    await this.#working?.promise
  }

  /**
   * Calls the action for each item. An item that leaves the set before its turn is left out. What waits for the same items is done for each of
   * them in one go; `bytes`: the size of what the action sends to each, which bounds that.
   */
  forEach(items: ReadonlySet<Item>, action: (item: Item) => void, bytes = 0): void {
    if (items.size <= LEAST && this.#working === undefined) {
      for (const item of items) action(item)
      return
    }
    this.#queue.push({ items, action, bytes })
    if (this.#working === undefined) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = Promise.withResolvers()
    for (let work = this.#queue.shift(); work !== undefined; work = this.#queue.shift()) {
      const actions = this.#takeWith(work)
      let start = performance.now()
      let left = this.#size
      for (const item of work.items) {
        for (const action of actions) action(item)
        if (--left > 0) continue
        // What was sent is written before the next turn, so that its time is seen here.
        await new Promise((resolve) => setImmediate(resolve))
        const now = performance.now()
        this.#fit(now - start)
        start = now
        left = this.#size
      }
    }
    this.#working.resolve()
    this.#working = undefined
  }

  /** The actions of a piece of work and of those behind it that can be done with it. */
  #takeWith({ items, action, bytes }: Work<Item>): ((item: Item) => void)[] {
    const actions = [action]
    for (let next = this.#queue[0]; next?.items === items; next = this.#queue[0]) {
      bytes += next.bytes
      if (bytes > MOST_BYTES) break
      actions.push(next.action)
      this.#queue.shift()
    }
    return actions
  }

  /** Chooses the size of the next slice by the milliseconds that the last one took. */
  #fit(took: number): void {
    const size = Math.round((this.#size * GOAL) / Math.max(took, GOAL / 2))
    this.#size = Math.min(MOST, Math.max(LEAST, size))
  }
}
