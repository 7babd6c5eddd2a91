import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/config.ts'
import { type TabOptions, TestTab } from './tab.ts'
import { signToken } from './tokens.ts'

const JWT_SECRET = 'jwt-secret-of-the-tests-0123456789abcdef'
const API_KEY = 'api-key-of-the-tests-0123456789'

/** Claims of a test's token besides its user; times in seconds. */
export interface TokenOptions {
  rooms?: string[]
  publish?: string[]
  ttl?: number
  issuedAt?: number
}

/** The answer to a publish. */
export interface Answer {
  id: string
  seq: number
  epoch: string
  connections: number
}

/** A whole Tabcast in this process, listening on a free port, with everything that a test asks of it. */
export interface TestApp {
  readonly app: App
  readonly io: NonNullable<App['io']>
  readonly url: string
  readonly jwtSecret: string
  readonly apiKey: string
  token(user: string, options?: TokenOptions): string
  /** A tab of a user; closed with the app. */
  tab(user: string, options?: Omit<TabOptions, 'token'> & { grants?: TokenOptions }): TestTab
  tabWith(options: TabOptions): TestTab
  post(path: string, body: object, headers?: Record<string, string>): Promise<Response>
  /** Posts text as it is; throws unless it is accepted. */
  postText(path: string, body: string): Promise<Answer>
  notify(user: string, notification: object, headers?: Record<string, string>): Promise<Answer>
  message(room: string, message: object, headers?: Record<string, string>): Promise<Answer>
  /** Makes a user a member of a room, and ends it; resolves to the status of the answer. */
  join(user: string, room: string, body?: object): Promise<number>
  expel(user: string, room: string): Promise<number>
  close(): Promise<void>
}

const memberPath = (user: string, room: string): string =>
  `/rooms/${encodeURIComponent(room)}/members/${encodeURIComponent(user)}`

/** Starts one on the embedded engine, in memory, unless the environment says otherwise. */
export async function startApp(env: Record<string, string> = {}): Promise<TestApp> {
  const config = loadConfig({
    DATA: ':memory:',
    PORT: '0',
    LOG_LEVEL: 'error',
    DRAIN_SECONDS: '0',
    API_KEYS: `test:${API_KEY}`,
    JWT_SECRET,
    ...env,
  })
  const app = await createApp(config)
  await app.listen()
  const tabs: TestTab[] = []
  const keep = (tab: TestTab): TestTab => {
    tabs.push(tab)
    return tab
  }
  const send = (
    path: string,
    body: string | undefined,
    headers: Record<string, string> = {},
    method = 'POST',
  ): Promise<Response> =>
    fetch(app.url + path, {
      method,
      headers: {
        authorization: `Bearer ${API_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
  const accepted = async (response: Response): Promise<Answer> => {
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as Answer
  }
  const token = (user: string, options: TokenOptions = {}): string => {
    const { ttl = 600, issuedAt = Math.floor(Date.now() / 1000), ...grants } = options
    return signToken(JWT_SECRET, { sub: user, aud: 'tabcast', iat: issuedAt, exp: issuedAt + ttl, ...grants })
  }
  return {
    app,
    io: app.io!,
    url: app.url,
    jwtSecret: JWT_SECRET,
    apiKey: API_KEY,
    token,
    tab: (user, { grants, ...options } = {}) =>
      keep(new TestTab(app.url, { ...options, token: token(user, grants) })),
    tabWith: (options) => keep(new TestTab(app.url, options)),
    post: (path, body, headers) => send(path, JSON.stringify(body), headers),
    postText: async (path, body) => accepted(await send(path, body)),
    notify: async (user, notification, headers) =>
      accepted(await send(`/notify/${encodeURIComponent(user)}`, JSON.stringify(notification), headers)),
    message: async (room, message, headers) =>
      accepted(await send(`/rooms/${encodeURIComponent(room)}/messages`, JSON.stringify(message), headers)),
    join: async (user, room, body = {}) =>
      (await send(memberPath(user, room), JSON.stringify(body), {}, 'PUT')).status,
    expel: async (user, room) => (await send(memberPath(user, room), undefined, {}, 'DELETE')).status,
    async close() {
      for (const tab of tabs) tab.close()
      await app.close()
    },
  }
}
