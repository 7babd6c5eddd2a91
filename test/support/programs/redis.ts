import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface RedisServerOptions {
  password?: string
  /** Instead of a free one. */
  port?: number
  /** Every acknowledged write survives `kill()`. Otherwise nothing does. */
  aof?: boolean
  /** More lines of redis.conf. */
  settings?: Record<string, string>
  /** It is no store but a Sentinel, with these lines of sentinel.conf. */
  sentinel?: readonly string[]
}

export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly dir: string
  /** Ends it for good and removes its directory. */
  stop(): Promise<void>
  /** SIGKILL. The port and the directory are kept for `restart`. */
  kill(): Promise<void>
  /** Starts it again on the same port and directory; kills it first if it runs. */
  restart(): Promise<void>
  /** It keeps its connections and answers nothing, until `resume`. */
  pause(): void
  resume(): void
  /** The output of redis-cli for a command. */
  cli(...command: string[]): Promise<string>
}

export interface RedisCluster {
  /** The URLs of all nodes, separated by commas. */
  readonly url: string
  /** The masters first, then their replicas. */
  readonly nodes: readonly RedisServer[]
  stop(): Promise<void>
}

/** A redis-server of one's own on a free port of loopback; resolves when it accepts connections. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tabcast-redis-'))
  try {
    for (;;) {
      const port = options.port ?? (await freePort())
      const child = launch(port, dir, options)
      if (await isReady(child)) return serverOf(child, port, dir, options)
    }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** Three masters that share the slots, each with so many replicas; resolves when every one of them says that the cluster is complete. */
export async function startRedisCluster(
  options: RedisServerOptions & { replicas?: number } = {},
): Promise<RedisCluster> {
  const { replicas = 0, ...rest } = options
  // Nodes that only wait for a core are not to give each other up.
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '15000', ...rest.settings }
  const nodes = await Promise.all(
    Array.from({ length: 3 * (1 + replicas) }, () => startRedis({ ...rest, settings })),
  )
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await nodes[0]!.cli(
      ...['--cluster', 'create', ...addresses],
      ...['--cluster-replicas', String(replicas), '--cluster-yes'],
    )
    await Promise.all(nodes.map(clusterIsComplete))
  } catch (error) {
    await stop()
    throw error
  }
  return { url: nodes.map(({ url }) => url).join(','), nodes, stop }
}

/** Redis has no such event, so it is asked; each question is a process of its own, which is pause enough. */
async function clusterIsComplete(node: RedisServer): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await node.cli('cluster', 'info')).includes('cluster_state:ok'))
    if (Date.now() > deadline) throw new Error('the cluster is not complete after 20 s')
}

function serverOf(first: ChildProcess, port: number, dir: string, options: RedisServerOptions): RedisServer {
  let child = first
  const { password } = options
  const kill = () => end(child, 'SIGKILL')
  return {
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid!
    },
    kill,
    async stop() {
      // A paused process hears nothing but SIGKILL.
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
    async restart() {
      await kill()
      child = launch(port, dir, options)
      if (!(await isReady(child))) throw new Error(`redis-server did not start again on port ${port}`)
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async cli(...command) {
      const credentials = password === undefined ? [] : ['-a', password, '--no-auth-warning']
      const { stdout } = await run('redis-cli', ['-p', String(port), ...credentials, ...command])
      return stdout
    },
  }
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function launch(port: number, dir: string, options: RedisServerOptions): ChildProcess {
  const { password, aof = false } = options
  const settings: Record<string, string> = {
    port: String(port),
    dir,
    bind: '127.0.0.1',
    save: '',
    appendonly: aof ? 'yes' : 'no',
    // The default may put a write off while an fsync runs, and still acknowledge it.
    appendfsync: 'always',
    // A master waits five seconds for more replicas before it serves the first.
    'repl-diskless-sync-delay': '0',
    ...(password === undefined ? {} : { requirepass: password, masterauth: password }),
    ...options.settings,
  }
  const given = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn(
    'redis-server',
    options.sentinel === undefined ? given : [sentinelFile(port, dir, options.sentinel), '--sentinel'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** A Sentinel writes what it learns into its file, which is kept when it is started again. */
function sentinelFile(port: number, dir: string, lines: readonly string[]): string {
  const file = join(dir, 'sentinel.conf')
  if (!existsSync(file))
    writeFileSync(file, [`port ${port}`, `dir ${dir}`, 'bind 127.0.0.1', ...lines, ''].join('\n'))
  return file
}

/** True if it accepts connections; false if somebody else has its port. */
async function isReady(child: ChildProcess): Promise<boolean> {
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('redis-server could not be started', { cause: error })
  })
  const log: string[] = []
  const read = async (): Promise<boolean> => {
    const lines = createInterface({ input: child.stdout! })
    for await (const line of lines) {
      log.push(line)
      if (/Ready to accept connections|\+monitor master/.test(line)) return true
    }
    if (log.some((line) => /address already in use/i.test(line))) return false
    throw new Error(`redis-server ended:\n${log.join('\n')}`)
  }
  const ready = await Promise.race([read(), failed])
  // What it logs later is thrown away, so that a full pipe never stops it.
  child.stdout!.resume()
  return ready
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

/**
 * A port on which nobody listens, and whose bus port (10,000 above) is free as well. Both lie below the ports that the system gives to
 * outgoing connections: a client that tries to reconnect to a killed server would else at times be connected to itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 12_000)
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  server.once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  return promise
}
