/** How many items are worked on before the event loop has a turn: a room of thousands must not block the process. */
const SLICE = 1000

interface Work<Item> {
  items: ReadonlySet<Item>
  action: (item: Item) => void
}

/** Does something for every item of a set, in the order in which it is asked; at once for a few, in slices for thousands. */
export class Slices<Item> {
  /** Work that waits for the slices of the work before it. */
  readonly #queue: Work<Item>[] = []
  #working: PromiseWithResolvers<void> | undefined

  /** The number of pieces of work that wait for the one before them. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Resolves when all that was asked for until now has been done. */
  async idle(): Promise<void> {
    await this.#working?.promise
  }

  /** Calls the action for each item. An item that leaves the set before its turn is left out. */
  forEach(items: ReadonlySet<Item>, action: (item: Item) => void): void {
    if (items.size <= SLICE && this.#working === undefined) {
      for (const item of items) action(item)
      return
    }
    this.#queue.push({ items, action })
    if (this.#working === undefined) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = Promise.withResolvers()
    for (let work = this.#queue.shift(); work !== undefined; work = this.#queue.shift()) {
      let count = 0
      for (const item of work.items) {
        work.action(item)
        if (++count % SLICE === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    this.#working.resolve()
    this.#working = undefined
  }
}
