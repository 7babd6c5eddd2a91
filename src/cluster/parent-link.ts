import cluster, { type Worker } from 'node:cluster'
import { rmdirSync } from 'node:fs'
import { OperatorError } from '../core/model/errors.ts'
import type { FromParent, FromWorker } from './messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Milliseconds between two reports of the number of connections. */
const REPORT_INTERVAL = 1000

/** The link from a worker to the process that started it. */
export interface ParentLink<Orders> {
  /** The orders that the parent gives every worker at its start. */
  readonly orders: Orders
  readonly self: WorkerProcess
  /** Reports that connections are taken; from then on the number of connections is reported every second. `banner` is for the operator. */
  started(banner: string, connections: () => number): void
  /** Reports why the start failed. Resolves when it has been sent. */
  failed(reason: string): Promise<void>
  /** Calls the listener once, when the parent asks for a stop or has ended itself; the reason is for the log. */
  onStop(listener: (reason: string) => void): void
  /** Removes the folder of the sockets if the parent has ended and left it behind. To be called last. */
  leave(): void
}

/** Resolves to the link to the parent, once its orders are there; to undefined in a process that is not a worker. */
export async function linkToParent<Orders>(): Promise<ParentLink<Orders> | undefined> {
  const { worker } = cluster
  if (worker === undefined) return undefined
  const stop = Promise.withResolvers<string>()
  const given = Promise.withResolvers<Extract<FromParent<Orders>, { kind: 'orders' }>>()
  worker.on('message', (message: FromParent<Orders>) => {
    if (message.kind === 'orders') given.resolve(message)
    else stop.resolve('the parent stops')
  })
  worker.on('disconnect', () => {
    // Otherwise Node ends the process right here.
    worker.exitedAfterDisconnect = true
    stop.resolve('the parent has gone')
    given.reject(new OperatorError('The parent process has gone. Start Tabcast again.'))
  })
  send(worker, { kind: 'hello' })
  const { orders, self } = await given.promise
  return {
    orders,
    self,
    started(banner, connections) {
      send(worker, { kind: 'started', banner })
      report(worker, connections)
    },
    failed: (reason) => send(worker, { kind: 'failed', reason }),
    onStop: (listener) => void stop.promise.then(listener),
    leave() {
      if (!worker.isConnected()) removeIfEmpty(self.folder)
    },
  }
}

function report(worker: Worker, connections: () => number): void {
  let reported = 0
  setInterval(() => {
    const count = connections()
    if (count === reported) return
    reported = count
    void send(worker, { kind: 'connections', count })
  }, REPORT_INTERVAL).unref()
}

/** Resolves when the message has been sent, or cannot be: the event `disconnect` reports a parent that has gone. */
function send(worker: Worker, message: FromWorker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (worker.isConnected()) worker.send(message, () => resolve())
  else resolve()
  return promise
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Another worker is still in it, and will remove it.
  }
}
