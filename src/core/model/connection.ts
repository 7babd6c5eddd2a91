import type { Channel } from './channel.ts'
import type { Control } from './control.ts'
import type { Counts } from './item.ts'
import type { Gap, StreamPosition } from './position.ts'
import type { Publication } from './publication.ts'

/** A connection as the hub sees it: somewhere to put what is for it. No method throws; a closed connection swallows everything. */
export interface Connection {
  /** Its name in `X-Socket-ID`. */
  readonly id: string
  /** Whose it is; undefined for an anonymous one, who is nobody in a room. */
  readonly user: string | undefined
  /** Puts a publication on the wire. */
  send(publication: Publication): void
  /** Tells of a loss on a channel. */
  sendGap(channel: Channel, epoch: string, gap: Gap): void
  /** Tells that everything of a channel up to here has been sent, and how many are unread and unseen there if that is known. */
  sendPosition(channel: Channel, position: StreamPosition, counts?: Counts): void
  /** Resolves when what was sent has left the process, or when the connection has closed. */
  drained(): Promise<void>
  /** Does what was said to the server on the user's log. */
  handleControl(control: Control): void
  /** A channel cannot be heard any more, through a fault of the server's: the connection ends, so that the tab tries again. */
  handleFault(): void
  /** Something of a channel was lost; it may have been said to the server. */
  handleLoss(channel: Channel): void
}
