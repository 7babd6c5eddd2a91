import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { StreamPosition } from '../../src/core/model/position.ts'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

export interface SlowTabOptions {
  /** Number of tabs that stop to read, every fourth of them by polling. */
  tabs: number
  /** Bytes that each of them would have had to read meanwhile. */
  bytes: number
}

/** Figures of the time in which so many tabs did not read, and after it. */
export interface SlowTabFigures {
  /** The most memory of the process, in KiB. */
  peak: number
  /** Number of connections that the process closed because they were slow. */
  closed: number
  /** Number of times that healthy tabs lost their connection. */
  disturbed: number
  /** Number of messages of the healthy tabs that were missing or out of order, over all of them. */
  healthyFaults: number
  /** The same for the slow ones, after they have come back. */
  slowFaults: number
  messages: number
}

const ROOM = 'chart'
const HEALTHY = 2
const MESSAGE = JSON.stringify({ data: 'x'.repeat(16_000) })
/** Bytes that the healthy tabs may be behind: half of what a connection may have waiting. */
const WINDOW = 32

/** Publishes so many bytes to a room that healthy and frozen tabs hear, on a process of its own; then lets the frozen ones come back. */
export async function slowTabs({ tabs, bytes }: SlowTabOptions): Promise<SlowTabFigures> {
  const messages = Math.ceil(bytes / MESSAGE.length)
  const server = await startTabcast({ ROOM_RETENTION_COUNT: `${messages}` })
  const proxy = await startProxy(server.port)
  const healthy: ChartTab[] = []
  const slow: ChartTab[] = []
  const memory = new PeakMemory(server.pid)
  try {
    for (let index = 0; index < HEALTHY; index++) healthy.push(new ChartTab(server, server.port, 'websocket'))
    for (let index = 0; index < tabs; index++)
      slow.push(new ChartTab(server, proxy.port, index % 4 === 3 ? 'polling' : 'websocket'))
    await Promise.all([...healthy, ...slow].map((tab) => tab.sees('position', 2)))

    proxy.set('frozen')
    await publish(server, messages, healthy)
    const closed = await slowlyClosed(server)
    const peak = memory.end()

    await letThemBack(proxy, slow, messages)
    const faults = (all: ChartTab[]): number =>
      all.reduce((sum, tab) => sum + tab.faults + messages - tab.count, 0)
    return {
      peak,
      closed,
      disturbed: healthy.reduce((sum, tab) => sum + tab.disconnects, 0),
      healthyFaults: faults(healthy),
      slowFaults: faults(slow),
      messages,
    }
  } finally {
    memory.end()
    for (const tab of [...healthy, ...slow]) tab.close()
    await proxy.close()
    await server.kill()
  }
}

async function publish(server: Tabcast, messages: number, healthy: readonly ChartTab[]): Promise<void> {
  for (let sent = 1; sent <= messages; sent++) {
    const response = await fetch(`${server.url}/rooms/${ROOM}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
      body: MESSAGE,
    })
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    await response.arrayBuffer()
    await Promise.all(healthy.map((tab) => tab.reaches(Math.max(0, sent - WINDOW))))
  }
  await Promise.all(healthy.map((tab) => tab.reaches(messages)))
}

async function slowlyClosed(server: Tabcast): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  return Number(/tabcast_connections_closed_total\{reason="slow"\} (\d+)/.exec(metrics)?.[1])
}

/** Waits for tabs to be complete; what never comes is the finding, not an error. */
async function letThemBack(proxy: TcpProxy, slow: readonly ChartTab[], messages: number): Promise<void> {
  proxy.set('open')
  await until(async () => slow.every(({ count }) => count >= messages), 120_000).catch(() => undefined)
}

/** A stock client that keeps its cursor of the room, and nothing of what it has read. */
class ChartTab extends TestTab {
  count = 0
  /** Messages that came again, or with something missing before them. */
  faults = 0
  disconnects = 0
  #waiting: { count: number; resolve: () => void } | undefined

  constructor({ jwtSecret }: Tabcast, port: number, transport: 'websocket' | 'polling') {
    super(`http://127.0.0.1:${port}`, {
      token: browserToken(jwtSecret, { user: `by-${transport}`, rooms: [ROOM] }),
      transports: [transport],
      since: { rooms: { [ROOM]: { seq: 0 } } },
    })
    this.socket.on('message', ({ seq, epoch }: StreamPosition) => {
      if (seq === this.count + 1) this.count = seq
      else this.faults++
      this.since = { rooms: { [ROOM]: { seq, epoch } } }
      this.seen.length = 0
      if (this.#waiting !== undefined && this.count >= this.#waiting.count) this.#waiting.resolve()
    })
    this.socket.on('disconnect', () => {
      this.disconnects++
    })
  }

  /** Resolves when so many messages have come. */
  reaches(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting = { count, resolve }
    })
  }
}

/** The most memory that a process has held while this looked, in KiB. */
class PeakMemory {
  #peak = 0
  #ended = false

  constructor(pid: number) {
    void this.#look(`/proc/${pid}/status`)
  }

  end(): number {
    this.#ended = true
    return this.#peak
  }

  async #look(file: string): Promise<void> {
    while (!this.#ended) {
      // It may have ended before this has.
      const status = await readFile(file, 'utf8').catch(() => '')
      this.#peak = Math.max(this.#peak, Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0))
      await delay(20)
    }
  }
}
