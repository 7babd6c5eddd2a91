/**
 * Inboxes that are full, and inboxes whose notifications end all the time, against new ones, on the same server in the same round: what
 * takes the place of others may not cost what looking through all of them does.
 */
import type { Tabcast } from '../test/support/programs/tabcast.ts'
import { onBothEngines } from './engines.ts'
import { postAll, request } from './http-posts.ts'
import { measure, spread } from './ratio.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const POSTS = 20_000
const USERS = 40
const CONNECTIONS = 64
/** How many notifications an inbox has when it is full: the default of `RETENTION_COUNT`. */
const FULL = 1000

const NOTIFICATION = { title: 'Your export is ready', body: 'Report 2026-11 has 1,204 rows.' }

/** Posts so many notifications to users of this kind; resolves to the seconds that it took. */
async function post({ port, apiKey }: Tabcast, kind: string, posts: number, ttl?: number): Promise<number> {
  const body = JSON.stringify({ ...NOTIFICATION, ttl })
  const requests = Array.from({ length: posts }, (_, index) =>
    request(`/notify/${kind}-${index % USERS}`, apiKey, body),
  )
  const { seconds } = await measure(async () => {
    const { failed } = await postAll(port, requests, CONNECTIONS)
    if (failed > 0) throw new Error(`${kind}: ${failed} posts failed`)
  })
  return seconds
}

async function ratiosOn(server: Tabcast): Promise<{ full: number[]; ending: number[]; rate: number }> {
  await post(server, 'full', USERS * FULL)
  await post(server, 'ending', POSTS, 1)
  const rounds: { fresh: number; full: number; ending: number }[] = []
  for (let round = 0; round < ROUNDS; round++)
    rounds.push({
      fresh: await post(server, `fresh-${round}`, POSTS),
      full: await post(server, 'full', POSTS),
      ending: await post(server, 'ending', POSTS, 1),
    })
  return {
    full: rounds.map(({ fresh, full }) => fresh / full),
    ending: rounds.map(({ fresh, ending }) => fresh / ending),
    rate: POSTS / Math.min(...rounds.map(({ fresh }) => fresh)),
  }
}

/** Runs the bench and answers the lines to print. */
export async function benchInboxes(): Promise<string[]> {
  const lines = await onBothEngines(async (server) => {
    const { full, ending, rate } = await ratiosOn(server)
    return `full ${spread(full)}   ending ${spread(ending)}   new ones up to ${Math.round(rate)}/s`
  })
  return [
    `inboxes: ${POSTS} posts to ${USERS} users with ${FULL} notifications, and to ${USERS} whose notifications end after a second, against new users, ${ROUNDS} rounds`,
    ...lines,
  ]
}
