import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ServiceError } from '../../src/core/model/errors.ts'
import { startNginx } from '../support/programs/nginx.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startArguments, startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFile(join(root, path), 'utf8')

interface Instruction {
  name: string
  rest: string
}

/** The instructions of the Dockerfile, those of the last stage only: they are what runs. */
async function image(): Promise<{ all: Instruction[]; last: Instruction[] }> {
  const text = (await read('Dockerfile')).replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ')
  const all = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ')).trim() }))
  return { all, last: all.slice(all.findLastIndex(({ name }) => name === 'FROM')) }
}

/** The words of an instruction in exec form, which starts no shell. */
function execForm(instructions: Instruction[], name: string): string[] {
  const { rest } = instructions.find((instruction) => instruction.name === name)!
  return JSON.parse(rest.slice(rest.indexOf('[')))
}

/** A folder with everything that the image has in /app, made from the files here. */
async function appOfImage(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tabcast-image-'))
  const ignore = (await read('.dockerignore')).split('\n')
  for (const { name, rest } of (await image()).last) {
    if (name !== 'COPY') continue
    const [from, to] = rest.split(' ').slice(-2) as [string, string]
    if (rest.startsWith('--from=')) await symlink(join(root, 'node_modules'), join(dir, to))
    else {
      expect(ignore, `${from} must get past .dockerignore`).toContain(`!${from}`)
      await cp(join(root, from), join(dir, to.endsWith('/') ? join(to, from) : to), { recursive: true })
    }
  }
  return dir
}

