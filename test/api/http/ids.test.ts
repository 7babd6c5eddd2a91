import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { userChannel } from '../../../src/core/model/channel.ts'
import { call, KEY, startApi } from '../../support/api.ts'

/** The path goes out as it is written: a URL parser would resolve the dots. */
async function post(api: FastifyInstance, path: string): Promise<{ status: number; body: unknown }> {
  const { port } = api.server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        path,
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      },
      (response) => json(response).then((body) => resolve({ status: response.statusCode!, body }), reject),
    )
    outgoing.on('error', reject)
    outgoing.end('{"title":"x"}')
  })
}

const encode = (id: string): string => encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('*', '%2A')

const ids = [
  'a:b',
  'a',
  'A',
  '{x}',
  '*',
  '..',
  '.',
  '../../..',
  'a/b',
  'a%2Fb',
  'a+b',
  'a b',
  ' a',
  'a;b',
  'a?b#c',
  'ü 😀',
  'u\u0308',
  '\u00fc',
  '__proto__',
  'constructor',
  'user:a',
  "'; DROP TABLE entry; --",
  'x'.repeat(256),
  '😀'.repeat(256),
  `${'x'.repeat(255)}y`,
]

test('each id is a user of its own', async () => {
  const { api, engine } = await startApi()
  await api.listen({ port: 0 })
  for (const id of ids)
    expect([id, await post(api, `/notify/${encode(id)}`)]).toMatchObject([id, { status: 201 }])
  for (const id of ids) {
    const { publications } = await engine.broker.latest(userChannel(id), undefined, {
      entries: 9,
      bytes: 9999,
    })
    expect([id, publications.length]).toEqual([id, 1])
  }
})

test('each id is a room of its own, and of presence', async () => {
  const { api } = await startApi()
  for (const id of ids.filter((id) => !/^\.+$/.test(id))) {
    const path = `/rooms/${encodeURIComponent(id)}/messages`
    expect((await call(api, path, { body: { body: id } })).status).toBe(201)
    const { json } = await call(api, path)
    expect([json.messages.length, json.messages[0].room, json.messages[0].body]).toEqual([1, id, id])
  }
  const { json } = await call(api, '/presence', { body: { users: ids } })
  expect(json.users.map(({ user }: { user: string }) => user)).toEqual(ids)
})

test.each([
  ['a control character', 'a%00b', 400, 'invalid_request'],
  ['a new line', 'a%0Ab', 400, 'invalid_request'],
  ['a C1 control character', '%C2%85', 400, 'invalid_request'],
  ['257 characters', 'x'.repeat(257), 400, 'invalid_request'],
  ['257 characters of four bytes', encode('😀'.repeat(257)), 400, 'invalid_request'],
  ['far too much', 'x'.repeat(4000), 414, 'uri_too_long'],
  ['a surrogate in UTF-8', '%ED%A0%80', 400, 'malformed_url'],
  ['what is not UTF-8', '%FF', 400, 'malformed_url'],
  ['half an escape', '%E0%A4%A', 400, 'malformed_url'],
])('refuses %s', async (_, path, status, code) => {
  const { api } = await startApi()
  await api.listen({ port: 0 })
  expect(await post(api, `/notify/${path}`)).toMatchObject({ status, body: { code, status } })
})

test('lone surrogates and control characters in a body are pointed to', async () => {
  const { api } = await startApi()
  const { json } = await call(api, '/presence', { body: '{"users":["a","\\ud800"]}' })
  expect(json.errors).toEqual([{ pointer: '/users/1', detail: expect.stringContaining('surrogate') }])
  const token = await call(api, '/tokens', { body: { user: 'a\u0007' } })
  expect(token).toMatchObject({ status: 400, json: { errors: [{ pointer: '/user' }] } })
})
