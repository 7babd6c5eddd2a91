import { readdir } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { Traffic } from '../core/lifecycle/traffic.ts'
import { newEngineSessionId, processOfUrl } from './engine-session-id.ts'
import { passRequest, passUpgrade } from './pass-on.ts'
import { idOfSocketPath, socketPathOf, type WorkerProcess } from './worker-process.ts'

/** What answers requests and upgrades of the sessions of this process. */
export interface SessionHandler {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** What a process is asked for at its side door. No path of Socket.IO can have a colon. */
const QUESTION = '/:tell'

/** How long a sibling may take to answer, in milliseconds. */
const PATIENCE = 1000

/** How often it is looked whether everything that was passed on has ended, in milliseconds. */
const LOOK = 50

/** Connections that may wait at the side door: after a deploy, a burst of polls comes through it. */
const BACKLOG = 4096

/**
 * The processes of this machine that listen on the same port. The system gives each connection to any of them, so that requests of one
 * session arrive at all. A session id names the process that has the session, and each process has a side door, a Unix socket, through
 * which the others pass on what is for it.
 */
export class Siblings {
  /** For the label of metrics. */
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
      if (request.url === QUESTION) void this.#say(response)
    })
    this.#traffic = new Traffic(this.#socket, () => false)
  }

  newEngineSessionId(): string {
    return newEngineSessionId(this.#self.id)
  }

  /** `answer` makes what this process says when a sibling asks; it is sent as JSON. */
  onAsked(answer: () => Promise<unknown>): void {
    this.#answer = answer
  }

  /** What the others say; those that say nothing in time are left out. */
  ask(): Promise<unknown[]> {
    return askSiblings(this.#self)
  }

  /** Takes what comes to `server` below `path`, which ends with a slash, for sessions of siblings before anybody else there sees it; `own` gets what they pass on. */
  attach(server: Server, path: string, own: SessionHandler): void {
    const ownerOf = ({ url = '' }: IncomingMessage): number | undefined => {
      const id = url.startsWith(path) ? processOfUrl(url) : undefined
      return id === this.#self.id ? undefined : id
    }
    before(server, 'request', (otherwise, request: IncomingMessage, response: ServerResponse) => {
      const id = ownerOf(request)
      if (id === undefined) otherwise()
      else this.#watch(passRequest(this.#socketPathOf(id), request, response, otherwise))
    })
    before(server, 'upgrade', (otherwise, request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const id = ownerOf(request)
      if (id === undefined) otherwise()
      else this.#watch(passUpgrade(this.#socketPathOf(id), request, socket, head, otherwise))
    })
    this.#socket.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.url !== QUESTION) own.request(request, response)
    })
    this.#socket.on('upgrade', own.upgrade)
  }

  /** Opens the side door. */
  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#socket.once('error', reject)
    // Exclusive, or the parent would listen there in its stead, and every request go through it.
    this.#socket.listen(
      { path: this.#socketPathOf(this.#self.id), backlog: BACKLOG, exclusive: true },
      () => {
        this.#socket.off('error', reject)
        resolve()
      },
    )
    return promise
  }

  /** Waits until nothing that was passed on is under way, at most so many milliseconds: siblings send their tabs elsewhere at their own pace. */
  async untilIdle(most: number): Promise<void> {
    for (const end = Date.now() + most; this.#underWay.size > 0 && Date.now() < end; ) await delay(LOOK)
  }

  /** Closes the side door, and what has come through it. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#socket.close(() => resolve())
    this.#traffic.cut()
    await promise
  }

  #socketPathOf(id: number): string {
    return socketPathOf(this.#self.folder, id)
  }

  #watch(passing: Promise<void>): void {
    this.#underWay.add(passing)
    void passing.then(() => this.#underWay.delete(passing))
  }

  async #say(response: ServerResponse): Promise<void> {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await this.#answer()))
  }
}

/** Puts one listener before those that a server has for an event; they hear of it when it calls `otherwise`. */
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

/** Asks every other process of this machine. What does not answer in time, such as one that has just died, is left out. */
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
