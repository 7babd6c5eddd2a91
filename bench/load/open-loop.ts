import { percentile } from '../figures/ratio.ts'
import { now } from './clock.ts'
import { ended, PostConnection, type Posted, type Request } from './http-posts.ts'

/** The longest that the event loop is held while nothing is due, in milliseconds: answers are read in between. */
const LONGEST_WAIT = 1

/** The outcome of posts by a schedule. */
export interface Scheduled extends Posted {
  /** By how much this process itself was late when it sent, at 99 %, in microseconds; what waited for a connection is not in it. */
  late: number
}

/**
 * Posts by a schedule, whatever the server does: `rate` a second for so many seconds, to the users in turn. What finds no free connection
 * waits for one, and the time that it was due stays what it was.
 */
export async function postAtRate(
  port: number,
  requests: readonly Request[],
  rate: number,
  seconds: number,
  connections: number,
): Promise<Scheduled> {
  const posts = rate * seconds
  const done = Promise.withResolvers<void>()
  const free: PostConnection[] = []
  const waiting: number[] = []
  let answered = 0
  const late: number[] = []
  let sent = 0
  const send = (connection: PostConnection, due: number): void =>
    connection.send(requests[sent++ % requests.length]!, due)
  const opened = await Promise.all(
    Array.from({ length: connections }, () =>
      PostConnection.open(port, (connection) => {
        if (++answered === posts) done.resolve()
        const due = waiting.shift()
        if (due === undefined) free.push(connection)
        else send(connection, due)
      }),
    ),
  )
  free.push(...opened)
  const startedAt = now()
  let index = 0
  const turn = (): void => {
    const wait = startedAt + (index * 1e6) / rate - now()
    if (wait > 0) pause(Math.min(wait / 1000, LONGEST_WAIT))
    for (const time = now(); index < posts; index++) {
      const due = startedAt + (index * 1e6) / rate
      if (due > time) break
      const connection = free.pop()
      if (connection === undefined) waiting.push(due)
      else {
        late.push(now() - due)
        send(connection, due)
      }
    }
    if (index < posts) setImmediate(turn)
  }
  turn()
  await done.promise
  return { ...ended(opened, startedAt), late: percentile(Float64Array.from(late), 0.99) }
}

const nothing = new Int32Array(new SharedArrayBuffer(4))

/** Timers know whole milliseconds only, and spinning takes a core from whoever is measured: this sleeps for microseconds. */
function pause(milliseconds: number): void {
  Atomics.wait(nothing, 0, 0, milliseconds)
}
