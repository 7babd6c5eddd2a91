import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answering,
  cutting,
  type FakeTabcast,
  fakeTabcast,
  hanging,
} from '../support/programs/fake-tabcast.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'

const examples = join(import.meta.dirname, '../../examples')

interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program to its end; nothing of the surroundings but the PATH. */
function run(command: string[], env: Record<string, string>): Promise<Ended> {
  const [program, ...args] = command
  return new Promise((resolve, reject) => {
    execFile(program!, args, { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => {
      if (typeof error?.code === 'string') reject(error)
      else resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

const callers: [string, string[]][] = [
  ['PHP', ['php', join(examples, 'php/notify.php')]],
  ['Python', ['python3', join(examples, 'python/notify.py')]],
  ['curl', ['sh', join(examples, 'curl/notify.sh')]],
]

describe.each(callers)('%s notifies', (_name, command) => {
  let tabcast: Tabcast
  beforeAll(async () => {
    tabcast = await startTabcast()
  })
  afterAll(() => tabcast?.stop())

  const notify = (args: string[], env: Record<string, string> = {}) =>
    run([...command, ...args], { TABCAST_URL: tabcast.url, TABCAST_KEY: tabcast.apiKey, ...env })
  const notifyAt = (fake: FakeTabcast) => notify(['demo', 'Hello'], { TABCAST_URL: fake.url })

  test.each([
    ['ada', 'Your export is ready', '42 rows'],
    ['a/b ü😀?#%2e', 'quotes " \' and \\ and\ttab', 'two\nlines, ü 😀 <b>'],
  ])('a tab of %s sees it', async (user, title, body) => {
    const tab = new TestTab(tabcast.url, { token: browserToken(tabcast.jwtSecret, { user }) })
    try {
      await tab.connected()
      const ended = await notify([user, title, body])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      const answer = JSON.parse(ended.stdout)
      expect(answer).toMatchObject({ seq: 1, connections: 1, created: true })
      expect(await tab.sees('notification')).toMatchObject([{ id: answer.id, title, body }])
    } finally {
      tab.close()
    }
  })

  test('a title alone is enough', async () => {
    expect(await notify(['demo-2', 'Hello'])).toMatchObject({ code: 0 })
  })

  test('a refusal is printed with its reason, and not repeated', async () => {
    const refused = await notify(['demo', 'Hello'], { TABCAST_KEY: 'wrong-key-that-nobody-ever-made' })
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/401.*API key/i)

    const problem = {
      title: 'Not valid',
      detail: 'The request is not valid',
      errors: [{ pointer: '/title', detail: 'is too long' }],
    }
    const fake = await fakeTabcast(answering(400, problem))
    try {
      const { code, stderr } = await notifyAt(fake)
      expect(code).toBe(1)
      expect(stderr).toContain('/title')
      expect(stderr).toContain('is too long')
      expect(fake.requests).toHaveLength(1)
    } finally {
      await fake.close()
    }
  })

  test.each([
    ['a connection that is cut', cutting],
    ['a 503', answering(503, { title: 'The engine cannot be reached' })],
  ])('%s is tried once more with the same idempotency key', async (_what, fault) => {
    const fake = await fakeTabcast(fault, answering(201, { id: 'x', seq: 7 }))
    try {
      const ended = await notifyAt(fake)
      expect(ended).toMatchObject({ code: 0 })
      expect(JSON.parse(ended.stdout)).toEqual({ id: 'x', seq: 7 })
      const [first, second] = fake.requests
      expect(fake.requests).toHaveLength(2)
      expect(first).toMatchObject({ method: 'POST', headers: { authorization: `Bearer ${tabcast.apiKey}` } })
      expect(JSON.parse(first!.body)).toEqual({ title: 'Hello' })
      expect(second!.body).toBe(first!.body)
      expect(first!.headers['idempotency-key']).toMatch(/^[\w-]{22,}$/)
      expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key'])
      await notifyAt(fake)
      expect(fake.requests[2]!.headers['idempotency-key']).not.toBe(first!.headers['idempotency-key'])
    } finally {
      await fake.close()
    }
  })

  test('after two faults it gives up', async () => {
    const fake = await fakeTabcast(answering(503, { title: 'The engine cannot be reached' }))
    try {
      const { code, stderr } = await notifyAt(fake)
      expect(code).toBe(1)
      expect(stderr).toContain('The engine cannot be reached')
      expect(fake.requests).toHaveLength(2)
    } finally {
      await fake.close()
    }
  })

  test.each([
    ['TABCAST_KEY', ''],
    ['TABCAST_KEY', 'a-key-that-was\ncopied-over-two-lines'],
    ['TABCAST_URL', '127.0.0.1:3000'],
    ['TABCAST_URL', 'localhost'],
  ])('%s set to %j is explained in one line, and nothing is sent', async (name, value) => {
    const { code, stdout, stderr } = await notify(['demo', 'Hello'], { [name]: value })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^Set ${name} to .*\\n$`))
  })

  test('called wrongly it says how to call it', async () => {
    const { code, stderr } = await notify(['demo'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('Usage:')
  })
})

test.for(callers)(
  '%s: a server that hangs holds it up for 2 s a try',
  { concurrent: true },
  async ([_name, command], { expect }) => {
    const fake = await fakeTabcast(hanging)
    try {
      const { code, stderr } = await run([...command, 'demo', 'Hello'], {
        TABCAST_URL: fake.url,
        TABCAST_KEY: 'key',
      })
      expect(code).toBe(1)
      expect(stderr).toContain('did not answer')
      // How long the program takes to start is the machine's affair.
      expect(fake.requests).toHaveLength(2)
      for (const { closedAfter } of fake.requests) {
        expect(closedAfter).toBeGreaterThan(1500)
        expect(closedAfter).toBeLessThan(3000)
      }
    } finally {
      await fake.close()
    }
  },
)

test('the PHP function serves an application, with a key of its own and an empty object in data', async () => {
  const fake = await fakeTabcast(answering(201, { id: 'x', seq: 7 }))
  try {
    const code = `require '${join(examples, 'php/notify.php')}';
      echo tabcast_notify('demo', ['title' => 'Hello', 'data' => ['o' => new stdClass, 'a' => []]], key: 'export-42')['seq'];`
    const env = { TABCAST_URL: `${fake.url}/`, TABCAST_KEY: 'key' }
    expect(await run(['php', '-r', code], env)).toEqual({ code: 0, stdout: '7', stderr: '' })
    expect(fake.requests).toMatchObject([
      { path: '/notify/demo', headers: { 'idempotency-key': 'export-42' } },
    ])
    expect(fake.requests[0]!.body).toBe('{"title":"Hello","data":{"o":{},"a":[]}}')
  } finally {
    await fake.close()
  }
})
