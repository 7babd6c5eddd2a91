import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import type { ScriptedClient } from './calls.ts'

/** Eight characters, for the name of a log that the call may found. */
export const newIncarnation = (): string => randomBytes(6).toString('base64url')

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')

/** What stands in front of each script. */
const PRELUDES = {
  none: [],
  log: ['log'],
  inbox: ['log', 'inbox'],
  webhooks: ['webhooks'],
  people: ['people'],
} as const

/** The file of each script: its name is the command's, and the number of its keys; with `n` the caller gives that first. */
const SCRIPTS: Readonly<Record<string, keyof typeof PRELUDES>> = {
  'publish-5': 'log',
  'notify-n': 'inbox',
  'mark-8': 'inbox',
  'withdraw-8': 'inbox',
  'list-inbox-8': 'inbox',
  'acknowledge-3': 'inbox',
  'expire-8': 'inbox',
  'note-end-1': 'none',
  'note-next-end-1': 'none',
  'schedule-2': 'none',
  'cancel-1': 'none',
  'conclude-1': 'none',
  'put-webhook-2': 'webhooks',
  'take-webhooks-2': 'webhooks',
  'hasten-webhooks-2': 'webhooks',
  'give-back-webhook-2': 'webhooks',
  'read-log-3': 'log',
  'announce-3': 'log',
  'heartbeat-2': 'none',
  'revoke-1': 'none',
  'grant-4': 'log',
  'attend-4': 'people',
  'bury-4': 'people',
}

/** `list-inbox-8` is the command `listInbox`. */
const commandOf = (file: string): string =>
  file.slice(0, file.lastIndexOf('-')).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** Puts the scripts on a client. */
export function withScripts(client: Redis | Cluster): ScriptedClient {
  for (const [file, prelude] of Object.entries(SCRIPTS)) {
    const keys = Number(file.split('-').at(-1))
    const lua = [...PRELUDES[prelude], file].map(read).join('')
    client.defineCommand(commandOf(file), Number.isNaN(keys) ? { lua } : { numberOfKeys: keys, lua })
  }
  return client as unknown as ScriptedClient
}
