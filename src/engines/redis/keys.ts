import type { Channel } from '../../core/channel.ts'

/**
 * The names of all keys and Pub/Sub channels. What belongs to one log shares a hash tag, so that one script may use it on a Cluster.
 *
 * An id may hold any character, braces included: the tag is then shorter than the id, but the same for all keys of the channel, and the
 * names stay apart because no ending contains `}`.
 */
export class Keys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** The stream of entries; an entry's id is its seq. */
  log(channel: Channel): string {
    return `${this.bell(channel)}:log`
  }

  /** The hash of what is known of a log: seq, floor, epochs. */
  meta(channel: Channel): string {
    return `${this.bell(channel)}:meta`
  }

  /** The hash of process → number of connections. */
  connections(channel: Channel): string {
    return `${this.bell(channel)}:connections`
  }

  /** What an idempotency key was used for. */
  idempotency(channel: Channel, key: string): string {
    return `${this.bell(channel)}:idempotency:${key}`
  }

  /** The time up to which a user's tokens are refused. */
  revoked(channel: Channel): string {
    return `${this.bell(channel)}:revoked`
  }

  /** The Pub/Sub channel on which publications are carried. */
  bell(channel: Channel): string {
    return `${this.#prefix}:{${channel}}`
  }

  /** The channel that a bell belongs to. */
  channelOf(bell: string): Channel {
    return bell.slice(this.#prefix.length + 2, -1) as Channel
  }

  /** The sorted set of process → time of its last sign of life. */
  get alive(): string {
    return `${this.#prefix}:{processes}:alive`
  }

  /** The hash of process → how the others see it. */
  get peers(): string {
    return `${this.#prefix}:{processes}:peers`
  }
}
