import type { Channel } from '../../core/model/channel.ts'
import type { InboxKeys, LogKeys, WebhookKeys } from './scripts/calls.ts'

/**
 * The names of all keys and Pub/Sub channels. What belongs to one log shares a hash tag, so that one script may use it on a Cluster.
 *
 * An id may hold any character, braces included: the tag is then shorter than the id, but the same for all keys of the channel, and the
 * names stay apart because no ending contains `}`.
 */
export class Keys {
  readonly #prefix: string
  readonly #topicPrefix: string

  /** `database` is the number of the Redis database: it separates keys, but not Pub/Sub, so topics carry it in their names. */
  constructor(prefix: string, database: number) {
    this.#prefix = prefix
    this.#topicPrefix = database === 0 ? prefix : `${prefix}@${database}`
  }

  /** The keys of a log for the scripts that write to it. */
  logKeys(channel: Channel): LogKeys {
    return [this.log(channel), this.meta(channel), this.topic(channel)]
  }

  /** The stream of entries; an entry's id is its seq. */
  log(channel: Channel): string {
    return `${this.#base(channel)}:log`
  }

  /** The hash of what is known of a log: seq, floor, epochs. */
  meta(channel: Channel): string {
    return `${this.#base(channel)}:meta`
  }

  /** The hash of process → number of connections. */
  connections(channel: Channel): string {
    return `${this.#base(channel)}:connections`
  }

  /** What an idempotency key was used for. */
  idempotency(channel: Channel, key: string): string {
    return `${this.#base(channel)}:idempotency:${key}`
  }

  /** The keys of a user's inbox: lines, contents, order, tags, ends; `scripts/inbox.lua` says what they hold. */
  inbox(channel: Channel): InboxKeys {
    const base = `${this.#base(channel)}:inbox`
    return [`${base}:lines`, `${base}:contents`, `${base}:order`, `${base}:tags`, `${base}:ends`]
  }

  /** The time up to which a user's tokens are refused. */
  revoked(channel: Channel): string {
    return `${this.#base(channel)}:revoked`
  }

  /** The hash of room → 1 if its member may speak there, else 0. */
  memberships(channel: Channel): string {
    return `${this.#base(channel)}:memberships`
  }

  /** The hash of user → number of processes that have them in a room. */
  people(channel: Channel): string {
    return `${this.#base(channel)}:people`
  }

  /** The set of processes that have somebody in a room. */
  hosts(channel: Channel): string {
    return `${this.#base(channel)}:hosts`
  }

  /** The hash of user → number of connections in a room, for one process. */
  guests(channel: Channel, process: string): string {
    return `${this.#base(channel)}:guests:${process}`
  }

  /** The mark that a process leaves in a store, to see whether it is still there. */
  marker(channel: Channel): string {
    return `${this.#base(channel)}:marker`
  }

  /** What is written only so that it can be waited for. */
  waited(channel: Channel): string {
    return `${this.#base(channel)}:waited`
  }

  /** The Pub/Sub channel on which publications are carried. */
  topic(channel: Channel): string {
    return `${this.#topicPrefix}:{${channel}}`
  }

  /** The channel that a topic belongs to. */
  channelOf(topic: string): Channel {
    return topic.slice(this.#topicPrefix.length + 2, -1) as Channel
  }

  #base(channel: Channel): string {
    return `${this.#prefix}:{${channel}}`
  }

  /** The hash of id → notification that waits for its time. */
  scheduled(channel: Channel): string {
    return `${this.#base(channel)}:scheduled`
  }

  /** The sorted set of what is scheduled → its time, in milliseconds since the epoch. */
  get times(): string {
    return `${this.#prefix}:{due}:times`
  }

  /** The sorted set of channel → the first time at which something in its inbox ends, in milliseconds since the epoch. */
  get due(): string {
    return `${this.#prefix}:{due}:ends`
  }

  /** The pending webhooks: the sorted set of notification → when it is due, and the hash that `scripts/webhooks.lua` explains. */
  get webhooks(): WebhookKeys {
    return [`${this.#prefix}:{webhooks}:times`, `${this.#prefix}:{webhooks}:webhooks`]
  }

  /** The sorted set of process → time of its last sign of runId. */
  get alive(): string {
    return `${this.#prefix}:{processes}:alive`
  }

  /** The hash of process → how the others see it. */
  get peers(): string {
    return `${this.#prefix}:{processes}:peers`
  }
}
