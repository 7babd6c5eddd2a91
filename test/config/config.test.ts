import { generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type ConfigError, loadConfig } from '../../src/config/config.ts'
import { VARIABLES } from '../../src/config/variables.ts'

const KEY = 'k'.repeat(22)
const SECRET = 's'.repeat(32)
const production = { NODE_ENV: 'production', API_KEYS: `backend:${KEY}`, JWT_SECRET: SECRET }

const directory = mkdtempSync(join(tmpdir(), 'tabcast-config-'))
afterAll(() => rmSync(directory, { recursive: true }))

const file = (name: string, text: string): string => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
  } catch (error) {
    return (error as ConfigError).faults
  }
  return []
}

const rsa = (modulusLength: number): string => pem(generateKeyPairSync('rsa', { modulusLength }))
const ec = (namedCurve: string): string => pem(generateKeyPairSync('ec', { namedCurve }))
const ed25519 = (): string => pem(generateKeyPairSync('ed25519'))

function pem({ publicKey }: { publicKey: KeyObject }): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

test('without any variable it is a development server on loopback with the embedded engine', () => {
  const config = loadConfig({})
  expect(config).toMatchObject({
    development: true,
    role: 'all',
    host: '127.0.0.1',
    port: 3000,
    engine: { engine: 'embedded', path: './data/tabcast.db', durability: 'process' },
    directory: './data',
    origin: { origins: [], loopback: true },
    retention: { user: { count: 1000, seconds: 2_419_200 }, room: { count: 100, seconds: 86_400 } },
  })
})

test('the configuration is frozen all the way down', () => {
  const config = loadConfig({ PUBLIC_ROOMS: 'news' })
  expect(Object.isFrozen(config)).toBe(true)
  expect(Object.isFrozen(config.retention.user)).toBe(true)
  expect(Object.isFrozen(config.policy.publicRooms)).toBe(true)
})

test('only REDIS_URL set means Redis', () => {
  expect(loadConfig({ REDIS_URL: 'redis://localhost:6379' }).engine).toEqual({
    engine: 'redis',
    url: 'redis://localhost:6379',
    prefix: 'tabcast',
    commandTimeout: 1000,
    replicas: 0,
  })
})

test('ENGINE outvotes REDIS_URL', () => {
  expect(loadConfig({ REDIS_URL: 'redis://localhost', ENGINE: 'embedded' }).engine.engine).toBe('embedded')
})

test('an empty variable is not set', () => {
  expect(loadConfig({ REDIS_URL: '', PORT: ' ', API_KEYS: '' })).toMatchObject({
    port: 3000,
    engine: { engine: 'embedded' },
  })
})

test('all faults are reported in one message', () => {
  const env = { PORT: '70000', ROLE: 'server', TRANSPORTS: 'pigeon', JWT_SECRET: 'short', DRAIN_SECONDS: 'x' }
  const faults = faultsOf(env)
  for (const name of Object.keys(env))
    expect(faults.filter((fault) => fault.startsWith(name))).toHaveLength(1)
  expect(() => loadConfig(env)).toThrow(/PORT is "70000"[\s\S]*ROLE is "server"/)
})

test.each([
  ['PORT', '3000.5'],
  ['NODE_ENV', 'prod'],
  ['REDIS_URL', 'localhost:6379'],
  ['REDIS_URL', 'redis-sentinel://host'],
  ['REDIS_URL', 'redis-sentinel://a b/name'],
  ['REDIS_URL', 'redis-sentinel://host/name/zero'],
  ['REDIS_URL', 'redis-sentinel://host/name?other=1'],
  ['REDIS_URL', 'redis://a:1,http://b'],
  ['ENGINE', 'postgres'],
  ['ANONYMOUS', 'yes'],
  ['DURABILITY', 'none'],
  ['REDIS_WAIT', '-1'],
  ['REDIS_WAIT', '1'],
  ['REDIS_WAIT', '17'],
  ['CORS_ORIGINS', 'https://example.com/'],
  ['CORS_ORIGINS', 'example.com'],
  ['JOIN_ROOMS', 'news*'],
  ['PUBLIC_ROOMS', 'a'.repeat(257)],
  ['SOCKET_PATH', 'socket.io'],
  ['JWKS_URL', 'ftp://host/keys'],
  ['PUBLIC_URL', 'example.com'],
  ['JWT_PUBLIC_KEY', 'not a key'],
  ['WORKERS', 'auto'],
  ['WORKERS', '2'],
  ['WORKERS', '0'],
])('%s=%s is refused', (name, value) => {
  expect(faultsOf({ [name]: value }).join()).toContain(name)
})

