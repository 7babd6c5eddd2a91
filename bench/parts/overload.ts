/**
 * Overload: what is left of the goodput when five times as many callers press as the server lets wait, none of whom heeds `Retry-After`,
 * against the goodput with as many as it lets wait, in the same run.
 */
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Tabcast } from '../test/support/programs/tabcast.ts'
import { onBothEngines } from './engines.ts'
import { open, request } from './http-posts.ts'
import { measure, median, spread } from './ratio.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const SECONDS = 6
/** The default of `MAX_WAITING_PUBLISHES`. */
const CALLERS = 1000
const OVERLOAD = 5
const USERS = 200
/** How long the server may work on what was left when a round ended, in milliseconds. */
const SETTLING = 2000
/** Opened at once: more than a system holds until they are taken would be waiting for its retransmissions. */
const BATCH = 250

const BODY = JSON.stringify({ title: 'Your export is ready', body: 'Report 2026-11 has 1,204 rows.' })

/** What some callers got in a while. */
interface Outcome {
  /** Accepted, per second. */
  goodput: number
  /** The longest and the median time to a 201 and to a 503, in milliseconds. */
  accepted: number[]
  refused: number[]
  cores: number
}

async function press({ port, apiKey }: Tabcast, callers: number): Promise<Outcome> {
  const requests = Array.from({ length: USERS }, (_, index) => request(`/notify/user-${index}`, apiKey, BODY))
  const accepted: number[] = []
  const refused: number[] = []
  const sockets: Socket[] = []
  while (sockets.length < callers)
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(BATCH, callers - sockets.length) }, () => open(port)),
      )),
    )
  let next = 0
  const { seconds, cores } = await measure(async () => {
    for (const socket of sockets) {
      let start = 0
      const send = (): void => {
        start = performance.now()
        socket.write(requests[next++ % USERS]!)
      }
      // An answer is small and comes in one piece.
      socket.on('data', (answer: Buffer) => {
        const times = answer[9] === 0x32 ? accepted : refused
        times.push(performance.now() - start)
        send()
      })
      send()
    }
    await delay(SECONDS * 1000)
  })
  for (const socket of sockets) socket.destroy()
  // What was accepted last is yet to be stored, and would count against whoever is measured next.
  await delay(SETTLING)
  return { goodput: accepted.length / seconds, accepted, refused, cores }
}

const milliseconds = (rounds: readonly number[][]): string => {
  const all = rounds.flat()
  return all.length === 0
    ? 'none'
    : `${Math.round(median(all))} ms, at most ${Math.round(all.reduce((a, b) => Math.max(a, b), 0))} ms`
}

/** Runs the bench and answers the lines to print. */
export async function benchOverload(): Promise<string[]> {
  const lines = await onBothEngines(async (server) => {
    await press(server, CALLERS)
    const ratios: number[] = []
    const pressed: Outcome[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { goodput } = await press(server, CALLERS)
      const outcome = await press(server, CALLERS * OVERLOAD)
      pressed.push(outcome)
      ratios.push(outcome.goodput / goodput)
    }
    return (
      `goodput ${spread(ratios)}   201 after ${milliseconds(pressed.map((o) => o.accepted))}; ` +
      `503 after ${milliseconds(pressed.map((o) => o.refused))}; client ${spread(pressed.map((o) => o.cores))} cores`
    )
  })
  return [
    `overload: ${CALLERS * OVERLOAD} callers who do not wait against ${CALLERS}, ${ROUNDS} rounds of ${SECONDS} s each`,
    ...lines,
  ]
}