describe('the image', () => {
  test('starts with the command that npm start and these tests use, and no shell in between', async () => {
    const { last } = await image()
    expect(execForm(last, 'CMD')).toEqual(['node', ...startArguments])
    const { scripts } = JSON.parse(await read('package.json'))
    expect(scripts.start).toMatch(new RegExp(`exec \\S*node ${startArguments.join(' ')}$`))
    expect(last.some(({ name }) => name === 'ENTRYPOINT')).toBe(false)
  })

  test('is on the Node that is pinned, as a user without rights, with a place for data', async () => {
    const { all, last } = await image()
    const { devDependencies } = JSON.parse(await read('package.json'))
    for (const { rest } of all.filter(({ name }) => name === 'FROM'))
      expect(rest).toMatch(new RegExp(`^node:${devDependencies.node}-slim( AS \\w+)?$`))
    expect(last).toContainEqual({ name: 'USER', rest: 'node' })
    expect(last).toContainEqual({ name: 'VOLUME', rest: '/data' })
    expect(last.findIndex(({ rest }) => rest.includes('chown node:node /data'))).toBeLessThan(
      last.findIndex(({ name }) => name === 'VOLUME'),
    )
    expect(last.find(({ name }) => name === 'ENV')?.rest).toContain('NODE_ENV=production')
  })

  test('has all that it needs to run in production, and its health check tells', async () => {
    const directory = await appOfImage()
    const check = async (port: number) => {
      const [program, ...args] = execForm((await image()).last, 'HEALTHCHECK')
      expect(program).toBe('node')
      const child = spawn(process.execPath, args, { env: { PORT: String(port) }, stdio: 'inherit' })
      const [code] = await once(child, 'exit')
      return code
    }
    try {
      const server = await startTabcast({ NODE_ENV: 'production' }, { directory })
      expect(await check(server.port)).toBe(0)
      expect(await server.stop()).toBe(0)
      expect(await check(server.port)).toBe(1)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})

interface Service {
  image?: string
  build?: string
  command?: string[]
  environment?: Record<string, string | number>
  depends_on?: Record<string, { condition: string }>
  volumes?: string[]
  ports?: string[]
  healthcheck?: { test: string[] }
  stop_grace_period?: string
}

async function composeFile(): Promise<{
  services: Record<string, Service>
  volumes: Record<string, unknown>
}> {
  return parse(await read('compose.yaml'), { merge: true })
}

describe('compose.yaml', () => {
  test('holds together: what it names is there', async () => {
    const { services, volumes } = await composeFile()
    expect(Object.keys(services)).toEqual(['redis', 'api', 'worker1', 'worker2', 'nginx'])
    for (const service of Object.values(services)) {
      expect(service.image).toBeDefined()
      for (const [name, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(services).toHaveProperty(name)
        expect(condition).toBe('service_healthy')
        // Those that are built have the health check of the image.
        expect(services[name]?.healthcheck ?? services[name]?.build).toBeDefined()
      }
      for (const volume of service.volumes ?? []) {
        const [from] = volume.split(':') as [string]
        if (from.startsWith('.')) expect((await stat(join(root, from))).isFile()).toBe(true)
        else expect(volumes).toHaveProperty(from)
      }
    }
  })

  test('gives no secret of its own: each must come from outside, and it says how', async () => {
    const text = await read('compose.yaml')
    const mandatory = new Set([...text.matchAll(/\$\{(\w+):\?[^}]+\}/g)].map(([, name]) => name))
    expect([...mandatory].sort()).toEqual(['API_KEYS', 'JWT_SECRET', 'REDIS_PASSWORD'])
    for (const [, name] of text.matchAll(/\$\{(\w+)\}/g)) expect(mandatory).toContain(name)
    for (const name of mandatory) expect(text).toMatch(new RegExp(`# .*for name in.*\\b${name}=`))
  })

  test('runs Redis with its append-only file and a password', async () => {
    const { redis } = (await composeFile()).services
    expect(redis?.command?.join(' ')).toMatch(/--appendonly yes .*--requirepass \$\{REDIS_PASSWORD\}/)
    expect(redis?.volumes).toEqual(['redis:/data'])
  })

  test('nginx takes deploy/nginx.conf as it is, but for the names of the network', async () => {
    const { services } = await composeFile()
    const [http] = (services.nginx?.ports ?? []).map((port) => port.split(':').at(-1))
    expect(await read('deploy/nginx.conf')).toContain(`listen ${http};`)
    const nobody = '127.0.0.1:1'
    const nginx = await startNginx({ 'api:3000': nobody, 'worker1:3000': nobody, 'worker2:3000': nobody })
    try {
      expect((await fetch(`${nginx.url}/metrics`)).status).toBe(404)
      expect((await fetch(`${nginx.url}/livez`)).status).toBe(502)
    } finally {
      await nginx.stop()
    }
  })

  test('what it starts works: through nginx a post reaches the tabs of both workers', async () => {
    const { services } = await composeFile()
    const redis = await startRedis({ password: 'a1b2c3', aof: true })
    const shared = { API_KEYS: `backend:${'k'.repeat(64)}`, JWT_SECRET: 's'.repeat(64) }
    const values: Record<string, string> = { REDIS_PASSWORD: 'a1b2c3', ...shared }
    // As compose would fill it in, but for the address of Redis.
    const environment = (service: string) =>
      Object.fromEntries(
        Object.entries(services[service]?.environment ?? {}).map(([name, value]) => [
          name,
          String(value)
            .replace(/\$\{(\w+)[^}]*\}/g, (_, variable) => values[variable]!)
            .replace('redis:6379', `127.0.0.1:${redis.port}`),
        ]),
      )
    const production = (name: string) =>
      startTabcast({ NODE_ENV: 'production', ...environment(name) }, { bare: true })
    const running: { stop(): Promise<unknown> }[] = [redis]
    const tabs: TestTab[] = []
    try {
      const [api, worker1, worker2] = (await Promise.all(['api', 'worker1', 'worker2'].map(production))) as [
        Tabcast,
        Tabcast,
        Tabcast,
      ]
      running.unshift(api, worker1, worker2)
      const address = ({ port }: Tabcast) => `127.0.0.1:${port}`
      const nginx = await startNginx({
        'api:3000': address(api),
        'worker1:3000': address(worker1),
        'worker2:3000': address(worker2),
      })
      running.unshift(nginx)

      const token = browserToken(shared.JWT_SECRET, { user: 'demo' })
      for (const transport of ['websocket', 'polling'])
        tabs.push(new TestTab(nginx.url, { token, transports: [transport] }))
      for (const worker of [worker1, worker2]) tabs.push(new TestTab(worker.url, { token }))
      await Promise.all(tabs.map((tab) => tab.connected()))

      const post = (body: string) =>
        fetch(`${nginx.url}/notify/demo`, {
          method: 'POST',
          headers: { authorization: `Bearer ${'k'.repeat(64)}`, 'content-type': 'application/json' },
          body,
        })
      const answer = await post('{"title":"Hello"}')
      expect(answer.status).toBe(201)
      expect(await answer.json()).toMatchObject({ seq: 1, connections: 4 })
      for (const tab of tabs) expect(await tab.sees('notification')).toMatchObject([{ title: 'Hello' }])

      // What nginx refuses, it refuses in the words of Tabcast, and metrics stay inside.
      const large = await post(JSON.stringify({ title: 'x'.repeat(1_100_000) }))
      expect(large.status).toBe(413)
      expect(large.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      const { code, title, status, help } = new ServiceError('too_large', '')
      expect(await large.json()).toMatchObject({ type: help, code, title, status, help })
      expect((await fetch(`${nginx.url}/metrics`)).status).toBe(404)
      expect((await fetch(`${nginx.url}/livez`)).status).toBe(200)
    } finally {
      for (const tab of tabs) tab.close()
      for (const each of running) await each.stop()
    }
  })
})
