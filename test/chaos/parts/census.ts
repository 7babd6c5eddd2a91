import { createHook } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { TestApp } from '../../support/app.ts'

/** How much a server has of everything that connections need. */
export interface Census {
  /** What its parts say. */
  connections: number
  channels: number
  tabs: number
  sockets: number
  transports: number
  /** Connections of users, as the engine counts them. */
  present: number
  /** Subscriptions of channels, sockets, transports and the like that are still on the heap. */
  alive: Record<string, number>
  /** Timers of our own that have not fired and were not cancelled. */
  timers: number
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** WebhookQueue a server in this process from its start, and counts what it has. */
export class CensusTaker {
  readonly #server: TestApp
  readonly #watched = new Map<string, WeakRef<object>[]>()
  readonly #timers = new Set<number>()
  readonly #hook = createHook({
    init: (id, type) => {
      if (type === 'Timeout' && isOurs(new Error().stack!)) this.#timers.add(id)
    },
    destroy: (id) => {
      this.#timers.delete(id)
    },
  })

  constructor(server: TestApp) {
    this.#server = server
    const { hub, engine } = server.app
    const open = hub.open.bind(hub)
    hub.open = (connection) => {
      this.#watch('connection', connection)
      open(connection)
    }
    const join = hub.join.bind(hub)
    hub.join = async (...args) => this.#watch('member', await join(...args))
    const subscribe = engine.broker.subscribe.bind(engine.broker)
    // A feed and the function by which it hears hold one another.
    engine.broker.subscribe = (channel, handler) => subscribe(channel, this.#watch('feed', handler))
    server.io.on('connection', (socket) => this.#watch('socket', socket))
    server.io.engine.on('connection', (transport: object) => this.#watch('transport', transport))
    server.app.api.server.on('connection', (connection) => this.#watch('tcp', connection))
    this.#hook.enable()
  }

  /** WebhookQueue no timers any more. */
  end(): void {
    this.#hook.disable()
  }

  /** Counts, after a collection of garbage. */
  async take(users: readonly string[]): Promise<Census> {
    const { app, io } = this.#server
    const attendance = await app.engine.connections.count(users.map(userChannel))
    this.forget()
    return {
      connections: app.hub.counts.connections,
      channels: app.hub.counts.channels,
      tabs: app.sockets!.counts.connections,
      sockets: io.sockets.sockets.size,
      transports: io.engine.clientsCount,
      present: attendance.reduce((sum, { connections }) => sum + connections, 0),
      alive: Object.fromEntries([...this.#watched].map(([kind, references]) => [kind, references.length])),
      timers: this.#timers.size,
    }
  }

  /** What is on the heap after a collection of garbage, in bytes. */
  heap(): number {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  /** Collects garbage and watches only what is left. */
  forget(): void {
    collectGarbage()
    for (const [kind, references] of this.#watched)
      this.#watched.set(
        kind,
        references.filter((reference) => reference.deref() !== undefined),
      )
  }

  #watch<T extends object>(kind: string, watched: T): T {
    const references = this.#watched.get(kind) ?? []
    references.push(new WeakRef(watched))
    this.#watched.set(kind, references)
    return watched
  }
}

/** Whether the code that is the nearest to the top of a stack, but for Node's own, is ours. */
function isOurs(stack: string): boolean {
  const [nearest = ''] = stack
    .split('\n')
    .filter((line) => line.includes('at ') && !/node:|census/.test(line))
  return nearest.includes('/src/')
}
