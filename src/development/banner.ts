import type { Config } from '../config/config.ts'
import type { Engine } from '../core/engine/engine.ts'
import { describeEngine } from '../process/engine-log.ts'

/** The facts of a running app that its banner tells. */
export interface RunningApp {
  url: string
  /** Undefined in production. */
  development: { apiKey: string | undefined; notes: readonly string[] } | undefined
  engine: Engine
}

/** The text that a development server prints when it is ready: everything that a newcomer needs for the next minute; empty in production. */
export async function banner(
  { role, workers }: Pick<Config, 'role' | 'workers'>,
  { url, development, engine }: RunningApp,
): Promise<string> {
  if (development === undefined) return ''
  const { apiKey, notes } = development
  const about = await describeEngine(engine)
  const api = role === 'worker' ? await apiOf(engine) : url
  const pages =
    role === 'api'
      ? ['This process takes posts; tabs connect to a worker.', '', `  API explorer   ${url}/docs`]
      : [`  Demo page      ${url}/`, ...(role === 'all' ? [`  API explorer   ${url}/docs`] : [])]
  return `${[
    '',
    `Tabcast is running${workers > 1 ? ` as ${workers} processes` : ''}, in development mode.`,
    ...about,
    ...notes,
    '',
    ...pages,
    ...(apiKey === undefined ? [] : [`  API key        ${apiKey}`]),
    '',
    ...(role === 'api' ? [] : ['Open the demo page, in two tabs if you like.']),
    ...(api === undefined
      ? ['This process takes no posts: one with ROLE=api does, and prints a line to paste.']
      : ['Paste this line:', '', lineToPaste(api, apiKey)]),
    '',
  ].join('\n')}\n`
}

/** The URL of a process that takes posts; undefined if none is known yet, since processes that start together come one after the other. */
async function apiOf({ registry }: Engine): Promise<string | undefined> {
  const peers = await registry.peers().catch(() => [])
  return peers.find(({ role }) => role === 'api' || role === 'all')?.url
}

const lineToPaste = (api: string, apiKey = '<your API key>'): string =>
  [
    `curl ${api}/notify/demo`,
    `-H 'Authorization: Bearer ${apiKey}'`,
    `-H 'Content-Type: application/json'`,
    `-d '{"title":"Your export is ready","body":"1,204 rows","severity":"success"}'`,
  ].join(' ')

/** The text that a development server prints at Ctrl-C; empty if it ends at once anyway. `tabs`: the number of connections. */
export function farewell({ development, drainSeconds }: Config, tabs: number): string {
  if (!development || tabs === 0 || drainSeconds === 0) return ''
  const who = tabs === 1 ? '1 tab is' : `${tabs} tabs are`
  return `\nStopping: ${who} sent elsewhere within ${drainSeconds} s. Press Ctrl-C again to stop at once.\n`
}
