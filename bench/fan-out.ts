/**
 * One room message to 5,000 sockets, against `ws` alone broadcasting the very same text. Both servers run all the time and are measured
 * in turn.
 */
import { startNode, startTabcast } from '../test/support/programs/tabcast.ts'
import { browserToken } from '../test/support/tokens.ts'
import { postAll, request } from './http-posts.ts'
import { type Measured, measure, spread } from './ratio.ts'
import { type FrameHandler, openTab, Tab } from './tab.ts'

const SOCKETS = Number(process.env.BENCH_SOCKETS ?? 5000)
const MESSAGES = 20
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const BATCH = 100

const BODY = JSON.stringify({ body: 'The train on platform 4 is 10 minutes late.', type: 'announcement' })

/** Runs the bench and answers the lines to print. */
export async function benchFanOut(): Promise<string[]> {
  const raw = await startNode('bench/raw-broadcast-server.ts')
  const tabcast = await startTabcast({ JOIN_ROOMS: 'hall', MAX_CONNECTS_PER_SECOND: '1000000' })
  const opened: Tab[] = []
  const heard = { count: 0, target: 0, reached: () => {}, text: '' }
  const hear: FrameHandler = (chunk, start, end) => {
    if (heard.text === '') heard.text = chunk.toString('utf8', start, end)
    if (++heard.count === heard.target) heard.reached()
  }
  const open = async (openOne: (index: number) => Promise<Tab>): Promise<void> => {
    for (let index = 0; index < SOCKETS; index += BATCH)
      opened.push(...(await Promise.all(Array.from({ length: BATCH }, (_, at) => openOne(index + at)))))
  }
  const broadcast = (port: number, path: string, key: string, body: string): Promise<Measured> => {
    heard.target = heard.count + SOCKETS * MESSAGES
    const all = new Promise<void>((resolve) => {
      heard.reached = resolve
    })
    const requests = Array.from({ length: MESSAGES }, () => request(path, key, body))
    return measure(async () => {
      await postAll(port, requests, 1)
      await all
    })
  }
  try {
    await open(async (index) =>
      openTab(tabcast.port, await browserToken(tabcast.jwtSecret, { user: `user-${index}` }), hear),
    )
    const rooms = (): Promise<Measured> =>
      broadcast(tabcast.port, '/rooms/hall/messages', tabcast.apiKey, BODY)
    await rooms()
    const sameText = heard.text
    await open(() => Tab.open(raw.port, '/', hear))
    const plain = (): Promise<Measured> => broadcast(raw.port, '/', 'none', sameText)
    await plain()
    const rounds: { rooms: Measured; plain: Measured }[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push({ rooms: await rooms(), plain: await plain() })
    const deliveries = SOCKETS * MESSAGES
    return [
      `fan-out: ${MESSAGES} messages of ${sameText.length} bytes to ${SOCKETS} sockets, ${ROUNDS} rounds`,
      `  against ws alone       ${spread(rounds.map((round) => round.plain.seconds / round.rooms.seconds))}`,
      `  Tabcast                ${spread(
        rounds.map((round) => deliveries / round.rooms.seconds / 1000),
        0,
      )} thousand deliveries/s, client ${spread(rounds.map((round) => round.rooms.cores))} cores`,
      `  ws                     ${spread(
        rounds.map((round) => deliveries / round.plain.seconds / 1000),
        0,
      )} thousand deliveries/s, client ${spread(rounds.map((round) => round.plain.cores))} cores`,
    ]
  } finally {
    for (const tab of opened) tab.close()
    await Promise.all([raw.kill(), tabcast.kill()])
  }
}