test.each(['0', '-1', '1.5', '257', '10000', 'all', '0x2', '1e1'])(
  'WORKERS=%s is refused, and what is wanted is said',
  (value) => {
    expect(faultsOf({ WORKERS: value, REDIS_URL: 'redis://localhost' })).toEqual([
      `WORKERS is "${value}", but must be a whole number from 1 to 256, or auto for one per core`,
    ])
  },
)

test.each([
  ['1', 1],
  ['2', 2],
  ['256', 256],
  ['auto', Math.min(availableParallelism(), 256)],
])('WORKERS=%s is taken on Redis', (value, workers) => {
  expect(loadConfig({ WORKERS: value, REDIS_URL: 'redis://localhost' })).toMatchObject({ workers })
})

test('the embedded engine refuses to be one of several processes', () => {
  for (const value of ['2', 'auto'])
    expect(faultsOf({ WORKERS: value })).toEqual([
      `WORKERS is "${value}", but the embedded engine lives in one process: leave WORKERS out, or set REDIS_URL`,
    ])
  expect(faultsOf({ ROLE: 'worker' })).toEqual([expect.stringContaining('set REDIS_URL')])
  expect(faultsOf({ ROLE: 'worker', REDIS_URL: 'redis://localhost' })).toEqual([])
})

test('ENGINE=redis wants to know where', () => {
  expect(faultsOf({ ENGINE: 'redis' })).toEqual([expect.stringMatching(/^REDIS_URL is missing/)])
})

describe('production', () => {
  test('refuses to start without secrets and says how to make them', () => {
    const [keys, secret, ...more] = faultsOf({ NODE_ENV: 'production' })
    expect(more).toEqual([])
    expect(keys).toMatch(/^API_KEYS is missing.*openssl rand -base64 32/)
    expect(secret).toMatch(/^JWT_SECRET is missing.*openssl rand -base64 32/)
  })

  test('starts with them, on every address', () => {
    expect(loadConfig(production)).toMatchObject({
      development: false,
      host: '0.0.0.0',
      origin: { loopback: false },
    })
  })

  test('wants no API key of a worker', () => {
    const env = { NODE_ENV: 'production', ROLE: 'worker', REDIS_URL: 'redis://h', JWT_SECRET: SECRET }
    expect(faultsOf(env)).toEqual([])
  })

  test.each([
    ['JWT_PUBLIC_KEY', ed25519()],
    ['JWKS_URL', 'https://issuer.example/jwks.json'],
  ])('is content with %s', (name, value) => {
    expect(faultsOf({ ...production, JWT_SECRET: '', [name]: value })).toEqual([])
  })
})

describe('API_KEYS', () => {
  const keysOf = (API_KEYS: string) => loadConfig({ API_KEYS }).credentials.apiKeys

  test('knows only hashes of plain keys', () => {
    expect(keysOf(`shop:${KEY}`)).toEqual([
      { name: 'shop', sha256: hash('sha256', KEY, 'buffer'), scopes: new Set(['admin']) },
    ])
  })

  test('takes several, hashed ones and scopes', () => {
    const hex = hash('sha256', KEY)
    const keys = keysOf(
      `a:${KEY}, b:sha256:${hex}, c:${KEY}:notify:write+rooms:read,\nd:sha256:${hex}:presence:read`,
    )
    expect(keys.map(({ name, scopes }) => [name, [...scopes]])).toEqual([
      ['a', ['admin']],
      ['b', ['admin']],
      ['c', ['notify:write', 'rooms:read']],
      ['d', ['presence:read']],
    ])
    expect(keys[1]!.sha256).toEqual(keys[0]!.sha256)
  })

  test.each([
    ['a key of 21 characters', `shop:${'k'.repeat(21)}`],
    ['no name', `:${KEY}`],
    ['no key', 'shop'],
    ['a short hash', 'shop:sha256:abc'],
    ['an unknown scope', `shop:${KEY}:notify:everything`],
    ['an empty scope', `shop:${KEY}:`],
    ['only commas', ',,'],
  ])('refuses %s', (_, value) => {
    expect(faultsOf({ API_KEYS: value })).toEqual([expect.stringMatching(/^API_KEYS/)])
  })

  test('does not repeat what may be a key', () => {
    expect(faultsOf({ API_KEYS: 'a+key-without-a-name' }).join()).not.toContain('a+key')
  })
})

