import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** Arguments that follow `node` wherever Tabcast is started: `npm start`, the container, these tests. */
export const startArguments = ['--max-semi-space-size=4', 'src/main.ts']

export interface NodeProcess {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** All that it has printed so far. */
  output(): string
  /** SIGTERM; resolves like `exited`. */
  stop(): Promise<number | null>
  /** SIGKILL. */
  kill(): Promise<void>
  /** The exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>
}

export interface Tabcast extends NodeProcess {
  /** An API key with all scopes, unless `env` gave another. */
  readonly apiKey: string
  /** Signs browser tokens. */
  readonly jwtSecret: string
}

export interface TabcastOptions {
  /** Given again after a restart; else a free one. */
  port?: number
  /** Awaited before it resolves: `/readyz` says 200, `/livez` does, something was printed, it has ended. `ready` unless given. */
  until?: 'ready' | 'live' | 'output' | 'exit'
  /** No secrets and no host are given: only the port and a data directory. */
  bare?: boolean
  /** The folder of `src/main.ts`; this project, unless given. */
  directory?: string
}

const project = join(import.meta.dirname, '../../..')

/**
 * A Tabcast of its own, as a process on loopback, with a data directory and secrets of its own unless `env` says others.
 * Rejects with what it printed if it ends before it has come as far as `until` says.
 */
export async function startTabcast(
  env: Record<string, string> = {},
  options: TabcastOptions = {},
): Promise<Tabcast> {
  const { port = await freePort(), until = 'ready', bare = false, directory = project } = options
  const data = await mkdtemp(join(tmpdir(), 'tabcast-data-'))
  const apiKey = randomBytes(32).toString('base64url')
  const jwtSecret = randomBytes(32).toString('base64url')
  const secrets = { HOST: '127.0.0.1', API_KEYS: `test:${apiKey}`, JWT_SECRET: jwtSecret, LOG_LEVEL: 'warn' }
  const own = { PORT: String(port), DATA: join(data, 'tabcast.db'), ...(bare ? {} : secrets) }
  const started = launch(startArguments, port, { ...own, ...env }, directory)
  void started.exited.then(() => rm(data, { recursive: true, force: true }))
  if (until === 'exit') await started.exited
  else if (until === 'output') await reached(started, started.printed)
  else await reached(started, answers(`${started.url}/${until}z`))
  return {
    ...started,
    apiKey: env.API_KEYS === undefined ? apiKey : (/^[^:]*:([^:,]*)/.exec(env.API_KEYS)?.[1] ?? ''),
    jwtSecret: env.JWT_SECRET ?? jwtSecret,
  }
}

/** A script of this project as a process, with a free port in `PORT`; resolves when it listens there. */
export async function startNode(script: string, env: Record<string, string> = {}): Promise<NodeProcess> {
  const port = await freePort()
  const started = launch([script], port, { PORT: String(port), ...env }, project)
  await reached(started, listens(port))
  return started
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function launch(
  args: string[],
  port: number,
  variables: Record<string, string>,
  directory: string,
): NodeProcess & { printed: Promise<void> } {
  // Of the surroundings only the way to programs and what Node itself heeds: a REDIS_URL in the shell would change every test.
  const { PATH, HOME, NODE_OPTIONS, MUTATION } = process.env
  // As `npm start` does: a third less to compile, for each of hundreds of processes.
  const NODE_COMPILE_CACHE = join(project, 'node_modules/.cache/node')
  const env = { PATH, HOME, NODE_OPTIONS, MUTATION, NODE_COMPILE_CACHE, ...variables }
  const child = spawn(process.execPath, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const printed = Promise.withResolvers<void>()
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      printed.resolve()
    })
  const exited = once(child, 'close').then(() => {
    running.delete(child)
    return child.exitCode
  })
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid!,
    output: () => text,
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
    exited,
    printed: printed.promise,
  }
}

/** Waits for `goal`; rejects if the process ends before or the goal cannot be reached. */
async function reached(started: NodeProcess, goal: Promise<void>): Promise<void> {
  const ended = started.exited.then((code) => {
    throw new Error(`it ended with ${code}`)
  })
  try {
    await Promise.race([goal, ended])
  } catch (error) {
    goal.catch(() => undefined)
    await started.kill()
    throw new Error(`The process did not start:\n${started.output()}`, { cause: error })
  } finally {
    ended.catch(() => undefined)
  }
}

/** Nothing says that a server is ready, so it is asked. */
async function answers(url: string): Promise<void> {
  await eventually(`${url} does not say 200`, async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.ok
  })
}

async function listens(port: number): Promise<void> {
  await eventually(`nobody listens on port ${port}`, async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
    return true
  })
}

async function eventually(fault: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(20))
    if (await isSo().catch(() => false)) return
  throw new Error(`${fault} after 20 s`)
}
