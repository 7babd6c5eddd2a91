import { type App, type ClusterOptions, createApp } from './app.ts'
import { linkToParent, type ParentLink } from './cluster/parent-link.ts'
import { Workers } from './cluster/workers.ts'
import { type Config, loadConfig } from './config/config.ts'
import { banner, farewell } from './development/banner.ts'
import { completeCredentials } from './development/secrets.ts'
import { explain } from './process/explain.ts'
import { createLog } from './process/log.ts'

/** Seconds that a stop may take beyond the time over which it spreads its reconnects. */
const STOP_MARGIN = 15

/**
 * Milliseconds within which a second signal is the same one: Ctrl-C reaches this process from the terminal, and again from npm, which
 * passes it on. Libraries for a graceful stop take that for impatience and end the process at once.
 */
const SAME_SIGNAL = 1000

/** What a parent tells its workers. */
type Orders = { config: Config } & Pick<ClusterOptions, 'completed'>

/** What is stopped: the app itself, or the processes that run it. */
interface Running {
  log: { info(message: string): void; fatal(error: unknown, message: string): void }
  close(): Promise<void>
  /** How many tabs it has; only of what a terminal speaks to. */
  connections?(): number
  /** Whether one of its processes had to be ended, or somebody ended it, before it was done. */
  wasCutShort?(): boolean
  /** Ends what this process has started, at once. */
  kill?(): void
}

async function start(): Promise<void> {
  let parent: ParentLink<Orders> | undefined
  try {
    parent = await linkToParent<Orders>()
    if (parent === undefined) {
      const config = loadConfig()
      await (config.workers > 1 ? startCluster(config) : startAlone(config))
    } else await startWorker(parent)
  } catch (error) {
    if (parent === undefined) process.stderr.write(`${explain(error)}\n`)
    else await parent.failed(explain(error))
    process.exit(1)
  }
}

async function startAlone(config: Config): Promise<void> {
  const app = await createApp(config)
  const connections = (): number => app.sockets?.counts.connections ?? 0
  const ending = stopGracefully(config, { log: app.log, close: app.close, connections })
  await listen(app, ending, async () => void process.stdout.write(await banner(config, app)))
}

async function startCluster(config: Config): Promise<void> {
  const orders: Orders = { config, completed: completeCredentials(config.credentials, config.directory) }
  const { log } = createLog(config.logLevel)
  const workers = new Workers({ count: config.workers, orders, log })
  stopGracefully(config, {
    log,
    close: () => workers.close(),
    connections: () => workers.connections(),
    wasCutShort: () => workers.wasCutShort(),
    kill: () => workers.kill(),
  })
  process.stdout.write(await workers.start())
}

async function startWorker({ orders, self, ...parent }: ParentLink<Orders>): Promise<void> {
  const { config, completed } = orders
  const app = await createApp(config, { self, completed })
  const ending = stopGracefully(config, { log: app.log, close: () => app.close().finally(parent.leave) })
  parent.onStop(ending.begin)
  await listen(app, ending, async () =>
    parent.started(await banner(config, app), () => app.sockets?.counts.connections ?? 0),
  )
}

/** Signals are minded before: who is answered may stop the process at once. Then a start that was cut short is no failure. */
async function listen(app: App, { hasBegun }: Ending, tell: () => Promise<void>): Promise<void> {
  try {
    await app.listen()
    if (!hasBegun()) await tell()
  } catch (error) {
    if (!hasBegun()) throw error
  }
}

/** The end of this process. */
interface Ending {
  hasBegun(): boolean
  /** Does what a first signal does, for a reason that is logged. */
  begin(reason: string): void
}

/** Stops on a signal with exit code 0, after an error that nobody handled with 1, and at once if somebody insists. */
function stopGracefully(config: Config, running: Running): Ending {
  const { drainSeconds } = config
  let since = 0
  const end = (code: number): void => {
    running.kill?.()
    process.exit(code)
  }
  const stop = async (code: number): Promise<void> => {
    since = Date.now()
    setTimeout(() => end(1), (drainSeconds + STOP_MARGIN) * 1000).unref()
    await running.close()
    // A second signal may come to the workers as one that insists, and to this process a moment too early for that.
    process.exit(running.wasCutShort?.() === true ? 1 : code)
  }
  const begin = (reason: string): void => {
    if (since !== 0) return
    running.log.info(`stopping, since ${reason}: tabs are sent elsewhere within ${drainSeconds} s`)
    void stop(0)
  }
  const fail = (error: unknown): void => {
    running.log.fatal(error, 'stopping because of an error that nobody handled')
    if (since === 0) void stop(1)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (since !== 0 && Date.now() - since > SAME_SIGNAL) end(1)
      else {
        if (since === 0 && signal === 'SIGINT')
          process.stdout.write(farewell(config, running.connections?.() ?? 0))
        begin(`${signal} came`)
      }
    })
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  return { hasBegun: () => since !== 0, begin }
}

await start()
