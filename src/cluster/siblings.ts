import { readdir } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { Traffic } from '../core/lifecycle/traffic.ts'
import { newEngineSessionId, processOfUrl } from './engine-session-id.ts'
import { passRequest, passUpgrade } from './pass-on.ts'
import { idOfSocketPath, socketPathOf, type WorkerProcess } from './worker-process.ts'

/** The handler of requests and upgrades for the engine sessions of this process. */
export interface EngineSessionHandler {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** The path by which a process asks another for its answer, over its socket. No path of Socket.IO can have a colon. */
const QUESTION = '/:ask'

/** The longest that a sibling may take to answer, in milliseconds. */
const PATIENCE = 1000

/** Milliseconds between two looks whether everything that was passed on has ended. */
const LOOK = 50

/** The connections that may wait at the socket: after a deploy, a burst of polls comes over it. */
const BACKLOG = 4096

/**
 * The processes of this machine that listen on the same port. The system gives each connection to any of them, so requests of one engine
 * session arrive at all of them. The id of an engine session names the process that has it, and each process has a Unix socket, over which
 * the others pass on what is for it.
 */
export class Siblings {
  /** The name of this process, for the label of metrics. */
  readonly worker: string
  readonly #self: WorkerProcess
  readonly #socket: Server
  readonly #traffic: Traffic
  readonly #underWay = new Set<Promise<void>>()
  #answer: () => Promise<unknown> = async () => []

  constructor(self: WorkerProcess) {
    this.#self = self
    this.worker = String(self.slot)
    this.#socket = createServer((request, response) => {
      if (request.url === QUESTION) void this.#respond(response)
    })
    this.#traffic = new Traffic(this.#socket, () => false)
  }

  /** Makes an id for a new engine session of this process. */
  newEngineSessionId(): string {
    return newEngineSessionId(this.#self.id)
  }

  /** Sets the function that makes the answer of this process to its siblings; it is sent as JSON. */
  onAsked(answer: () => Promise<unknown>): void {
    this.#answer = answer
  }

  /** Resolves to the answers of the others; those that do not answer in time are left out. */
  ask(): Promise<unknown[]> {
    return askSiblings(this.#self)
  }

  /**
   * Passes on what comes to `server` below `path`, which ends with a slash, for engine sessions of siblings, before other listeners there see
   * it. `own` receives what the siblings pass on.
   */
  attach(server: Server, path: string, own: EngineSessionHandler): void {
    const ownerOf = ({ url = '' }: IncomingMessage): number | undefined => {
      const id = url.startsWith(path) ? processOfUrl(url) : undefined
      return id === this.#self.id ? undefined : id
    }
    before(server, 'request', (otherwise, request: IncomingMessage, response: ServerResponse) => {
      const id = ownerOf(request)
      if (id === undefined) otherwise()
      else this.#track(passRequest(this.#socketPathOf(id), request, response, otherwise))
    })
    before(server, 'upgrade', (otherwise, request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const id = ownerOf(request)
      if (id === undefined) otherwise()
      else this.#track(passUpgrade(this.#socketPathOf(id), request, socket, head, otherwise))
    })
    this.#socket.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.url !== QUESTION) own.request(request, response)
    })
    this.#socket.on('upgrade', own.upgrade)
  }

  /** Listens at the socket of this process. Rejects if that fails. */
  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.once('error', reject)
    // Exclusive, or the parent would listen there instead, and every request would go through it.
    this.#socket.listen(
      { path: this.#socketPathOf(this.#self.id), backlog: BACKLOG, exclusive: true },
      () => {
        this.#socket.off('error', reject)
        resolve()
      },
    )
    return promise
  }

  /** Resolves when nothing that was passed on is under way, or after so many milliseconds: siblings send their tabs away at their own pace. */
  async untilIdle(most: number): Promise<void> {
    for (const end = Date.now() + most; this.#underWay.size > 0 && Date.now() < end; ) await delay(LOOK)
  }

  /** Closes the socket, and the connections over it. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#socket.close(() => resolve())
    this.#traffic.cut()
    await promise
  }

  #socketPathOf(id: number): string {
    return socketPathOf(this.#self.folder, id)
  }

  #track(passing: Promise<void>): void {
    this.#underWay.add(passing)
    void passing.then(() => this.#underWay.delete(passing))
  }

  async #respond(response: ServerResponse): Promise<void> {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await this.#answer()))
  }
}

/** Puts one listener before those that a server has for an event; they are called when it calls `otherwise`. */
function before<Args extends unknown[]>(
  server: Server,
  event: string,
  take: (otherwise: () => void, ...args: Args) => void,
): void {
  const listeners = server.listeners(event)
  server.removeAllListeners(event)
  server.on(event, (...args: Args) => {
    take(
      () => {
        for (const listener of listeners) listener.apply(server, args)
      },
      ...args,
    )
  })
}

/** Asks every other process of this installation. One that does not answer in time, perhaps because it has just died, is left out. */
async function askSiblings({ folder, id }: WorkerProcess): Promise<unknown[]> {
  const others = (await readdir(folder))
    .map(idOfSocketPath)
    .filter((other) => other !== undefined && other !== id)
  const answers = await Promise.allSettled(others.map((other) => ask(socketPathOf(folder, other!))))
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

function ask(socketPath: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  get({ socketPath, path: QUESTION, agent: false, signal: AbortSignal.timeout(PATIENCE) }, (response) => {
    json(response).then(resolve, reject)
  }).once('error', reject)
  return promise
}
