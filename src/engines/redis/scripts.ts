import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'

type Argument = string | number

/** The scripts as ioredis offers them: keys first, then arguments. Each answers in Buffers, so that content is not decoded. */
export interface ScriptedClient {
  storeBuffer(
    ...args: Argument[]
  ): Promise<[status: number, seq: number, epoch: Buffer, id: Buffer, connections: Buffer[], life?: Buffer]>
  readLogBuffer(...args: Argument[]): Promise<[number, number, Buffer, number, ...Buffer[]]>
  announce(...args: Argument[]): Promise<[seq: number, epoch: string]>
  heartbeat(...args: Argument[]): Promise<string[]>
  revoke(...args: Argument[]): Promise<number>
}

/** Eight characters, for the name of a log that the call may found. */
export const birth = (): string => randomBytes(6).toString('base64url')

const read = (name: string): string => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')

/** Puts the scripts on a client. The number in a script's file name is the number of its keys. */
export function withScripts(client: Redis | Cluster): ScriptedClient {
  const log = read('log')
  for (const [command, file, prelude] of [
    ['store', 'publish-5', log],
    ['readLog', 'read-2', log],
    ['announce', 'announce-3', log],
    ['heartbeat', 'heartbeat-2', ''],
    ['revoke', 'revoke-1', ''],
  ] as const) {
    client.defineCommand(command, { numberOfKeys: Number(file.at(-1)), lua: prelude + read(file) })
  }
  return client as unknown as ScriptedClient
}
