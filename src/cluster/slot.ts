import cluster, { type Worker } from 'node:cluster'
import { rmSync } from 'node:fs'
import { OperatorError } from '../core/model/errors.ts'
import type { FromParent, FromWorker } from './messages.ts'
import { closeUntaken } from './untaken.ts'
import { socketPathOf } from './worker-process.ts'

/** The least milliseconds before a restart, and the most, before jitter. */
const LEAST = 200
const MOST = 10_000

/** A process that ran for this many milliseconds has no failure that a restart repeats at once. */
const HEALTHY = 30_000

/** The wait before a process that ended is started again: longer each time unless it ran for a while, with jitter. */
export class Backoff {
  #next = LEAST

  /** Returns the milliseconds to wait now; `lived`: how many the process ran that has ended. */
  after(lived: number): number {
    const delay = lived >= HEALTHY ? LEAST : this.#next
    this.#next = Math.min(MOST, delay * 2)
    return delay * (0.5 + Math.random() / 2)
  }
}

/** The log of a parent, whose lines stand among those of its workers; pino has these methods. */
export interface ClusterLog {
  info(fields: object, message: string): void
  error(message: string): void
}

/** The parts that a slot works with. */
export interface SlotOptions<Orders> {
  /** 1, 2, 3 … */
  slot: number
  /** The folder of the workers' sockets. */
  folder: string
  /** The orders that each process receives at its start. */
  orders: Orders
  log: ClusterLog
}

/** One worker of several: a process that ends is followed by another with the same slot number. */
export class Slot<Orders> {
  /** The number of Socket.IO connections, as its process last reported it. */
  connections = 0
  /** Whether its process was stopped gracefully, and yet did not end with exit code 0. */
  wasCutShort = false
  readonly #options: SlotOptions<Orders>
  readonly #backoff = new Backoff()
  #worker: Worker | undefined
  #hasStarted = false
  #isStopping = false
  #restart: NodeJS.Timeout | undefined

  constructor(options: SlotOptions<Orders>) {
    this.#options = options
  }

  /** The number of this slot: 1, 2, 3 … */
  get slot(): number {
    return this.#options.slot
  }

  /** Starts the first process. Resolves to its banner when it takes connections; rejects with an `OperatorError` if it cannot start. */
  start(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    let reason = `worker ${this.slot} ended before it was ready`
    const worker = this.#fork((message) => {
      if (message.kind === 'started') {
        this.#follow(worker)
        resolve(message.banner)
      }
      if (message.kind === 'failed') reason = message.reason
    })
    worker.once('exit', () => reject(new OperatorError(reason)))
    return promise
  }

  /** Stops the process for good, gracefully; resolves when it has ended. One that takes no connections yet is ended at once. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#restart)
    const worker = this.#worker
    if (worker === undefined) return
    const isGraceful = this.#hasStarted
    const ended = new Promise<boolean>((resolve) => worker.once('exit', (code) => resolve(code === 0)))
    if (isGraceful) send(worker, { kind: 'stop' })
    else worker.process.kill('SIGKILL')
    this.wasCutShort = !(await ended) && isGraceful
  }

  /** Ends the process at once, for good. */
  kill(): void {
    this.#isStopping = true
    clearTimeout(this.#restart)
    this.#worker?.process.kill('SIGKILL')
  }

  #fork(hear: (message: FromWorker) => void): Worker {
    const { folder, orders, slot } = this.#options
    const worker = cluster.fork()
    closeUntaken(worker)
    this.#worker = worker
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'hello')
        send(worker, { kind: 'orders', orders, self: { id: worker.id, slot, folder } })
      if (message.kind === 'started') this.#hasStarted = true
      if (message.kind === 'connections') this.connections = message.count
      hear(message)
    })
    worker.once('exit', () => {
      this.#worker = undefined
      this.connections = 0
      // A process that was killed could not remove its socket itself.
      rmSync(socketPathOf(folder, worker.id), { force: true })
    })
    return worker
  }

  /** Starts another whenever a process ends, after a wait. */
  #follow(worker: Worker): void {
    const began = Date.now()
    worker.once('exit', (code, signal) => {
      this.#hasStarted = false
      if (this.#isStopping) return
      const pause = this.#backoff.after(Date.now() - began)
      const end = signal ?? `exit code ${code}`
      this.#options.log.error(
        `worker ${this.slot} ended with ${end}; another starts in ${Math.round(pause)} ms`,
      )
      this.#restart = setTimeout(
        () => this.#follow(this.#fork((message) => this.#hearSuccessor(message))),
        pause,
      )
    })
  }

  #hearSuccessor(message: FromWorker): void {
    const { log, slot } = this.#options
    if (message.kind === 'started') log.info({ slot }, `worker ${slot} is back`)
    if (message.kind === 'failed') log.error(`worker ${slot} cannot start: ${message.reason}`)
  }
}

function send<Orders>(worker: Worker, message: FromParent<Orders>): void {
  // The event `exit` reports a worker that has just ended.
  if (worker.isConnected()) worker.send(message as object, () => undefined)
}
