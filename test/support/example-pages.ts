import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser, watchErrors } from './programs/browser.ts'
import { freePort } from './programs/free-port.ts'
import { until } from './until.ts'

/** The pages of an example, served as its README says, and opened in a browser. */
export interface ExamplePages {
  readonly url: string
  /** Opens a page (a path, or another server's URL) and keeps its errors for `close`. Pages of the same person share their cookies. */
  open(path: string, person?: string): Promise<Page>
  /** Closes the pages and forgets the cookies; resolves with the errors that nobody handled in them. */
  close(): Promise<string[]>
  /** All that the server has printed so far. */
  output(): string
  stop(): Promise<void>
}

export interface ExamplePagesOptions {
  /** The port to which pages are led that call `127.0.0.1:3000`, as examples do. */
  tabcastPort: number
  env?: Record<string, string>
}

/** Milliseconds that the server may take to start. */
const PATIENCE = 20_000

/**
 * Runs the command that serves an example's pages, in the project's directory. `8080` in the command is replaced by a free
 * port, which is also in `PORT`.
 */
export async function startExamplePages(
  command: string,
  { tabcastPort, env = {} }: ExamplePagesOptions,
): Promise<ExamplePages> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = run(command.replace('8080', String(port)), { PORT: String(port), ...env })
  try {
    await until(() => listens(port), PATIENCE)
  } catch (error) {
    await server.stop()
    throw new Error(`"${command}" did not start:\n${server.output()}`, { cause: error })
  }
  let browser: Promise<Browser> | undefined
  const contexts = new Map<string, Promise<BrowserContext>>()
  const errors: string[] = []
  return {
    url,
    async open(path, person = '') {
      browser ??= launchBrowser(tabcastPort)
      const context = contexts.get(person) ?? browser.then((started) => started.newContext())
      contexts.set(person, context)
      const page = await (await context).newPage()
      watchErrors(page, errors)
      await page.goto(new URL(path, url).href)
      return page
    },
    async close() {
      const open = await Promise.all(contexts.values())
      contexts.clear()
      await Promise.all(open.map((context) => context.close()))
      return errors.splice(0)
    },
    output: server.output,
    async stop() {
      await (await browser)?.close()
      await server.stop()
    },
  }
}

/** Resolves when a page says that it is connected. */
export const isConnected = (page: Page): Promise<void> =>
  page
    .locator('#status')
    .getByText(/^Connected/)
    .waitFor()

/** Resolves when one of the elements that a selector finds has exactly this text. */
export const shows = (page: Page, selector: string, text: string): Promise<void> =>
  page.locator(selector).getByText(text, { exact: true }).first().waitFor()

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function run(command: string, env: Record<string, string>): Pick<ExamplePages, 'output' | 'stop'> {
  const [program, ...args] = command.split(' ')
  const { PATH, HOME } = process.env
  const cwd = join(import.meta.dirname, '../..')
  const child = spawn(program!, args, { cwd, env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const exited = once(child, 'close').then(() => void running.delete(child))
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  return {
    output: () => text,
    stop() {
      child.kill()
      return exited
    },
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  return true
}
