import { startProxy, type TcpProxy } from '../../support/programs/proxy.ts'
import { startTabcast, type Tabcast } from '../../support/programs/tabcast.ts'
import { Target } from './target.ts'

/** One process of Tabcast that can be broken, behind a proxy of its own and, on Redis, with a link of its own to it. */
export class Instance extends Target {
  /** In front of its port: what backends and tabs connect to. */
  readonly proxy: TcpProxy
  /** Between it and Redis. */
  readonly link: TcpProxy | undefined
  /** Its output, whenever it ended without having been asked to, or not as it should. */
  readonly crashes: string[] = []
  readonly #env: Record<string, string>
  #server: Tabcast
  #ending = false

  /** Starts the process; it is ready when this resolves. */
  static async start(env: Record<string, string>, redisPort?: number): Promise<Instance> {
    const link = redisPort === undefined ? undefined : await startProxy(redisPort)
    const all = link === undefined ? env : { ...env, REDIS_URL: `redis://127.0.0.1:${link.port}` }
    const server = await startTabcast(all)
    return new Instance(all, server, await startProxy(server.port), link)
  }

  private constructor(
    env: Record<string, string>,
    server: Tabcast,
    proxy: TcpProxy,
    link: TcpProxy | undefined,
  ) {
    super()
    this.#env = env
    this.#server = server
    this.proxy = proxy
    this.link = link
    this.#noteCrash()
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#ending = true
    await this.#server.kill()
  }

  /** SIGTERM; resolves when it has drained and ended. */
  async stop(): Promise<void> {
    this.#ending = true
    const code = await this.#server.stop()
    if (code !== 0) this.#crashed(code)
  }

  /** Starts it again on the same port; it need not be ready when this resolves, since Redis may be away. */
  async startAgain(): Promise<void> {
    this.#server = await startTabcast(this.#env, { port: this.#server.port, until: 'live' })
    this.#ending = false
    this.#noteCrash()
  }

  /** SIGSTOP: it holds its connections and does nothing. */
  pause(): void {
    process.kill(this.#server.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.#server.pid, 'SIGCONT')
  }

  async close(): Promise<void> {
    await this.kill()
    await Promise.all([this.proxy.close(), this.link?.close()])
  }

  #noteCrash(): void {
    void this.#server.exited.then((code) => {
      if (!this.#ending) this.#crashed(code)
    })
  }

  #crashed(code: number | null): void {
    this.crashes.push(`a process ended with ${code}: ${this.#server.output().slice(-1000)}`)
  }
}
