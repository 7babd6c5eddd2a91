import type { MembershipControl } from '../model/control.ts'

/** The rooms that a connection's user is a member of, as far as this process has heard. Kept here, since they are needed at every event. */
export class TabMemberships {
  /** Each room, true if the user may publish there; undefined for none, as with most tabs. */
  #granted: Map<string, boolean> | undefined
  /** The rooms of them that the tab has left by itself; undefined for none. */
  #left: Set<string> | undefined

  /** True if the user is a member of a room. */
  has(room: string): boolean {
    return this.#granted?.has(room) ?? false
  }

  /** True if the membership lets the user publish in a room. */
  maySpeak(room: string): boolean {
    return this.#granted?.get(room) ?? false
  }

  /** The rooms that the tab is to be in. */
  get rooms(): string[] {
    if (this.#granted === undefined) return []
    return [...this.#granted.keys()].filter((room) => !this.#left?.has(room))
  }

  /** Replaces all memberships by those that the store has. */
  replace(granted: ReadonlyMap<string, boolean>): void {
    this.#granted = granted.size === 0 ? undefined : new Map(granted)
    for (const room of this.#left ?? []) if (!granted.has(room)) this.#left!.delete(room)
  }

  /** Applies a change. A room that is granted anew counts as not left. */
  apply(control: MembershipControl): void {
    const { room } = control
    if (control.action === 'leave') this.#granted?.delete(room)
    else {
      this.#granted ??= new Map()
      this.#granted.set(room, control.publish)
    }
    this.#left?.delete(room)
  }

  /** Notes that the tab has left a room, and stays out until it enters again. */
  leave(room: string): void {
    if (!this.has(room)) return
    this.#left ??= new Set()
    this.#left.add(room)
  }

  /** Notes that the tab has entered a room by itself. */
  enter(room: string): void {
    this.#left?.delete(room)
  }
}
