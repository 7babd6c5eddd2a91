import type { Channel } from './channel.ts'
import type { Control } from './control.ts'
import type { Counts } from './item.ts'
import type { Gap, StreamPosition } from './position.ts'
import type { Publication } from './publication.ts'

/** A connection as the hub sees it: the way out to one tab. No method throws; a closed connection swallows everything. */
export interface Connection {
  /** Its name in `X-Socket-ID`. */
  readonly id: string
  /** Its user; undefined for an anonymous connection, which does not count as present in a room. */
  readonly user: string | undefined
  /** Puts a publication on the wire. */
  send(publication: Publication): void
  /** Reports a loss on a channel. */
  sendGap(channel: Channel, epoch: string, gap: Gap): void
  /** Reports that everything of a channel up to this position has been sent, and the counts there if they are known. */
  sendPosition(channel: Channel, position: StreamPosition, counts?: Counts): void
  /** Resolves when what was sent has left the process, or when the connection has closed. */
  drained(): Promise<void>
  /** Carries out an order from the user's log. */
  handleControl(control: Control): void
  /** Ends the connection so that the tab tries again, since through a fault of the server's a channel can no longer be heard. */
  handleFault(): void
  /** Notes that something of a channel was lost, which may have been an order to the server. */
  handleLoss(channel: Channel): void
}
