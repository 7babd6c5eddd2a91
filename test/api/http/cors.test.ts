import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'

const FRIEND = 'https://app.example.com'
const STRANGER = 'https://evil.example.com'

async function started(env: Record<string, string> = {}) {
  const app = await startApp({ CORS_ORIGINS: FRIEND, ...env })
  const ask = (path: string, init: { method?: string; headers: Record<string, string> }) =>
    fetch(app.url + path, init)
  const authorization = `Bearer ${app.token('demo')}`
  return { app, ask, authorization }
}

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  },
})

const allowed = (response: Response): string | null => response.headers.get('access-control-allow-origin')

test('a page of CORS_ORIGINS may call, and reads errors too', async () => {
  const { app, ask, authorization } = await started()
  const before = await ask('/me/notifications/mark', preflight(FRIEND))
  expect([before.status, allowed(before), await before.text()]).toEqual([204, FRIEND, ''])
  expect(before.headers.get('access-control-allow-methods')).toBe('GET, POST, DELETE')
  expect(before.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type')
  expect(before.headers.get('vary')).toBe('Origin')
  for (const [path, headers, status] of [
    ['/me/notifications', { authorization }, 200],
    ['/me/notifications/count', { authorization }, 200],
    ['/me/notifications?limit=0', { authorization }, 400],
    ['/me/notifications', {}, 401],
  ] as const) {
    const response = await ask(path, { headers: { origin: FRIEND, ...headers } })
    expect([path, response.status, allowed(response)]).toEqual([path, status, FRIEND])
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  }
  await app.close()
})

test('no other page may, and none may call the routes of a backend', async () => {
  const { app, ask, authorization } = await started()
  for (const origin of [STRANGER, 'null', `${FRIEND}:8443`]) {
    expect(allowed(await ask('/me/notifications', preflight(origin)))).toBeNull()
    expect(allowed(await ask('/me/notifications', { headers: { origin, authorization } }))).toBeNull()
  }
  const backend = await ask('/notify/demo', preflight(FRIEND))
  expect([backend.status, allowed(backend)]).toEqual([405, null])
  await app.close()
})

test('by default pages of this machine may in development, and pages of the same origin anyway', async () => {
  const { app, ask } = await started({ CORS_ORIGINS: '' })
  for (const origin of ['http://localhost:5173', 'http://127.0.0.1:8080', new URL(app.url).origin])
    expect(allowed(await ask('/me/notifications', preflight(origin)))).toBe(origin)
  expect(allowed(await ask('/me/notifications', preflight(FRIEND)))).toBeNull()
  await app.close()
})

test('with CORS_ORIGINS=* every page may', async () => {
  const { app, ask } = await started({ CORS_ORIGINS: '*' })
  expect(allowed(await ask('/me/notifications', preflight(STRANGER)))).toBe(STRANGER)
  await app.close()
})
