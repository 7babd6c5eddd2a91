import { refuseRevoked } from '../access/revoked.ts'
import type { Hub } from '../delivery/hub.ts'
import type { Engine } from '../engine/engine.ts'
import { backoff } from '../lifecycle/backoff.ts'
import { isFault, isTemporary } from '../lifecycle/faults.ts'
import { roomChannel } from '../model/channel.ts'
import type { MembershipControl } from '../model/control.ts'
import type { ServiceError } from '../model/errors.ts'
import { leaveForbiddenRooms, type RoomPolicy } from './grants.ts'
import type { MembershipChanges, TabSession } from './tab-session.ts'

/** The parts that a `MembershipFollower` works with. */
export interface FollowerOptions {
  engine: Pick<Engine, 'memberships' | 'revocations'>
  hub: Hub
  policy: RoomPolicy
  /** Receives the errors that reach no caller. */
  report(error: unknown): void
}

/**
 * Keeps a connection in the rooms that its user is a member of. The store is asked at the CONNECT, and again when changes may have been lost; in
 * between they come as control entries on the user's log. Those that come while the store is asked are applied to its answer, which may be older.
 */
export class MembershipFollower implements MembershipChanges {
  readonly #tab: TabSession
  readonly #options: FollowerOptions
  /** The changes that could not be applied yet; undefined when they are applied at once. */
  #waiting: MembershipControl[] | undefined = []
  #isOpen = false
  #isStale = false
  #reloading = false

  constructor(tab: TabSession, options: FollowerOptions) {
    this.#tab = tab
    this.#options = options
  }

  /** Reads the memberships from the store, before the CONNECT is answered. Rejects with the engine's error. */
  async load(): Promise<void> {
    const { user, memberships } = this.#tab
    if (user !== undefined) memberships.replace(await this.#options.engine.memberships.of(user))
  }

  /** Begins to take the connection into rooms and out of them. */
  open(): void {
    this.#isOpen = true
    if (this.#isStale) this.reload()
    else this.#applyWaiting()
  }

  /** Applies a change, or keeps it until it can be applied. */
  handle(control: MembershipControl): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(control)
      return
    }
    this.#tab.memberships.apply(control)
    this.#follow()
  }

  /** Reads the memberships anew, since changes may have been lost; tries until the store answers or the tab has gone. */
  reload(): void {
    this.#isStale = true
    this.#waiting ??= []
    if (this.#isOpen && !this.#reloading) void this.#reload()
  }

  async #reload(): Promise<void> {
    this.#reloading = true
    for (let attempt = 0; this.#isStale && this.#tab.isOpen; attempt++) {
      this.#isStale = false
      try {
        await Promise.all([this.#refuseRevoked(), this.load()])
      } catch (error) {
        // The order to disconnect may be among the lost entries.
        if ((error as ServiceError).code === 'token_revoked')
          return this.#tab.handleControl({ action: 'disconnect' })
        if (!isTemporary(error)) {
          this.#options.report(error)
          return this.#tab.handleFault()
        }
        this.#isStale = true
        await backoff(attempt)
      }
    }
    this.#reloading = false
    this.#applyWaiting()
  }

  async #refuseRevoked(): Promise<void> {
    const { claims } = this.#tab
    if (claims !== undefined) await refuseRevoked(this.#options.engine, claims)
  }

  #applyWaiting(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const control of waiting) this.#tab.memberships.apply(control)
    this.#follow()
  }

  #follow(): void {
    const { hub, policy, report } = this.#options
    leaveForbiddenRooms(this.#tab, hub, policy, 'room_forbidden')
    this.#join().catch((error: unknown) => {
      if (isFault(error)) report(error)
      // It connects again, and is then taken into its rooms.
      this.#tab.close('engine')
    })
  }

  async #join(): Promise<void> {
    const tab = this.#tab
    const { hub } = this.#options
    const heard = new Set(hub.channelsOf(tab))
    const missing = tab.memberships.rooms.map(roomChannel).filter((channel) => !heard.has(channel))
    await Promise.all(
      missing.map(async (channel) => {
        const subscription = await hub.join(tab, channel)
        // The connection may have been taken out again meanwhile.
        if (subscription.hasLeft) return
        tab.sendSubscribed(channel, subscription.position)
        await subscription.release(true)
      }),
    )
  }
}
