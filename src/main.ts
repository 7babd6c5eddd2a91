import { type App, createApp } from './app.ts'
import { banner } from './banner.ts'
import { type Config, loadConfig } from './config.ts'
import { explain } from './explain.ts'

/** Seconds that a stop may take beyond the time over which it spreads its reconnects. */
const STOP_MARGIN = 15

/**
 * Milliseconds within which a second signal is the same one: Ctrl-C reaches this process from the terminal, and again from npm, which
 * passes it on. Libraries for a graceful stop take that for impatience and end the process at once.
 */
const SAME_SIGNAL = 1000

async function prepare(): Promise<{ config: Config; app: App }> {
  const config = loadConfig()
  return { config, app: await createApp(config) }
}

async function start(): Promise<void> {
  const { config, app } = await prepare().catch(explainAndExit)
  // Before it listens: who is answered by it may stop it at once.
  const isStopping = stopGracefully(config, app)
  try {
    await app.listen()
    if (!isStopping()) process.stdout.write(await banner(config, app))
  } catch (error) {
    if (!isStopping()) explainAndExit(error)
  }
}

/**
 * Stops on a signal with exit code 0, after an error that nobody handled with 1, and at once if somebody insists. What it returns tells
 * whether that has begun.
 */
function stopGracefully({ drainSeconds }: Config, app: App): () => boolean {
  let since = 0
  const stop = async (code: number): Promise<void> => {
    since = Date.now()
    setTimeout(() => process.exit(1), (drainSeconds + STOP_MARGIN) * 1000).unref()
    await app.close()
    process.exit(code)
  }
  const fail = (error: unknown): void => {
    app.log.fatal(error, 'stopping because of an error that nobody handled')
    if (since === 0) void stop(1)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (since === 0) {
        app.log.info(`stopping on ${signal}: tabs are sent elsewhere within ${drainSeconds} s`)
        void stop(0)
      } else if (Date.now() - since > SAME_SIGNAL) process.exit(1)
    })
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  return () => since > 0
}

function explainAndExit(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}

await start()
