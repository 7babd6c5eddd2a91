/** The keys and arguments of every script, in the order in which it reads them, and its answer; the head of each `.lua` file explains them. */
import type { PublishCommand } from '../links/command-connection.ts'

/** The log of a channel, and its topic. */
export type LogKeys = [log: string, meta: string, topic: string]

/** The inbox of a user. */
export type InboxKeys = [lines: string, contents: string, order: string, tags: string, ends: string]

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
  id: string,
  maxAge: number,
]

type Flag = 0 | 1

/** The process and the room of a presence, and how a change of it is announced. */
type PresenceArguments = [process: string, room: string, id: string, now: number, command: PublishCommand]

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
  alone: number,
]

/**
 * The scripts as ioredis offers them: keys first, then arguments; the head of each `.lua` file explains what it does. Those that end in `Buffer`
 * answer in Buffers, so that content is not decoded.
 */
export interface ScriptedClient {
  publishBuffer(
    ...args: [
      ...keys: [log: string, meta: string, connections: string, idempotency: string, topic: string],
      ...envelope: Envelope,
      opening: string,
      tail: string,
      stored: Flag,
      fingerprint: string,
      rememberSeconds: number,
    ]
  ): Promise<StoredAnswer>
  notifyBuffer(
    numberOfKeys: number,
    ...args: [
      ...keys: string[],
      ...envelope: Envelope,
      event: string,
      line: string,
      content: string,
      fingerprint: string,
      waiter: string,
      rememberSeconds: number,
      tag: string,
      version: number | '',
      progressState: string,
      renotify: Flag,
      alert: Flag,
      updatedAt: string,
      expiresAt: string,
      endsAt: number,
      type: string,
      category: string,
      webhook: string,
      firstId: string,
    ]
  ): Promise<NotifiedAnswer[]>
  mark(
    ...args: [
      ...LogKeys,
      ...InboxKeys,
      ...Envelope,
      opening: string,
      word: number,
      value: string,
      before: string,
      ...ids: string[],
    ]
  ): Promise<[changed: number, unread: number, unseen: number, ...withWebhook: string[]]>
  withdraw(
    ...args: [...LogKeys, ...InboxKeys, ...Envelope, opening: string, idOrTag: string]
  ): Promise<[] | [id: string, hasWebhook: number]>
  listInbox(
    ...args: [
      ...LogKeys,
      ...InboxKeys,
      ...Envelope,
      limit: number,
      before: number | '',
      status: string,
      category: string,
      type: string,
      idOrTag: string,
    ]
  ): Promise<
    [seq: number, epoch: string, unread: number, unseen: number, complete: number, ...items: string[]]
  >
  acknowledge(
    ...args: [meta: string, lines: string, order: string, seq: number, at: string, above: number]
  ): Promise<string[]>
  expire(...args: [...LogKeys, ...InboxKeys, ...Envelope]): Promise<string>
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
  readLogBuffer(
    ...args: [
      log: string,
      meta: string,
      lines: string,
      incarnation: string,
      now: number,
      maxAge: number,
      direction: 'after' | 'before',
      seq: string,
      maxEntries: number,
      maxBytes: number,
    ]
  ): Promise<
    [
      seq: number,
      floor: number,
      epochs: Buffer,
      complete: number,
      unread: number,
      unseen: number,
      last: Buffer,
      ...messages: Buffer[],
    ]
  >
  announce(
    ...args: [
      log: string,
      meta: string,
      connections: string,
      incarnation: string,
      process: string,
      count: number,
      now: number,
      keepMeta: number,
      keepCountSeconds: number,
      isUser: Flag,
    ]
  ): Promise<[seq: number, epoch: string]>
  heartbeat(
    ...args: [alive: string, peers: string, process: string, peer: string, deadAfter: number]
  ): Promise<[added: number, ...peers: string[]]>
  revoke(...args: [revoked: string, issuedAt: number]): Promise<number>
  grant(
    ...args: [
      log: string,
      meta: string,
      memberships: string,
      topic: string,
      ...envelope: Envelope,
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
