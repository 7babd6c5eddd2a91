import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'

type Argument = string | number

/** The scripts as ioredis offers them: keys first, then arguments. Each answers in Buffers, so that content is not decoded. */
export interface ScriptedClient {
  publishBuffer(
    ...args: Argument[]
  ): Promise<[status: number, seq: number, epoch: Buffer, id: Buffer, connections: Buffer[], runId?: Buffer]>
  notifyBuffer(
    keys: number,
    ...args: Argument[]
  ): Promise<
    [
      status: number,
      seq: number,
      epoch: Buffer,
      id: Buffer,
      connections: Buffer[],
      runId: Buffer,
      version: Buffer,
      created: number,
      applied: number,
      alone: number,
    ][]
  >
  mark(
    ...args: Argument[]
  ): Promise<[changed: number, unread: number, unseen: number, ...hasWebhook: string[]]>
  withdraw(...args: Argument[]): Promise<[] | [id: string, hasWebhook: number]>
  listInbox(
    ...args: Argument[]
  ): Promise<[seq: number, epoch: string, unread: number, unseen: number, complete: number, ...string[]]>
  acknowledge(...args: Argument[]): Promise<string[]>
  expire(...args: Argument[]): Promise<string>
  noteEnd(...args: Argument[]): Promise<number>
  noteNextEnd(...args: Argument[]): Promise<number>
  schedule(...args: Argument[]): Promise<[status: number, id: string]>
  putWebhook(...args: Argument[]): Promise<number>
  takeWebhooks(...args: Argument[]): Promise<string[]>
  hastenWebhooks(...args: Argument[]): Promise<number>
  giveBackWebhook(...args: Argument[]): Promise<number>
  cancel(...args: Argument[]): Promise<number>
  conclude(...args: Argument[]): Promise<number>
  readLogBuffer(
    ...args: Argument[]
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
  announce(...args: Argument[]): Promise<[seq: number, epoch: string]>
  heartbeat(...args: Argument[]): Promise<[added: number, ...peers: string[]]>
  revoke(...args: Argument[]): Promise<number>
  grant(...args: Argument[]): Promise<number>
  attend(...args: Argument[]): Promise<number>
  bury(...args: Argument[]): Promise<number>
}

/** Eight characters, for the name of a log that the call may found. */
export const newIncarnation = (): string => randomBytes(6).toString('base64url')

const read = (name: string): string => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')

/** Puts the scripts on a client. The number in a script's file name is that of its keys; with `n` the caller gives it first. */
export function withScripts(client: Redis | Cluster): ScriptedClient {
  const log = read('log')
  const inbox = log + read('inbox')
  const webhookQueue = read('webhooks')
  const people = read('people')
  for (const [command, file, prelude] of [
    ['publish', 'publish-5', log],
    ['notify', 'notify-n', inbox],
    ['mark', 'mark-8', inbox],
    ['withdraw', 'withdraw-8', inbox],
    ['listInbox', 'list-inbox-8', inbox],
    ['acknowledge', 'acknowledge-3', inbox],
    ['expire', 'expire-8', inbox],
    ['noteEnd', 'note-end-1', ''],
    ['noteNextEnd', 'noteNextEnd-1', ''],
    ['schedule', 'schedule-2', ''],
    ['putWebhook', 'put-webhook-2', webhookQueue],
    ['takeWebhooks', 'take-webhooks-2', webhookQueue],
    ['hastenWebhooks', 'hasten-webhooks-2', webhookQueue],
    ['giveBackWebhook', 'noteNextEnd-watch-2', webhookQueue],
    ['cancel', 'cancel-1', ''],
    ['conclude', 'conclude-1', ''],
    ['readLog', 'read-log-3', log],
    ['announce', 'announce-3', log],
    ['heartbeat', 'heartbeat-2', ''],
    ['revoke', 'revoke-1', ''],
    ['grant', 'grant-4', log],
    ['attend', 'attend-4', people],
    ['bury', 'bury-4', people],
  ] as const) {
    const keys = Number(file.split('-').at(-1))
    const lua = prelude + read(file)
    client.defineCommand(command, Number.isNaN(keys) ? { lua } : { numberOfKeys: keys, lua })
  }
  return client as unknown as ScriptedClient
}
