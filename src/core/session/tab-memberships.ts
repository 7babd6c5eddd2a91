import type { MembershipControl } from '../model/control.ts'

/** The rooms that a connection's user is a member of, as far as this process has heard: asked of at every event, and never of the store. */
export class TabMemberships {
  /** Room → whether the user may speak there. */
  #granted = new Map<string, boolean>()
  /** Rooms of them that the tab has left by itself. */
  readonly #left = new Set<string>()

  /** True if the user is a member of a room. */
  has(room: string): boolean {
    return this.#granted.has(room)
  }

  /** True if the membership lets the user speak in a room. */
  maySpeak(room: string): boolean {
    return this.#granted.get(room) ?? false
  }

  /** The rooms that the tab is to be in. */
  get rooms(): string[] {
    return [...this.#granted.keys()].filter((room) => !this.#left.has(room))
  }

  /** Takes what the store says for all that there is. */
  replace(granted: Map<string, boolean>): void {
    this.#granted = granted
    for (const room of this.#left) if (!granted.has(room)) this.#left.delete(room)
  }

  /** Changes what there is. A room that is granted anew is one that the tab has not left. */
  apply(control: MembershipControl): void {
    const { room } = control
    if (control.action === 'leave') this.#granted.delete(room)
    else this.#granted.set(room, control.publish)
    this.#left.delete(room)
  }

  /** The tab has left a room, and stays out until it enters again. */
  leave(room: string): void {
    if (this.has(room)) this.#left.add(room)
  }

  /** The tab has entered a room by itself. */
  enter(room: string): void {
    this.#left.delete(room)
  }
}
