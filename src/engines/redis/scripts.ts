import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'

type Argument = string | number

/** The scripts as ioredis offers them: keys first, then arguments. Each answers in Buffers, so that content is not decoded. */
export interface ScriptedClient {
  storeBuffer(
    ...args: Argument[]
  ): Promise<[status: number, seq: number, epoch: Buffer, id: Buffer, connections: Buffer[], life?: Buffer]>
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
      life: Buffer,
      version: Buffer,
      created: number,
      applied: number,
      alone: number,
    ][]
  >
  mark(...args: Argument[]): Promise<[changed: number, unread: number, unseen: number, ...watched: string[]]>
  withdraw(...args: Argument[]): Promise<[] | [id: string, watched: number]>
  listInbox(
    ...args: Argument[]
  ): Promise<[seq: number, epoch: string, unread: number, unseen: number, complete: number, ...string[]]>
  acknowledge(...args: Argument[]): Promise<string[]>
  expire(...args: Argument[]): Promise<string>
  note(...args: Argument[]): Promise<number>
  settle(...args: Argument[]): Promise<number>
  schedule(...args: Argument[]): Promise<[status: number, id: string]>
  putWatch(...args: Argument[]): Promise<number>
  takeWatches(...args: Argument[]): Promise<string[]>
  hastenWatches(...args: Argument[]): Promise<number>
  settleWatch(...args: Argument[]): Promise<number>
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
export const birth = (): string => randomBytes(6).toString('base64url')

const read = (name: string): string => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')

/** Puts the scripts on a client. The number in a script's file name is that of its keys; with `n` the caller gives it first. */
export function withScripts(client: Redis | Cluster): ScriptedClient {
  const log = read('log')
  const inbox = log + read('inbox')
  const watches = read('watches')
  const people = read('people')
  for (const [command, file, prelude] of [
    ['store', 'publish-5', log],
    ['notify', 'notify-n', inbox],
    ['mark', 'mark-8', inbox],
    ['withdraw', 'withdraw-8', inbox],
    ['listInbox', 'list-8', inbox],
    ['acknowledge', 'acknowledge-3', inbox],
    ['expire', 'expire-8', inbox],
    ['note', 'note-1', ''],
    ['settle', 'settle-1', ''],
    ['schedule', 'schedule-2', ''],
    ['putWatch', 'put-watch-2', watches],
    ['takeWatches', 'take-watches-2', watches],
    ['hastenWatches', 'hasten-watches-2', watches],
    ['settleWatch', 'settle-watch-2', watches],
    ['cancel', 'cancel-1', ''],
    ['conclude', 'conclude-1', ''],
    ['readLog', 'read-3', log],
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
