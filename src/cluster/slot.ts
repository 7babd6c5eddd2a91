import cluster, { type Worker } from 'node:cluster'
import { rmSync } from 'node:fs'
import { OperatorError } from '../core/model/errors.ts'
import type { FromParent, FromWorker } from './messages.ts'
import type { ParentLog } from './parent-log.ts'
import { closeUntaken } from './untaken.ts'
import { socketPathOf } from './worker-process.ts'

/** Milliseconds before the first restart, and before one after many failures, before jitter. */
const LEAST = 200
const MOST = 10_000

/** A process that lived so long, in milliseconds, has no failure that a restart repeats at once. */
const HEALTHY = 30_000

/** How long to wait before a process that ended is started again: longer each time, unless it lived for a while, and never for all the same. */
export class Backoff {
  #next = LEAST

  /** Milliseconds to wait now; `lived`: how long the one that ended was there. */
  after(lived: number): number {
    const delay = lived >= HEALTHY ? LEAST : this.#next
    this.#next = Math.min(MOST, delay * 2)
    return delay * (0.5 + Math.random() / 2)
  }
}

export interface SlotOptions<Orders> {
  /** 1, 2, 3 … */
  slot: number
  folder: string
  orders: Orders
  log: ParentLog
}

/** The place of one worker: a process that ends there is followed by another. */
export class Slot<Orders> {
  /** How many Socket.IO connections its process last told of. */
  connections = 0
  readonly #options: SlotOptions<Orders>
  readonly #backoff = new Backoff()
  #worker: Worker | undefined
  #hasStarted = false
  #isStopping = false
  #restart: NodeJS.Timeout | undefined

  constructor(options: SlotOptions<Orders>) {
    this.#options = options
  }

  get slot(): number {
    return this.#options.slot
  }

  /** Starts the first process. Resolves with its banner when it takes connections; rejects with its reason if it can't. */
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

  /** Sends its tabs elsewhere and ends it, for good; resolves when it has ended. One that takes no connections yet is ended at once. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#restart)
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    if (this.#hasStarted) send(worker, { kind: 'stop' })
    else worker.process.kill('SIGKILL')
    await ended
  }

  /** Ends it now, for good. */
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
      // One that was killed could not do so itself.
      rmSync(socketPathOf(folder, worker.id), { force: true })
    })
    return worker
  }

  /** Starts another whenever a process that had started ends, or did not come as far. */
  #follow(worker: Worker): void {
    const began = Date.now()
    worker.once('exit', (code, signal) => {
      this.#hasStarted = false
      if (this.#isStopping) return
      const pause = this.#backoff.after(Date.now() - began)
      const end = signal ?? `exit code ${code}`
      this.#options.log.error(
        `worker ${this.slot} ended with ${end}; another follows in ${Math.round(pause)} ms`,
      )
      this.#restart = setTimeout(
        () => this.#follow(this.#fork((message) => this.#hearSuccessor(message))),
        pause,
      )
    })
  }

  #hearSuccessor(message: FromWorker): void {
    const { log, slot } = this.#options
    if (message.kind === 'started') log.info(`worker ${slot} is back`)
    if (message.kind === 'failed') log.error(`worker ${slot} can not start: ${message.reason}`)
  }
}

function send<Orders>(worker: Worker, message: FromParent<Orders>): void {
  // One that has just ended is told of by its exit.
  if (worker.isConnected()) worker.send(message as object, () => undefined)
}
