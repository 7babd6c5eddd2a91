import { setTimeout as delay } from 'node:timers/promises'
import { now } from './clock.ts'
import { ended, PostConnection, type Request } from './http-posts.ts'

/** Opened at once: more than a system holds until they are taken would be waiting for its retransmissions. */
const BATCH = 250

/** Answers to callers who do not wait when they are told to. Times are in milliseconds. */
export interface Pressed {
  seconds: number
  accepted: Float64Array
  refused: Float64Array
}

/** Posts for so many seconds from so many callers, each of whom posts again as soon as it is answered, whatever the answer was. */
export async function press(
  port: number,
  requests: readonly Request[],
  callers: number,
  seconds: number,
): Promise<Pressed> {
  const accepted: number[] = []
  const refused: number[] = []
  const sentAt = new Map<PostConnection, { at: number; failed: number }>()
  let next = 0
  let isOver = false
  const send = (connection: PostConnection): void => {
    const at = now()
    sentAt.set(connection, { at, failed: connection.failed })
    connection.send(requests[next++ % requests.length]!, at)
  }
  const onAnswer = (connection: PostConnection): void => {
    if (isOver) return
    const { at, failed } = sentAt.get(connection)!
    const times = connection.failed > failed ? refused : accepted
    times.push((now() - at) / 1000)
    send(connection)
  }
  const connections: PostConnection[] = []
  while (connections.length < callers) {
    const count = Math.min(BATCH, callers - connections.length)
    const opening = Array.from({ length: count }, () => PostConnection.open(port, onAnswer))
    connections.push(...(await Promise.all(opening)))
  }
  const startedAt = now()
  for (const connection of connections) send(connection)
  await delay(seconds * 1000)
  isOver = true
  const { endedAt } = ended(connections, startedAt)
  return {
    seconds: (endedAt - startedAt) / 1e6,
    accepted: Float64Array.from(accepted),
    refused: Float64Array.from(refused),
  }
}
