import type { Channel } from '../../core/model/channel.ts'
import type { InboxKeys, LogKeys, WebhookKeys } from './scripts/calls.ts'

/**
 * The names of all keys and Pub/Sub channels. All that belong to one log share a hash tag (Redis Cluster specification, "Hash tags"), so that
 * one script may use them on a Cluster.
 *
 * An id may have any character, braces included: the tag is then shorter than the id, but the same for all keys of the channel, and the
 * names stay apart because no ending contains `}`.
 */
export class Keys {
  readonly #prefix: string
  readonly #topicPrefix: string

  /** `database`: the number of the Redis database. It separates keys, but not Pub/Sub, so the names of topics contain it. */
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

  /** The hash of the facts about a log: seq, floor, epochs. */
  meta(channel: Channel): string {
    return `${this.#base(channel)}:meta`
  }

  /** The hash of process → number of connections. */
  connections(channel: Channel): string {
    return `${this.#base(channel)}:connections`
  }

  /** The string with the result of the publish under an idempotency key. */
  idempotency(channel: Channel, key: string): string {
    return `${this.#base(channel)}:idempotency:${key}`
  }

  /** The keys of a user's inbox: lines, contents, order, tags, ends; `scripts/inbox.lua` explains them. */
  inbox(channel: Channel): InboxKeys {
    const base = `${this.#base(channel)}:inbox`
    return [`${base}:lines`, `${base}:contents`, `${base}:order`, `${base}:tags`, `${base}:ends`]
  }

  /** The string with the time up to which a user's tokens are refused. */
  revoked(channel: Channel): string {
    return `${this.#base(channel)}:revoked`
  }

  /** The hash of room → 1 if its member may speak there, else 0. */
  memberships(channel: Channel): string {
    return `${this.#base(channel)}:memberships`
  }

  /** The hash of user → number of processes that have them in a room. */
  presentUsers(channel: Channel): string {
    return `${this.#base(channel)}:presence:users`
  }

  /** The set of processes that have users in a room. */
  presentProcesses(channel: Channel): string {
    return `${this.#base(channel)}:presence:processes`
  }

  /** The hash of user → number of connections in a room, for one process. */
  presenceOf(channel: Channel, process: string): string {
    return `${this.#base(channel)}:presence:of:${process}`
  }

  /** The string that a process leaves in a store, to see whether it is still there. */
  marker(channel: Channel): string {
    return `${this.#base(channel)}:marker`
  }

  /** The string that is written only so that replicas can be waited for. */
  waited(channel: Channel): string {
    return `${this.#base(channel)}:waited`
  }

  /** The Pub/Sub channel on which the publications of a channel are announced. */
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

  /** The hash of id → scheduled notification of a user. */
  scheduled(channel: Channel): string {
    return `${this.#base(channel)}:scheduled`
  }

  /** The sorted set of scheduled notification → its time, in milliseconds since the epoch. */
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

  /** The sorted set of process → time of its last heartbeat, in milliseconds since the epoch. */
  get alive(): string {
    return `${this.#prefix}:{processes}:alive`
  }

  /** The hash of process → its `Peer` as JSON. */
  get peers(): string {
    return `${this.#prefix}:{processes}:peers`
  }
}
