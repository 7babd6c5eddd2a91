import calculateSlot from 'cluster-key-slot'
import { type Channel, isUserChannel } from '../../core/model/channel.ts'
import { tagOf } from './links/slots.ts'
import type { ChannelKeys, WebhookKeys } from './scripts/calls.ts'

/** What follows on the base in the names of the keys of a room's log. */
const OF_ROOMS = ['log', 'meta', 'connections']

/** The same for those of a user's log, with those that only version 0.1 had. */
const OF_USERS = [
  ...[
    'head',
    'notifications',
    'index',
    'flags',
    'seen',
    'read',
    'archived',
    'delivered',
    'tags',
    'ends',
    'events',
  ],
  ...['connections', 'memberships', 'last-seen'],
  ...['log', 'meta', 'inbox:lines', 'inbox:contents', 'inbox:order', 'inbox:tags', 'inbox:ends'],
]

/**
 * The names of all keys and Pub/Sub channels. All that belong to one log share a hash tag (Redis Cluster specification, "Hash tags"), so that
 * one script may use them on a Cluster.
 *
 * An id may have any character, braces included: the tag is then shorter than the id, but the same for all keys of the channel, and the
 * names stay apart because no ending contains `}`.
 */
export class Keys {
  readonly #prefix: string
  readonly #isCluster: boolean
  /** What follows on the base in the name of a topic: the number of the database, which separates keys, but not Pub/Sub. */
  readonly topicEnding: string

  /** `database`: the number of the Redis database. */
  constructor(prefix: string, database: number, isCluster: boolean) {
    this.#prefix = prefix
    this.#isCluster = isCluster
    this.topicEnding = database === 0 ? '' : `@${database}`
  }

  /** The beginning of the names of all keys of a channel; `scripts/log.lua` and `scripts/inbox.lua` name those of its log. */
  base(channel: Channel): string {
    return `${this.#prefix}:{${channel}}`
  }

  /** The keys of a script on a channel's log. `idempotencyKey`: the one that it was called with. */
  of(channel: Channel, idempotencyKey?: string): ChannelKeys {
    const base = this.base(channel)
    if (!this.#isCluster) return [1, base]
    const others = (isUserChannel(channel) ? OF_USERS : OF_ROOMS).map((name) => `${base}:${name}`)
    if (idempotencyKey !== undefined) others.push(this.idempotency(channel, idempotencyKey))
    return [1 + others.length, base, ...others]
  }

  /** The same for a script that wants the identity of the store as its second key. */
  withIdentity(channel: Channel): ChannelKeys {
    const [count, base, ...others] = this.of(channel)
    return [count + 1, base, this.#identity(channel), ...others]
  }

  /** The keys of a script on several users' logs: the identity of the store, then those of each. On a Cluster there may be only one user. */
  ofUsers(channels: readonly Channel[]): ChannelKeys {
    const identity = this.#identity(channels[0]!)
    if (!this.#isCluster)
      return [1 + channels.length, identity, ...channels.map((channel) => this.base(channel))]
    const keys = channels.flatMap(
      (channel) => [...this.of(channel).slice(1), this.revoked(channel)] as string[],
    )
    return [1 + keys.length, identity, ...keys]
  }

  /** The hash of process → number of connections. */
  connections(channel: Channel): string {
    return `${this.base(channel)}:connections`
  }

  /** The string with the time at which a user was last seen, in milliseconds since the epoch. */
  lastSeen(channel: Channel): string {
    return `${this.base(channel)}:last-seen`
  }

  /** The string with the identity of the store; on a Cluster, of the part that serves the channel's slot. */
  #identity(channel: Channel): string {
    const tag = this.#isCluster ? tagOf(calculateSlot(this.base(channel))) : 'store'
    return `${this.#prefix}:{${tag}}:identity`
  }

  /** The string with the result of the publish under an idempotency key. */
  idempotency(channel: Channel, key: string): string {
    return `${this.base(channel)}:idempotency:${key}`
  }

  /** The string with the time up to which a user's tokens are refused. */
  revoked(channel: Channel): string {
    return `${this.base(channel)}:revoked`
  }

  /** The hash of room → 1 if its member may speak there, else 0. */
  memberships(channel: Channel): string {
    return `${this.base(channel)}:memberships`
  }

  /** The hash of user → number of processes that have them in a room. */
  presentUsers(channel: Channel): string {
    return `${this.base(channel)}:presence:users`
  }

  /** The set of processes that have users in a room. */
  presentProcesses(channel: Channel): string {
    return `${this.base(channel)}:presence:processes`
  }

  /** The hash of user → number of connections in a room, for one process. */
  presenceOf(channel: Channel, process: string): string {
    return `${this.base(channel)}:presence:of:${process}`
  }

  /** The string that a process leaves in a store, to see whether it is still there. */
  marker(channel: Channel): string {
    return `${this.base(channel)}:marker`
  }

  /** The string that is written only so that replicas can be waited for. */
  waited(channel: Channel): string {
    return `${this.base(channel)}:waited`
  }

  /** The Pub/Sub channel on which the publications of a channel are announced. */
  topic(channel: Channel): string {
    return this.base(channel) + this.topicEnding
  }

  /** The channel that a topic belongs to. */
  channelOf(topic: string): Channel {
    return topic.slice(this.#prefix.length + 2, topic.length - this.topicEnding.length - 1) as Channel
  }

  /** The hash of id → scheduled notification of a user. */
  scheduled(channel: Channel): string {
    return `${this.base(channel)}:scheduled`
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
