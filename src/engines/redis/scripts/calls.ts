/** The keys and arguments of every script, in the order in which it reads them, and its answer; the head of each `.lua` file explains them. */
import type { PublishCommand } from '../links/command-connection.ts'

/** The keys of a script on logs: their number, the base of a channel, and what follows; see log.lua. */
export type ChannelKeys = [numberOfKeys: number, base: string, ...others: string[]]

/** The presence of a room, and its topic; `own` is the hash of one process. */
export type PresenceKeys = [users: string, processes: string, own: string, topic: string]

/** The pending webhooks. */
export type WebhookKeys = [times: string, webhooks: string]

/** The first arguments of every script that writes to a log; see `envelope` in log.lua. */
export type Envelope = [
  runId: string,
  incarnation: string,
  now: number,
  maxCount: number,
  command: PublishCommand,
  topic: string,
  maxAge: number,
]

/** The envelope of a script that may have to report what has ended; `id` is that of the event. */
export type EventEnvelope = [...Envelope, id: string]

type Flag = 0 | 1

/** The process and the room of a presence, and how a change of it is announced. */
type PresenceArguments = [process: string, room: string, id: string, now: number, command: PublishCommand]

/** The answer of `enter` for one user. `memberships`: rooms, each followed by `1` if the user may speak there, else by `0`. */
export type EnterAnswer = [seq: number, epoch: string, revoked: string, memberships: string[]]

/** The arguments of `notify` that say what is stored. */
export type ItemArguments = [
  event: string,
  ending: string,
  ends: number,
  content: string,
  stamp: string,
  updated: number,
  alert: Flag,
  waiting: string,
  version: number | '',
  progressState: string,
  kind: string,
  typeHash: number,
  categoryHash: number,
  tag: string,
  renotify: Flag,
]

/** The answer of a script that stores a publication. */
type StoredAnswer = [
  status: number,
  seq: number,
  epoch: Buffer,
  id: Buffer,
  connections: Buffer[],
  runId?: Buffer,
]

/** The answer of a script that stores a notification. */
type NotifiedAnswer = [
  ...Required<StoredAnswer>,
  version: Buffer,
  created: number,
  applied: number,
  endsFirst: number,
]

/** A stretch of a log: from a seq, exclusive, or "" for the beginning in that direction. */
type LogRange = [direction: 'after' | 'before', seq: string, maxEntries: number, maxBytes: number]

/** The answer of a script that reads a log. */
export type LogAnswer = [
  seq: number,
  floor: number,
  epochs: Buffer,
  identity: Buffer,
  complete: number,
  unread: number,
  unseen: number,
  last: Buffer,
  ...entries: Buffer[],
]

/**
 * The scripts as ioredis offers them: keys first, then arguments; the head of each `.lua` file explains what it does. Those that end in `Buffer`
 * answer in Buffers, so that content is not decoded.
 */
export interface ScriptedClient {
  publishBuffer(
    ...args: [
      ...keys: ChannelKeys,
      ...envelope: EventEnvelope,
      opening: string,
      tail: string,
      kind: 'room' | 'user' | 'none',
      idempotencyKey: string,
      fingerprint: string,
      rememberSeconds: number,
    ]
  ): Promise<StoredAnswer>
  notifyBuffer(
    ...args: [
      ...keys: ChannelKeys,
      ...envelope: Envelope,
      ...item: ItemArguments,
      idempotencyKey: string,
      fingerprint: string,
      rememberSeconds: number,
      firstId: string,
    ]
  ): Promise<NotifiedAnswer[]>
  /** More ids may follow on the first, or none. */
  mark(
    ...args: [
      ...keys: ChannelKeys,
      ...EventEnvelope,
      opening: string,
      state: string,
      at: number | '',
      before: number | '',
      firstId: string,
    ]
  ): Promise<[changed: number, unread: number, unseen: number, ...withWebhook: string[]]>
  withdraw(
    ...args: [...keys: ChannelKeys, ...EventEnvelope, opening: string, id: string, tag: string]
  ): Promise<[] | [id: string, hasWebhook: number]>
  list(
    ...args: [
      ...keys: ChannelKeys,
      ...EventEnvelope,
      limit: number,
      before: number | '',
      status: string,
      type: string,
      typeHash: number,
      category: string,
      categoryHash: number,
      id: string,
      tag: string,
      fresh: string,
    ]
  ): Promise<
    [
      seq: number,
      epoch: string,
      identity: string,
      unread: number,
      unseen: number,
      complete: number,
      ...items: string[],
    ]
  >
  acknowledge(
    ...args: [...keys: ChannelKeys, seq: number, at: number, above: number, lifetime: number]
  ): Promise<string[]>
  expire(...args: [...keys: ChannelKeys, ...EventEnvelope]): Promise<string>
  noteEnd(...args: [due: string, ends: number, ...channels: string[]]): Promise<number>
  noteNextEnd(...args: [due: string, channel: string, seen: string, next: string]): Promise<number>
  schedule(
    ...args: [
      idempotency: string,
      scheduled: string,
      id: string,
      json: string,
      fingerprint: string,
      rememberSeconds: number,
    ]
  ): Promise<[status: number, id: string]>
  cancel(...args: [scheduled: string, id: string]): Promise<number>
  conclude(...args: [scheduled: string, id: string]): Promise<number>
  putWebhook(
    ...args: [...WebhookKeys, id: string, version: number, at: number, json: string]
  ): Promise<number>
  takeWebhooks(
    ...args: [...WebhookKeys, now: number, until: number, limit: number, token: string]
  ): Promise<string[]>
  hastenWebhooks(
    ...args: [...WebhookKeys, now: number, deliveredAt: string, ...ids: string[]]
  ): Promise<number>
  giveBackWebhook(
    ...args: [
      ...WebhookKeys,
      id: string,
      version: number,
      token: string,
      now: number,
      at: number | '',
      json: string,
    ]
  ): Promise<number>
  roomLogBuffer(
    ...args: [...keys: ChannelKeys, now: number, maxAge: number, ...LogRange, fresh: string]
  ): Promise<LogAnswer>
  userLogBuffer(
    ...args: [...keys: ChannelKeys, ...EventEnvelope, ...LogRange, fresh: string]
  ): Promise<LogAnswer>
  announce(
    ...args: [
      ...keys: ChannelKeys,
      process: string,
      count: number,
      now: number,
      keepCountSeconds: number,
      keepSeen: number | '',
      fresh: string,
    ]
  ): Promise<[seq: number, epoch: string, identity: string]>
  enter(
    ...args: [
      ...keys: ChannelKeys,
      process: string,
      now: number,
      keepCountSeconds: number,
      keepSeen: number,
      fresh: string,
      connections: string,
    ]
  ): Promise<[identity: string, ...users: EnterAnswer[]]>
  heartbeat(
    ...args: [alive: string, peers: string, process: string, peer: string, deadAfter: number]
  ): Promise<[added: number, ...peers: string[]]>
  revoke(...args: [revoked: string, issuedAt: number]): Promise<number>
  grant(
    ...args: [
      ...keys: ChannelKeys,
      ...envelope: EventEnvelope,
      opening: string,
      tail: string,
      room: string,
      publish: '' | '0' | '1',
      most: number,
    ]
  ): Promise<number>
  statePresence(
    ...args: [
      ...PresenceKeys,
      ...PresenceArguments,
      keepSeconds: number,
      ...usersAndConnections: (string | number)[],
    ]
  ): Promise<number>
  removePresence(...args: [...PresenceKeys, ...PresenceArguments]): Promise<number>
}