describe('the keys of tokens', () => {
  test('a secret has at least 32 bytes', () => {
    expect(faultsOf({ JWT_SECRET: 's'.repeat(31) })).toHaveLength(1)
    expect(loadConfig({ JWT_SECRET: 's'.repeat(32) }).credentials.jwtSecrets).toEqual([SECRET])
  })

  test('several secrets for a rotation', () => {
    const other = 't'.repeat(40)
    expect(loadConfig({ JWT_SECRET: `${SECRET},${other}` }).credentials.jwtSecrets).toEqual([SECRET, other])
  })

  test('several public keys, with \\n for a new line', () => {
    const keys = [ed25519(), ec('P-256')]
    const config = loadConfig({ JWT_PUBLIC_KEY: keys.join('').replaceAll('\n', '\\n') })
    expect(config.credentials.jwtPublicKeys.map((key) => key.trim())).toEqual(keys.map((key) => key.trim()))
  })

  test('weak and private keys are refused', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect(faultsOf({ JWT_PUBLIC_KEY: secret }).join()).toContain('private key')
    expect(faultsOf({ JWT_PUBLIC_KEY: rsa(1024) }).join()).toContain('1024')
    expect(faultsOf({ JWT_PUBLIC_KEY: ec('secp256k1') }).join()).toContain('curve')
    expect(faultsOf({ JWT_SECRET: ed25519() }).join()).toContain('JWT_PUBLIC_KEY')
  })
})

describe('NAME_FILE', () => {
  test('gives a secret, without the new line at its end', () => {
    const config = loadConfig({
      JWT_SECRET_FILE: file('jwt', `${SECRET}\n`),
      REDIS_URL_FILE: file('redis', 'redis://:pw@localhost\n'),
    })
    expect(config.credentials.jwtSecrets).toEqual([SECRET])
    expect(config.engine).toMatchObject({ engine: 'redis', url: 'redis://:pw@localhost' })
  })

  test('is refused beside the variable itself, empty, or absent', () => {
    const path = file('both', SECRET)
    expect(faultsOf({ JWT_SECRET: SECRET, JWT_SECRET_FILE: path })).toHaveLength(1)
    expect(faultsOf({ JWT_SECRET_FILE: join(directory, 'nowhere') })).toEqual([
      expect.stringContaining('ENOENT'),
    ])
    expect(faultsOf({ JWT_SECRET_FILE: file('empty', '\n') })).toEqual([expect.stringContaining('empty')])
  })
})

test('a fault never repeats a secret', () => {
  const faults = faultsOf({ REDIS_URL: 'http://:hunter2@localhost', JWT_SECRET: 'hunter2' })
  expect(faults).toHaveLength(2)
  expect(faults.join()).not.toContain('hunter2')
})

test('every variable is described', () => {
  for (const { name, meaning } of VARIABLES) expect([name, meaning]).not.toContain('')
  const secrets = VARIABLES.filter(({ secret }) => secret).map(({ name }) => name)
  expect(secrets).toEqual([
    'REDIS_URL',
    'API_KEYS',
    'JWT_SECRET',
    'JWT_PUBLIC_KEY',
    'WEBHOOK_SECRET',
    'PUSHER_API',
  ])
})

describe('webhooks', () => {
  const secret = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 1).toString('base64')}`

  test('there are none unless somebody wants them', () => {
    expect(loadConfig({}).webhooks).toEqual({ secrets: [], url: undefined, allowPrivate: false })
  })

  test('several secrets sign, for a rotation', () => {
    const both = `${secret(24)},${secret(64)}`
    const url = 'http://127.0.0.1:8080/hook'
    expect(loadConfig({ WEBHOOK_SECRET: both, WEBHOOK_URL: url, WEBHOOK_PRIVATE: 'on' }).webhooks).toEqual({
      secrets: both.split(','),
      url,
      allowPrivate: true,
    })
  })

  test.each([
    ['23 bytes', secret(23)],
    ['65 bytes', secret(65)],
    ['no prefix', Buffer.alloc(32).toString('base64')],
    ['no base64', `whsec_${'!'.repeat(32)}`],
    ['cut base64', secret(32).slice(0, -2)],
  ])('a secret of %s is refused, says how to make one, and is not repeated', (_what, wrong) => {
    const [fault, ...others] = faultsOf({ WEBHOOK_SECRET: wrong })
    expect(others).toEqual([])
    expect(fault).toMatch(/^WEBHOOK_SECRET: secret 1 .*openssl rand/)
    expect(fault).not.toContain(wrong)
  })

  test('a URL without a secret would hear nothing', () => {
    expect(faultsOf({ WEBHOOK_URL: 'https://backend.example/' })).toEqual([
      expect.stringContaining('WEBHOOK_SECRET'),
    ])
    expect(faultsOf({ WEBHOOK_SECRET: secret(32), WEBHOOK_URL: 'backend.example' })).toHaveLength(1)
  })
})
