import { createHook } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { TestApp } from '../../support/app.ts'

/** The number of everything that a server has for its connections. */
export interface Census {
  /** As its parts say. */
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

/** Observes a server in this process from its start, and counts what it has. */
export class CensusTaker {
  readonly #server: TestApp
  readonly #observed = new Map<string, WeakRef<object>[]>()
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
      this.#observe('connection', connection)
      open(connection)
    }
    const join = hub.join.bind(hub)
    hub.join = async (...args) => this.#observe('subscription', await join(...args))
    const subscribe = engine.broker.subscribe.bind(engine.broker)
    // A feed and the function by which it hears hold one another.
    engine.broker.subscribe = (channel, handler) => subscribe(channel, this.#observe('feed', handler))
    server.io.on('connection', (socket) => this.#observe('socket', socket))
    server.io.engine.on('connection', (transport: object) => this.#observe('transport', transport))
    server.app.api.server.on('connection', (connection) => this.#observe('tcp', connection))
    this.#hook.enable()
  }

  /** Observes no timers any more. */
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
      alive: Object.fromEntries([...this.#observed].map(([kind, references]) => [kind, references.length])),
      timers: this.#timers.size,
    }
  }

  /** Bytes on the heap after a collection of garbage. */
  heap(): number {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  /** Collects garbage and observes only what is left. */
  forget(): void {
    collectGarbage()
    for (const [kind, references] of this.#observed)
      this.#observed.set(
        kind,
        references.filter((reference) => reference.deref() !== undefined),
      )
  }

  #observe<T extends object>(kind: string, observed: T): T {
    const references = this.#observed.get(kind) ?? []
    references.push(new WeakRef(observed))
    this.#observed.set(kind, references)
    return observed
  }
}

/** True if the code that is the nearest to the top of a stack, but for Node's own, is ours. */
function isOurs(stack: string): boolean {
  const [nearest = ''] = stack
    .split('\n')
    .filter((line) => line.includes('at ') && !/node:|census/.test(line))
  return nearest.includes('/src/')
}
