import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../../support/programs/free-port.ts'
import { type RedisServer, startRedis } from '../../../support/programs/redis.ts'
import { startTabcast } from '../../../support/programs/tabcast.ts'
import { until } from '../../../support/until.ts'

const run = promisify(execFile)

/** Makes an authority and a certificate of it for `localhost`, in a directory; answers the settings of a server that uses them. */
async function certify(directory: string): Promise<Record<string, string>> {
  const file = (name: string) => join(directory, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const openssl = (...args: string[]) => run('openssl', args)
  await openssl(
    'req',
    '-x509',
    ...key,
    '-subj',
    '/CN=Test authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
  )
  await openssl(
    ...[
      'req',
      '-x509',
      ...key,
      '-subj',
      '/CN=localhost',
      '-keyout',
      file('redis.key'),
      '-out',
      file('redis.crt'),
    ],
    ...['-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key')],
  )
  return {
    'tls-cert-file': file('redis.crt'),
    'tls-key-file': file('redis.key'),
    'tls-ca-cert-file': file('ca.crt'),
    'tls-auth-clients': 'no',
  }
}

let directory: string
let redis: RedisServer
let url: string
let authority: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tabcast-tls-'))
  const settings = await certify(directory)
  const port = await freePort()
  redis = await startRedis({ settings: { ...settings, 'tls-port': String(port) } })
  url = `rediss://localhost:${port}`
  authority = settings['tls-ca-cert-file']!
})
afterAll(async () => {
  await redis.stop()
  await rm(directory, { recursive: true })
})

test('rediss:// is encrypted, and an authority of one’s own is named by NODE_EXTRA_CA_CERTS', async () => {
  const server = await startTabcast({ REDIS_URL: url, NODE_EXTRA_CA_CERTS: authority })
  const answer = await fetch(`${server.url}/notify/ada`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: '{"title":"Hello"}',
  })
  expect(answer.status).toBe(201)
  expect(await redis.cli('llen', 'tabcast:{user:ada}:notifications')).toBe('1\n')
  await server.stop()
})

test('a certificate of an unknown authority is refused, and said so', async () => {
  const server = await startTabcast({ REDIS_URL: url }, { until: 'live' })
  await until(async () => (await (await fetch(`${server.url}/readyz`)).text()).includes('certificate'), 5000)
  await server.stop()
})
